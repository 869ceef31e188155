/** What a payment or a hold takes its money from: cards, numbers with secrets, pay codes, in the
 * order in which they were typed. */
import type { Command } from 'commander'
import type { Call } from './call.ts'
import { UsageError } from './failures.ts'
import type { JsonObject } from './json.ts'
import { yuan } from './option-values.ts'
import { readSecret } from './secrets.ts'
import { body, type Lika } from './verbs.ts'

type SourceKind = 'card' | 'number' | 'pay_code'

/** A source as typed: `card_…`, `card_…=12.50`. */
export interface Source {
  readonly kind: SourceKind
  readonly value: string
  readonly amount: number | undefined
}

/** Adds `--card`, `--number`, `--pay-code`; the sources in order of the command line are what the
 * answered function gives. */
export function sourceOptions(lika: Lika, command: Command): () => readonly Source[] {
  const { say } = lika
  const sources: Source[] = []
  const collect = (kind: SourceKind) => (text: string) => {
    sources.push(parseSource(kind, text))
    return sources
  }
  command
    .option(
      '--card <card[=amount]>',
      say('从这张卡扣款，可多次', 'take it from this card, repeatable'),
      collect('card'),
    )
    .option(
      '--number <number[=amount]>',
      say('卡号；卡密从标准输入或提示读取', 'a card number; its secret comes from prompt or stdin'),
      collect('number'),
    )
    .option(
      '--pay-code <code[=amount]>',
      say('付款码；- 为从标准输入读取', 'a pay code; - reads it from stdin'),
      collect('pay_code'),
    )
  return () => sources
}

export function parseSource(kind: SourceKind, text: string): Source {
  const [value = '', amount, ...rest] = text.split('=')
  if (value === '' || rest.length > 0) {
    throw new UsageError(`扣款来源应为 编号 或 编号=金额 A source is id or id=amount: ${text}`)
  }
  return { kind, value, amount: amount === undefined ? undefined : yuan(amount) }
}

/** The sources as they are sent, secrets read one line each. @throws UsageError without any. */
export async function readSources(call: Call, typed: readonly Source[]): Promise<JsonObject[]> {
  if (typed.length === 0) {
    throw new UsageError(
      call.say(
        '请用 --card、--number 或 --pay-code 说明从哪里扣款。',
        'Say where the money comes from: --card, --number or --pay-code.',
      ),
    )
  }
  const sources: JsonObject[] = []
  for (const source of typed) sources.push(await readSource(call, source))
  return sources
}

async function readSource(call: Call, { kind, value, amount }: Source): Promise<JsonObject> {
  switch (kind) {
    case 'card':
      return body({ card_id: value, amount })
    case 'number': {
      const secret = await readSecret(call, `卡 ${value} 的卡密`, `secret of card ${value}`)
      return body({ number: value, secret, amount })
    }
    case 'pay_code': {
      const code = value === '-' ? await readSecret(call, '付款码', 'pay code') : value
      return body({ pay_code: code, amount })
    }
  }
}
