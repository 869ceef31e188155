/** Says whether the process that a file names still is that process: a pid alone comes back with another owner. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'

/** When the process started, as opaque text; undefined when it is gone (a zombie is gone). */
export function startOfProcess(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  if (process.platform !== 'linux') return outputOf('ps', ['-o', 'lstart=', '-p', String(pid)])
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Behind the name in brackets, which may hold anything: state is field 3, the start field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Whether `pid` is a PostgreSQL server on this data directory: the server works inside it. */
export function isServerOf(pid: number, dataDirectory: string): boolean {
  if (startOfProcess(pid) === undefined) return false
  if (process.platform !== 'linux')
    return outputOf('ps', ['-o', 'command=', '-p', String(pid)])?.includes(dataDirectory) === true
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dataDirectory
  } catch {
    return false
  }
}

function outputOf(command: string, options: string[]): string | undefined {
  try {
    const output = execFileSync(command, options, { encoding: 'utf8' }).trim()
    return output === '' ? undefined : output
  } catch {
    return undefined
  }
}
