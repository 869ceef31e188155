/** Secrets on their way in (prompt or stdin) and out (printed once, or into a file for the owner
 * only). */
import type { Call } from './call.ts'
import type { Answer } from './client.ts'
import { UsageError } from './failures.ts'
import { intoNewFile } from './files.ts'
import { isObject, textAt } from './json.ts'

/** The next secret from prompt or stdin. @throws UsageError when nothing comes. */
export async function readSecret(call: Call, zh: string, en: string): Promise<string> {
  const line = await call.world.input.secretLine(`${call.say(zh, en)}: `)
  const secret = line?.trim() ?? ''
  if (secret !== '') return secret
  throw new UsageError(call.say(`需要从标准输入读取${zh}。`, `The ${en} is expected on stdin.`))
}

/**
 * Asks for an object with a secret that is answered only once, and prints it. With `save` the
 * secret goes into a new file of mode 0600, opened before anything is asked for, and what is
 * printed goes without it. @throws UsageError when the file cannot be made.
 */
export async function showWithSecret(
  call: Call,
  save: string | undefined,
  ask: () => Promise<Answer>,
): Promise<void> {
  if (save !== undefined) return saveSecret(call, save, ask)
  const answer = await ask()
  call.show(answer)
  if (textAt(answer.body, 'secret') === undefined) return
  call.world.note(call.say('密钥只显示这一次。', 'The secret is shown only this once.'))
}

function saveSecret(call: Call, save: string, ask: () => Promise<Answer>): Promise<void> {
  return intoNewFile(call, save, async (file) => {
    const answer = await ask()
    await file.appendFile(`${textAt(answer.body, 'secret') ?? ''}\n`)
    const members = isObject(answer.body) ? Object.entries(answer.body) : []
    const rest = Object.fromEntries(members.filter(([name]) => name !== 'secret'))
    call.show({ ...answer, body: rest, text: JSON.stringify(rest) })
    call.world.note(call.say(`密钥已写入 ${save}。`, `The secret is in ${save}.`))
  })
}
