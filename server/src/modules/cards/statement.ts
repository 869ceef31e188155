/**
 * A card's statement and its balance at a past instant, both read from the transfers of its accounts by
 * (lane, account, seq) and the journal entries that they lie under. The tables are the ledger's and the lanes'; nothing
 * else joins them by card.
 */
import {
  type AccountId,
  type CardId,
  type CommandId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
  monthOfId,
  type SubBalance,
  type Uuid,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, uuidArray } from '../../platform/db-array.ts'
import { accountId } from '../ledger/index.ts'

/** One change of one sub-balance. */
export interface StatementLine {
  readonly seq: bigint
  readonly line: number
  readonly commandId: CommandId
  /** Of the journal entry: `payment.created`. */
  readonly kind: string
  readonly at: Instant
  readonly subBalance: SubBalance
  /** The account on the other side. */
  readonly counterAccount: AccountId
  /** What a later command changed: the payment of a cancellation, the batch or import of a new card. */
  readonly paymentId: Uuid | null
  readonly batchId: Uuid | null
  readonly importId: Uuid | null
  /** Fen, negative for what left the card. */
  readonly amount: Fen
  readonly balanceBefore: Fen
  readonly balanceAfter: Fen
}

export interface StatementRange {
  /** The first instant that counts. */
  readonly from?: Instant | undefined
  /** The first instant that no longer counts. */
  readonly until?: Instant | undefined
  readonly after?: { readonly seq: bigint; readonly line: number } | undefined
  readonly limit: number
}

interface Row {
  readonly seq: bigint
  readonly line: number
  readonly commandId: CommandId
  readonly kind: string
  readonly at: Instant
  readonly account: AccountId
  readonly counterAccount: AccountId
  readonly paymentId: Uuid | null
  readonly batchId: Uuid | null
  readonly importId: Uuid | null
  readonly amount: Fen
  readonly balanceAfter: Fen
}

const firstInstant = 0
const lastInstant = 253_402_300_799_999

/** The lines of a card, oldest first. */
export async function readStatement(
  sql: Sql,
  cardId: CardId,
  range: StatementRange,
): Promise<StatementLine[]> {
  const lane = laneOfId(cardId)
  const principal = accountId(cardId, 'card_principal', lane)
  const bonus = accountId(cardId, 'card_bonus', lane)
  const { seq, line } = range.after ?? { seq: 0n, line: 0 }
  const rows = await sql<Row[]>`
    select
      moved.seq, moved.line, command_id as "commandId", kind, at, account, counter_account as "counterAccount",
      amount, balance_after as "balanceAfter", body ->> 'paymentId' as "paymentId",
      body ->> 'batchId' as "batchId", body ->> 'importId' as "importId"
    from (
      select
        seq, line, month, debit_account as account, credit_account as counter_account, -amount as amount,
        debit_balance as balance_after
      from transfer
      where lane = ${lane}
        and debit_account in (${principal}, ${bonus})
        and debit_balance is not null
        and seq >= ${seq}
      union all
      select seq, line, month, credit_account, debit_account, amount, credit_balance
      from transfer
      where lane = ${lane}
        and credit_account in (${principal}, ${bonus})
        and credit_balance is not null
        and seq >= ${seq}
    ) as moved
    join journal
      on journal.lane = ${lane}
      and journal.seq = moved.seq
      and journal.month = moved.month
    where (moved.seq, moved.line) > (${seq}::bigint, ${line}::int)
      and at >= ${new Date(range.from ?? firstInstant)}::timestamptz
      and at < ${new Date(range.until ?? lastInstant)}::timestamptz
    order by moved.seq, moved.line
    limit ${range.limit}`
  return rows.map(({ account, ...row }) => ({
    ...row,
    subBalance: account === principal ? 'principal' : 'bonus',
    balanceBefore: row.balanceAfter - row.amount,
  }))
}

/** What was on both sub-balances at the end of that instant. */
export async function balanceAt(
  sql: Sql,
  cardId: CardId,
  at: Instant,
): Promise<{ principal: Fen; bonus: Fen }> {
  const lane = laneOfId(cardId)
  const [principal, bonus] = await Promise.all([
    accountBalanceAt(sql, lane, accountId(cardId, 'card_principal', lane), at),
    accountBalanceAt(sql, lane, accountId(cardId, 'card_bonus', lane), at),
  ])
  return { principal, bonus }
}

/** Whether nothing has moved on the card, and nothing was set aside or given back, since that instant. */
export async function isUnchangedSince(sql: Sql, cardId: CardId, at: Instant): Promise<boolean> {
  const lane = laneOfId(cardId)
  const [row] = await sql<{ unchanged: boolean }[]>`
    select not exists (
      select
      from account
      join journal
        on journal.lane = ${lane}
        and journal.seq = account.seq
      where account.lane = ${lane}
        and account.id in (
          ${accountId(cardId, 'card_principal', lane)},
          ${accountId(cardId, 'card_bonus', lane)}
        )
        and at > ${new Date(at)}::timestamptz
    ) as unchanged`
  return row?.unchanged === true
}

async function accountBalanceAt(
  sql: Sql,
  lane: Lane,
  account: AccountId,
  at: Instant,
): Promise<Fen> {
  const [row] = await sql<{ balance: Fen }[]>`
    select balance
    from (
      select seq, line, month, debit_balance as balance
      from transfer
      where lane = ${lane}
        and debit_account = ${account}
        and debit_balance is not null
      union all
      select seq, line, month, credit_balance
      from transfer
      where lane = ${lane}
        and credit_account = ${account}
        and credit_balance is not null
    ) as moved
    join journal using (seq, month)
    where journal.lane = ${lane}
      and at <= ${new Date(at)}::timestamptz
    order by seq desc, line desc
    limit 1`
  return row?.balance ?? 0n
}

/**
 * The payments that these commands cancelled. An entry outside of a command's home lane does not say it: it is asked at
 * home.
 */
export async function cancelledPayments(
  sql: Sql,
  commandIds: readonly CommandId[],
): Promise<Map<CommandId, Uuid>> {
  const lanes = Map.groupBy(new Set(commandIds), laneOfId)
  const found = await Promise.all(
    [...lanes].map(
      ([lane, some]) => sql<{ id: CommandId; paymentId: Uuid }[]>`
        select command_id as id, body ->> 'paymentId' as "paymentId"
        from journal
        where lane = ${lane}
          and month = any(${intArray([...new Set(some.map(monthOfId))])}::int[])
          and command_id = any(${uuidArray(some)}::uuid[])
          and body ->> 'paymentId' is not null`,
    ),
  )
  return new Map(found.flat().map(({ id, paymentId }) => [id, paymentId]))
}

/** The caller's own numbers of these commands, as far as they are loads or adjustments; else of their funding. */
export async function ownReferences(
  sql: Sql,
  lane: Lane,
  commandIds: readonly CommandId[],
): Promise<Map<CommandId, string>> {
  const rows = await sql<{ id: CommandId; reference: string }[]>`
    select id, coalesce(own_reference, reference) as reference
    from funding
    where lane = ${lane}
      and id = any(${uuidArray(commandIds)}::uuid[])
      and coalesce(own_reference, reference) is not null
    union all
    select id, reference
    from card_note
    where lane = ${lane}
      and id = any(${uuidArray(commandIds)}::uuid[])
      and reference is not null`
  return new Map(rows.map(({ id, reference }) => [id, reference]))
}
