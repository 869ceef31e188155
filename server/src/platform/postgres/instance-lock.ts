/** One Lika per data folder: a file that names the process holding it, taken over only when that process is gone. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotStart } from '../cannot-start.ts'
import { startOfProcess } from './process-identity.ts'

/** Returns the release. Throws CannotStart while another instance runs on the folder. */
export function lockDataFolder(dataDir: string): () => void {
  const file = join(dataDir, 'lika.lock')
  const mine = `${process.pid} ${startOfProcess(process.pid)}\n`
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, mine, { mode: 0o644 })
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      if (tryLink(draft, file)) {
        return () => {
          if (readIfThere(file) === mine) rmSync(file, { force: true })
        }
      }
      const theirs = readIfThere(file)
      if (theirs === undefined) continue
      if (isHeld(theirs)) throw inUse(dataDir, theirs)
      takeAway(file, theirs)
    }
    throw inUse(dataDir, readIfThere(file) ?? '')
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Removes the lock of a process that is gone. Two may try at once: who moved a fresh lock away puts it back. */
function takeAway(file: string, stale: string): void {
  const moved = `${file}.stale.${process.pid}`
  try {
    renameSync(file, moved)
  } catch {
    return
  }
  if (readIfThere(moved) !== stale) tryLink(moved, file)
  rmSync(moved, { force: true })
}

/** Creates `file` with its content in one step; false when it is there already. */
function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function isHeld(content: string): boolean {
  const [pid, started] = content.trim().split(' ')
  const current = startOfProcess(Number(pid))
  return current !== undefined && `${pid} ${current}` === `${pid} ${started}`
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function inUse(dataDir: string, content: string): CannotStart {
  return new CannotStart(
    'data_folder.in_use',
    `Another Lika (process ${content.split(' ')[0]}) runs on the data folder ${dataDir}. Stop it first, or set LIKA_DATA to a folder of its own.`,
  )
}
