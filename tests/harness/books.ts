/** Whether the books are right: what every test that moves money asks at its end. */
import assert from 'node:assert/strict'
import type { Sql } from '../../server/src/platform/db.ts'

/** Kind bits 1 and 2 are sub-balances of cards, 3 is what merchants are owed, 12 what is on its way between lanes. */
const kind = (column: string) => `(('x' || right(${column}::text, 4))::bit(16)::int >> 10)`

const checks: Record<string, string> = {
  'a balance is not the sum of its transfers': `
    with moved as (
      select lane, credit_account as id, amount from lika.transfer
      union all
      select lane, debit_account, -amount from lika.transfer
    ), summed as (
      select lane, id, sum(amount) as balance from moved where ${kind('id')} in (1, 2, 14, 15, 16, 24, 25) group by lane, id
    )
    select lane, id, summed.balance as transfers, account.balance
    from summed full join lika.account using (lane, id)
    where coalesce(summed.balance, 0) <> coalesce(account.balance, 0)`,
  'what is held is not the sum of the holds': `
    select account.lane, account.id, held, sum(hold.amount - captured - released)
    from lika.account
    left join lika.hold on hold.lane = account.lane and hold.account_id = account.id
    group by account.lane, account.id, held
    having held <> coalesce(sum(hold.amount - captured - released), 0)`,
  'value is lost between lanes': `
    select left(id::text, 32) as issuer, sum(amount)
    from (
      select debit_account as id, amount from lika.transfer
      union all
      select credit_account, -amount from lika.transfer
    ) as moved
    where ${kind('id')} = 12
    group by 1
    having sum(amount) <> 0`,
  'a payment is not the sum of its parts': `
    select payment.id
    from lika.payment
    cross join lateral (
      select sum((part ->> 'amount')::bigint) as amount, sum((part ->> 'refunded')::bigint) as refunded,
        bool_or((part ->> 'refunded')::bigint > (part ->> 'amount')::bigint) as exceeded
      from jsonb_array_elements(allocations) as part
    ) as parts
    left join lateral (
      select coalesce(sum(amount), 0) as amount from lika.refund where payment_id = payment.id
    ) as given on true
    where parts.amount <> payment.amount
      or parts.refunded <> payment.refunded
      or given.amount <> payment.refunded
      or exceeded`,
  'a merchant is not owed what it was paid': `
    with owed as (
      select left(id::text, 32) as merchant, sum(amount) as amount
      from (
        select lane, seq, month, credit_account as id, amount from lika.transfer
        union all
        select lane, seq, month, debit_account, -amount from lika.transfer
      ) as moved
      join lika.journal using (lane, seq, month)
      where ${kind('id')} = 3
        and journal.kind not like 'settlement%'
      group by 1
    ), paid as (
      select left(merchant_id::text, 32) as merchant, sum(amount) as amount
      from (
        select merchant_id, case when status = 'succeeded' then amount - refunded else 0 end as amount
        from lika.payment
        union all
        select merchant_id, wechat_amount - wechat_refunded
        from lika.combined_payment
        where status = 'succeeded'
      ) as took
      group by 1
    )
    select merchant, owed.amount as owed, paid.amount as paid
    from owed full join paid using (merchant)
    where coalesce(owed.amount, 0) <> coalesce(paid.amount, 0)`,
  'a hold is not the sum of its lines': `
    select payment_hold.id, amount - captured - released, lines.left
    from lika.payment_hold
    cross join lateral (
      select coalesce(sum(hold.amount - hold.captured - hold.released), 0) as left
      from lika.hold
      where hold.id = payment_hold.id
    ) as lines
    where amount - captured - released <> lines.left
      and not (status = 'held' and lines.left < amount - captured - released)`,
}

export async function assertBooks(sql: Sql): Promise<void> {
  for (const [wrong, statement] of Object.entries(checks)) {
    const rows = await sql.unsafe(statement)
    assert.deepEqual([...rows], [], wrong)
  }
}
