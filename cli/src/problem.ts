/** A refusal as one sentence that a person can act on: what, why, what would be allowed, by which
 * article, and the number under which the operator finds the request. */
import { formatYuan, refusals } from '@lika/contract'
import type { RefusedByServer } from './failures.ts'
import { isObject, type Json, type JsonObject, memberAt, objectsAt, textAt } from './json.ts'
import { heading } from './members.ts'
import { refusalWords } from './refusal-words.ts'
import type { Say } from './say.ts'
import { printable } from './table.ts'

/** The codes whose `allowed` is in fen; elsewhere it counts months, days, seconds or cards. */
const fenCodes = new Set([
  'amount.out_of_range',
  'policy.card_limit',
  'policy.cash_not_allowed',
  'policy.amount_limit',
  'refund.exceeds_payment',
  'hold.exceeded',
])

/** The sentence, then one line for each wrong member of the request. */
export function problemLines(refused: RefusedByServer, say: Say): string[] {
  const { problem, status } = refused
  const code = textAt(problem, 'code') ?? ''
  const words = [
    titleOf(code, textAt(problem, 'title') ?? '', say),
    `(${code}, ${status})`,
    textAt(problem, 'detail'),
  ]
  const parts = [
    words.filter((word) => word !== undefined && word !== '').join(' '),
    ...allowedPart(problem['allowed'], code, say),
    ...existingPart(textAt(problem, 'existing_id'), say),
    ...policyPart(problem['policy'], say),
    ...retryPart(refused.retryAfterSeconds, say),
    ...requestPart(textAt(problem, 'request_id'), say),
  ]
  const sentence = `${say('被拒绝', 'Refused')}: ${parts.join('; ')}`
  return [sentence, ...errorLines(problem)].map(printable)
}

/** Those that `detail` has not said already. */
function errorLines(problem: JsonObject): string[] {
  return objectsAt(problem, 'errors').flatMap((error) => {
    const [path, message] = [textAt(error, 'path') ?? '', textAt(error, 'message') ?? '']
    return problem['detail'] === `${path} ${message}.` ? [] : [`  ${path}: ${message}`]
  })
}

function titleOf(code: string, title: string, say: Say): string {
  if (!isKnown(code)) return title
  return say(refusalWords[code], refusals[code].title)
}

function isKnown(code: string): code is keyof typeof refusals {
  return Object.hasOwn(refusals, code)
}

/** `1.00–100.00` yuan, `≥ 36`, `50.00, 100.00`: whatever shape the range has. */
function allowedPart(allowed: Json | undefined, code: string, say: Say): string[] {
  if (allowed === undefined || allowed === null) return []
  const isFen = fenCodes.has(code)
  const unit = isFen ? ` ${say('元', 'yuan')}` : ''
  return [`${say('允许', 'allowed')} ${rangeText(allowed, isFen)}${unit}`]
}

function rangeText(allowed: Json, isFen: boolean): string {
  if (!isObject(allowed)) return quantity(allowed, isFen)
  const { min, max, ...others } = allowed
  const texts = Object.entries(others).map(
    ([name, value]) => `${heading(name, (_, en) => en)} ${quantity(value, isFen)}`,
  )
  if (min !== undefined && max !== undefined) {
    texts.unshift(`${quantity(min, isFen)}–${quantity(max, isFen)}`)
  } else if (min !== undefined) texts.unshift(`≥ ${quantity(min, isFen)}`)
  else if (max !== undefined) texts.unshift(`≤ ${quantity(max, isFen)}`)
  return texts.join(', ')
}

function quantity(value: Json | undefined, isFen: boolean): string {
  if (Array.isArray(value)) return value.map((item) => quantity(item, isFen)).join(', ')
  if (isFen && typeof value === 'number' && Number.isSafeInteger(value)) {
    return formatYuan(BigInt(value))
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function existingPart(id: string | undefined, say: Say): string[] {
  return id === undefined ? [] : [`${say('已有', 'existing')} ${id}`]
}

function policyPart(policy: Json | undefined, say: Say): string[] {
  if (policy === undefined || policy === null) return []
  const text = (name: string) => quantity(memberAt(policy, name) ?? '—', false)
  const source = `${text('pack')}/${text('rule')}`
  return [`${say('依据', 'policy')} ${source}, ${say('条款', 'article')} ${text('article')}`]
}

function retryPart(seconds: number | undefined, say: Say): string[] {
  return seconds === undefined
    ? []
    : [say(`${seconds} 秒后可重试`, `may be repeated after ${seconds} s`)]
}

function requestPart(id: string | undefined, say: Say): string[] {
  return id === undefined ? [] : [`${say('请求号', 'request')} ${id}`]
}
