/** Secrets on their way in (prompt or stdin) and out (printed once, or into a file for the owner
 * only). */
import { writeFileSync } from 'node:fs'
import type { Call } from './call.ts'
import type { Answer } from './client.ts'
import { UsageError } from './failures.ts'
import { isObject, type JsonObject, textAt } from './json.ts'

/** The next secret from prompt or stdin. @throws UsageError when nothing comes. */
export async function readSecret(call: Call, zh: string, en: string): Promise<string> {
  const line = await call.world.input.secretLine(`${call.say(zh, en)}: `)
  const secret = line?.trim() ?? ''
  if (secret !== '') return secret
  throw new UsageError(call.say(`需要从标准输入读取${zh}。`, `The ${en} is expected on stdin.`))
}

/**
 * Prints an object with a secret that is answered only once. With `save` the secret goes into a
 * new file of mode 0600 instead, and what is printed goes without it.
 */
export function showWithSecret(call: Call, answer: Answer, save: string | undefined): void {
  if (save === undefined) {
    call.show(answer)
    if (textAt(answer.body, 'secret') === undefined) return
    const once = call.say('密钥只显示这一次。', 'The secret is shown only this once.')
    call.world.note(once)
    return
  }
  const secret = textAt(answer.body, 'secret')
  if (secret === undefined || !isObject(answer.body)) {
    call.show(answer)
    return
  }
  writeFileSync(save, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  const rest: JsonObject = Object.fromEntries(
    Object.entries(answer.body).filter(([name]) => name !== 'secret'),
  )
  call.show({ ...answer, body: rest, text: JSON.stringify(rest) })
  call.world.note(call.say(`密钥已写入 ${save}。`, `The secret is in ${save}.`))
}
