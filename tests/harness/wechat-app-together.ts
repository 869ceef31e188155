/** Several processes that speak for one app at the same time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Told } from './wechat-app-process.ts'
import type { Connector } from './wechat-connector.ts'

const program = join(import.meta.dirname, 'wechat-app-process.ts')

/** Starts processes, lets them begin together, and gives all their answers. */
export async function together(
  run: Pick<Connector, 'database' | 'twin'>,
  processes: number,
  app: string,
  work: string,
  count: number,
) {
  const url = run.database.url
  const children = await Promise.all(
    Array.from({ length: processes }, async () => {
      const args = [program, url, run.twin.url, app, work, String(count)]
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.on('data', (text: Buffer) => (said += text.toString()))
      while (!said.includes('ready')) await once(child.stdout, 'data')
      return { child, answers: () => JSON.parse(said.split('\n')[1] ?? '') as Told[] }
    }),
  )
  const ended = children.map(({ child }) => once(child, 'exit'))
  for (const { child } of children) child.stdin.write('go\n')
  await Promise.all(ended)
  return children.flatMap(({ answers }) => answers())
}
