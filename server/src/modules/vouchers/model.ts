/** When a voucher pays: pure. */
import {
  type CardId,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  formatYuan,
  type Instant,
  type MerchantId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { VoucherRow } from './store.ts'

/** What a reader sees: an open voucher whose time is over reads `expired`, one with nothing left `used`. */
export function statusOfVoucher(
  { status, expiresAt }: Pick<VoucherRow, 'status' | 'expiresAt'>,
  left: Fen,
  now: Instant,
): 'open' | 'used' | 'revoked' | 'expired' {
  if (status !== 'open') return status
  if (now >= expiresAt) return 'expired'
  return left === 0n ? 'used' : 'open'
}

/**
 * Refusals: `voucher.not_usable`, with what stands in the way: revoked or expired, used up, of a card that does not pay
 * here, of another merchant, or for larger payments.
 */
export function checkVoucher(
  voucher: VoucherRow,
  left: Fen,
  payment: {
    readonly amount: Fen
    readonly merchantId: MerchantId
    readonly cards: readonly CardId[]
  },
  now: Instant,
): Result<void> {
  const status = statusOfVoucher(voucher, left, now)
  if (status === 'expired')
    return unusable(`The voucher expired at ${formatInstant(voucher.expiresAt)}.`, voucher)
  if (status !== 'open') return unusable(`The voucher is ${status}.`, voucher)
  if (!payment.cards.includes(voucher.cardId))
    return unusable('The card of the voucher is not among the sources.', voucher)
  if (voucher.merchants.length > 0 && !voucher.merchants.includes(payment.merchantId))
    return unusable('The voucher is not taken by this merchant.', voucher)
  if (payment.amount >= voucher.minAmount) return ok(undefined)
  return unusable(
    `The voucher needs a payment of ${formatYuan(voucher.minAmount)} yuan.`,
    voucher,
    {
      allowed: { min: fenToJson(voucher.minAmount) },
    },
  )
}

function unusable(detail: string, { id }: VoucherRow, more: object = {}): Result<void> {
  const data = { voucher_id: formatId('voucher', id), ...more }
  return refused(refusal('voucher.not_usable', detail, { data }))
}
