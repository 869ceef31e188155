/** A statement and a payout as rows, since how they come about takes a day that ends and a bank; and what must hold of all. */
import assert from 'node:assert/strict'
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

/** What rows of payouts and portions say of each other, once nothing is under way. */
export async function assertPaidOut(owner: Sql): Promise<void> {
  const wrong = await owner`
    select payout.id, payout.status, portion.status as portion, portion.payout_id
    from lika.payout
    left join lika.statement_portion as portion
      on portion.statement_id = payout.settlement_id
      and portion.merchant_id = payout.merchant_id
      and portion.amount = payout.amount
    where case payout.status
      when 'sent' then portion.status is distinct from 'in_flight' or portion.payout_id is distinct from payout.id
      when 'confirmed' then portion.status is distinct from 'paid' or portion.payout_id is distinct from payout.id
      else portion.payout_id is not distinct from payout.id
    end`
  assert.deepEqual([...wrong], [])
  const carried = await owner`
    select portion.statement_id
    from lika.statement_portion as portion
    where portion.payout_id is not null
      and not exists (select from lika.payout where payout.id = portion.payout_id)`
  assert.deepEqual([...carried], [])
}
