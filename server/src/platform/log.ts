/**
 * The log: JSON lines by pino. Every line is cleaned as it is written, so that a card number, a pay code, a secret or
 * a key does not reach it by whatever way, the text of an error included. Bodies of requests are not logged at all.
 */
import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

const hidden = '[hidden]'
const secretMembers =
  'authorization|secret|token|pay_code|password|id_number|phone|openid|unionid|auth_code|bank_account|real_name|session_key|access_token|api_?v[23]_?key'

const cleaners: readonly [RegExp, string][] = [
  // First, since its line breaks are escaped in a member, where the next one stops.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
  // "secret":"…" as a member, also inside a text that is itself JSON
  [new RegExp(`(\\\\*"(?:${secretMembers})\\\\*":\\\\*")[^"\\\\]*`, 'gi'), `$1${hidden}`],
  [/\b(Bearer\s+)[\w.~+/=-]+/gi, `$1${hidden}`],
  [/([?&](?:access_token|refresh_token|secret)=)[^&\s"\\]+/g, `$1${hidden}`],
  // Of a request to WeChat Pay, and of the page that asks somebody to pay.
  [/(\bsignature=\\*"|\bpaySign\\*":\\*")[\w+/=]+/g, `$1${hidden}`],
  [/lika_(test|live|operator)_[\w-]+/g, `lika_$1_${hidden}`],
  [/(postgres(?:ql)?:\/\/[^:@/\s"]*:)[^@\s"]*@/g, `$1${hidden}@`],
  // 16–24 digits on their own: numbers of cards, pay codes. The end is kept so that people can talk about one.
  [/(?<![0-9A-Za-z_-])\d{12,20}(\d{4})(?![0-9A-Za-z_-])/g, `[hidden …$1]`],
]

/** Without what must not be in a log. */
function clean(line: string): string {
  return cleaners.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line)
}

/** `destination`: stdout where absent. */
export function openLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: clean },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
