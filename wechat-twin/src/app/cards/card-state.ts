/**
 * The states of one code of a card and what may follow which: taken, used up, on its way to a friend, deleted, withdrawn.
 * Pure; times are virtual seconds.
 */
import { Refused } from '../errcodes.ts'

export const codeStatuses = [
  'NORMAL',
  'CONSUMED',
  'EXPIRE',
  'GIFTING',
  'GIFT_TIMEOUT',
  'DELETE',
  'UNAVAILABLE',
] as const
export type CodeStatus = (typeof codeStatuses)[number]

export interface Membership {
  readonly membership_number: string
  readonly bonus: number
  readonly balance: number
  readonly custom_field_values: readonly string[]
  readonly begin?: number
  readonly end?: number
  readonly user_info?: Readonly<Record<string, string>>
}

export interface CardCode {
  readonly code: string
  readonly card_id: string
  readonly appid: string
  readonly user: string
  readonly status: CodeStatus
  readonly begin: number
  readonly end?: number
  readonly outer_str?: string
  /** While GIFTING: until when the friend may take it. */
  readonly gift_until?: number
  readonly membership?: Membership
}

/** What may follow: EXPIRE is nowhere, it comes of time alone. */
const follows: Readonly<Record<CodeStatus, readonly CodeStatus[]>> = {
  NORMAL: ['CONSUMED', 'GIFTING', 'DELETE', 'UNAVAILABLE'],
  GIFTING: ['GIFT_TIMEOUT', 'DELETE', 'UNAVAILABLE'],
  GIFT_TIMEOUT: ['CONSUMED', 'GIFTING', 'DELETE', 'UNAVAILABLE'],
  EXPIRE: ['DELETE', 'UNAVAILABLE'],
  // A member card that its holder deleted may be taken again.
  DELETE: ['NORMAL'],
  CONSUMED: [],
  UNAVAILABLE: [],
}

export function mayFollow(from: CodeStatus, to: CodeStatus): boolean {
  return follows[from].includes(to)
}

/** As it reads at `now`: a gift that nobody took is back, and what has run out is expired. */
export function statusAt(code: CardCode, now: number): CodeStatus {
  const isOver = code.end !== undefined && now >= code.end
  if (code.status === 'GIFTING')
    return code.gift_until !== undefined && now >= code.gift_until ? 'GIFT_TIMEOUT' : 'GIFTING'
  if (isOver && (code.status === 'NORMAL' || code.status === 'GIFT_TIMEOUT')) return 'EXPIRE'
  return code.status
}

export function canConsume(code: CardCode, now: number): boolean {
  return mayFollow(statusAt(code, now), 'CONSUMED') && now >= code.begin
}

/** Refuses 40099 (consumed before), 40127 (deleted, given away, withdrawn), 40079 (not yet, or not any more). */
export function checkConsumable(code: CardCode, now: number): void {
  const status = statusAt(code, now)
  if (status === 'CONSUMED') throw new Refused(40099)
  if (status === 'EXPIRE') throw new Refused(40079)
  if (!mayFollow(status, 'CONSUMED')) throw new Refused(40127, status)
  if (now < code.begin) throw new Refused(40079)
}
