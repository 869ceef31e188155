/** A statement and a payout, as rows: how they come about takes a day that ends, and a bank. */
import { type BookId, businessDateOf, dayMs, formatId, type Mode, parseId } from '@lika/contract'
import type { Sql } from '../../server/src/platform/db.ts'
import { newId } from '../../server/src/platform/ids.ts'

let days = 0

/** What somebody else than any caller put together, for a merchant of the book; the statement comes to nothing. */
export async function makePaidOut(
  owner: Sql,
  { book, mode, merchant }: { book: BookId; mode: Mode; merchant: string },
): Promise<{ settlement: string; payout: string; payoutBatch: string }> {
  const lane = mode === 'test' ? 601 : 1
  const [settlement, payout, batch, key] = [newId(lane), newId(), newId(), newId()]
  const merchantId = parseId('merchant', merchant) ?? ''
  // A merchant has one for each cycle: the next one that is made has another.
  days += 1
  const day = businessDateOf(days * dayMs)
  await owner`
    insert into lika.statement
      (lane, id, book_id, merchant_id, contract_version, from_day, to_day, from_cut, to_cut, nets, taken, refunded,
        cancelled, commission, bonus_share, voucher_share, adjusted, due, set_off, margin_withheld, margin_used,
        receivable_added, margin_released, payable, own_sales, margin_left, status, seq, seqs, created_at)
    values (
      ${lane}, ${settlement}, ${book}, ${merchantId}, 0, ${day}, ${day}, '{}', '{}', '{}', 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'nothing_due', 1, '{}', now()
    )`
  await owner`
    insert into lika.payout_batch
      (id, book_id, status, created_by, created_by_owner, created_at, metadata)
    values (${batch}, ${book}, 'created', ${key}, 'first', now(), '{}')`
  await owner`
    insert into lika.payout
      (id, book_id, batch_id, line, settlement_id, merchant_id, contract_version, amount, status, created_at)
    values (${payout}, ${book}, ${batch}, 1, ${settlement}, ${merchantId}, 1, 100, 'created', now())`
  return {
    settlement: formatId('settlement', settlement),
    payout: formatId('payout', payout),
    payoutBatch: formatId('payout_batch', batch),
  }
}
