/** How many wrong attempts are borne, by whom they are counted, and what the counts mean. Pure. */
import { isIPv6 } from 'node:net'
import type { BookId } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { GuessCount } from './guesses-store.ts'
import { targetOfPayCode } from './pay-code.ts'
import { normalizeNumber } from './secrets.ts'

/**
 * Wrong attempts within fifteen minutes of real time (counted by whole minutes, so up to sixteen) from which on
 * everything is refused with `throttled`: the wrong attempt that reaches the limit is the first one refused so.
 */
export const guessLimits = {
  /** Wrong secrets for one presented number of an issuer and mode, whether a card has it or not. */
  number: 10,
  /** Wrong secrets by one API key, whatever the number. */
  key: 300,
  /** Wrong secrets from one address (IPv6: its /64), such as a merchant's back end with many keys. */
  address: 1000,
  /** Forged or foreign pay codes that name one card of an issuer and mode. */
  payCodeCard: 10,
  /** Forged or foreign pay codes by one API key. Each is right with a chance of one in a million. */
  payCodeKey: 50,
  payCodeAddress: 200,
} as const

/** Fifteen whole minutes and the one that has begun. */
export const windowMinutes = 16

export type Presented = { number: string } | { payCode: string }
export type Guesser = { book: BookId; keyId: string; address: string }

export type Budget = {
  subject: Buffer
  /** The subject as the store answers it. */
  hex: string
  limit: number
  /**
   * From so many wrong ones on, an attempt is counted before it is evaluated and taken back when it was right, so
   * that no number of attempts at once exceeds the limit.
   */
  careFrom: number
}

/** The three budgets of an attempt; the first is that of what was presented. */
export function budgetsOf(
  keyring: Pick<Keyring, 'guessDigest'>,
  presented: Presented,
  { book, keyId, address }: Guesser,
): [Budget, Budget, Budget] {
  const budget = (name: string, limit: number, careFrom: number): Budget => {
    const subject = keyring.guessDigest(name)
    return { subject, hex: subject.toString('hex'), limit, careFrom }
  }
  // Below half of it a busy till's right answers stay one read.
  const wide = (name: string, limit: number) => budget(name, limit, limit / 2)
  const network = networkOf(address)
  if ('number' in presented) {
    const number = normalizeNumber(presented.number)
    return [
      budget(`number:${book}:${number}`, guessLimits.number, 1),
      wide(`key:${keyId}`, guessLimits.key),
      wide(`address:${network}`, guessLimits.address),
    ]
  }
  const { lane, handle } = targetOfPayCode(presented.payCode) ?? { lane: 0, handle: 0 }
  return [
    budget(`pay-code:${book}:${lane}:${handle}`, guessLimits.payCodeCard, 1),
    wide(`pay-code-key:${keyId}`, guessLimits.payCodeKey),
    wide(`pay-code-address:${network}`, guessLimits.payCodeAddress),
  ]
}

export function wrongOnes(budget: Budget, counts: readonly GuessCount[]): number {
  return counts.reduce((sum, { subject, wrong }) => sum + (subject === budget.hex ? wrong : 0), 0)
}

/** Seconds until every one of the budgets has room again; 0 when all of them have. */
export function lockedSeconds(budgets: readonly Budget[], counts: readonly GuessCount[]): number {
  return Math.max(...budgets.map((budget) => lockedSecondsOf(budget, counts)), 0)
}

function lockedSecondsOf(budget: Budget, counts: readonly GuessCount[]): number {
  const own = counts.filter(({ subject }) => subject === budget.hex)
  let left = wrongOnes(budget, own)
  let seconds = 0
  for (const { minute, wrong, now } of own.toSorted((a, b) => a.minute - b.minute)) {
    if (left < budget.limit) break
    left -= wrong
    seconds = (minute + windowMinutes - now) * 60
  }
  return seconds
}

/** Who has one IPv6 address has the whole /64 around it. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const plain = address.replace(/%.*$/, '').toLowerCase()
  if (!isIPv6(plain)) return plain
  const [front = '', back] = plain.split('::')
  const groups = front === '' ? [] : front.split(':')
  const behind = back === undefined || back === '' ? [] : back.split(':')
  const all = [
    ...groups,
    ...Array.from({ length: 8 - groups.length - behind.length }, () => '0'),
    ...behind,
  ]
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
