/** Bank statements and their lines: kept as the bank gave them, settled line by line. */
import type { BookId, BusinessDate, Fen, Id, Instant, Lane } from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { DoneBy } from './custody-store.ts'
import type { BankLine, BookMovement, Comparison, SettledLine } from './matching.ts'
import { rowsJson } from './rows-json.ts'
import type { StatementLine } from './statement-file.ts'

export interface BankStatementRow extends DoneBy {
  readonly id: Id<'bank_statement'>
  readonly bookId: BookId
  readonly accountId: Id<'custody'>
  readonly day: BusinessDate
  readonly opening: Fen
  readonly closing: Fen
  readonly lines: number
  readonly format: 'csv'
  readonly digest: Uint8Array
  readonly reconciled: boolean
  readonly at: Instant
}

export interface BankLineRow extends BankLine {
  readonly balance: Fen | null
  readonly movementId: Id<'movement'> | null
  readonly caseId: Id<'case'> | null
}

/** The statement, whole or not at all; one of that day that is there already is answered instead. */
export function keepStatement(
  database: Pick<Database, 'transaction'>,
  row: BankStatementRow,
  lines: readonly StatementLine[],
): Promise<{ kept: true } | { existing: BankStatementRow }> {
  return database.transaction(async (sql) => {
    const done = await sql`
      insert into bank_statement
        (id, book_id, account_id, day, opening, closing, lines, format, digest, key_id, owner, at)
      values (
        ${row.id}, ${row.bookId}, ${row.accountId}, ${row.day}::date, ${row.opening}, ${row.closing}, ${row.lines},
        ${row.format}, ${Buffer.from(row.digest)}, ${row.keyId}, ${row.owner}, ${new Date(row.at)}::timestamptz
      )
      on conflict on constraint uq_bank_statement_day do nothing`
    if (done.count === 0) {
      const existing = await selectStatementOf(sql, row.accountId, row.day)
      if (existing === undefined) throw new Error('a statement that is there cannot be read')
      return { existing }
    }
    await sql`
      insert into bank_line (statement_id, line, account_id, day, amount, reference, bank_number, balance)
      select
        ${row.id}::uuid, line, ${row.accountId}::uuid, ${row.day}::date, amount, reference, "bankNumber", balance
      from jsonb_to_recordset(${rowsJson(lines)}::text::jsonb) as fresh (
        line int, amount bigint, reference text, "bankNumber" text, balance bigint
      )`
    return { kept: true as const }
  })
}

async function selectStatementOf(
  sql: Sql,
  accountId: string,
  day: BusinessDate,
): Promise<BankStatementRow | undefined> {
  const [row] = await sql<BankStatementRow[]>`
    select
      id, book_id as "bookId", account_id as "accountId", day, opening, closing, lines, format, digest, reconciled,
      key_id as "keyId", owner, at
    from bank_statement
    where account_id = ${accountId}
      and day = ${day}`
  return row
}

export interface StatementFilter {
  readonly id?: string | undefined
  readonly accountId?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectStatements(
  sql: Sql,
  bookId: BookId,
  { id, accountId, before, limit }: StatementFilter,
): Promise<BankStatementRow[]> {
  return sql<BankStatementRow[]>`
    select
      id, book_id as "bookId", account_id as "accountId", day, opening, closing, lines, format, digest, reconciled,
      key_id as "keyId", owner, at
    from bank_statement
    where book_id = ${bookId}
      and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)
      and (${accountId ?? null}::uuid is null or account_id = ${accountId ?? null}::uuid)
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

/** In the order of the file. */
export function selectLines(
  sql: Sql,
  statementId: string,
  afterLine: number,
  limit: number,
): Promise<BankLineRow[]> {
  return sql<BankLineRow[]>`
    select
      statement_id as "statementId", line, day, amount, reference, bank_number as "bankNumber", balance,
      movement_id as "movementId", case_id as "caseId"
    from bank_line
    where statement_id = ${statementId}
      and line > ${afterLine}
    order by line
    limit ${limit}`
}

/** Statements whose lines nobody has compared with the books yet, as when a server ended in between; the oldest day first. */
export function selectUnreconciled(sql: Sql): Promise<BankStatementRow[]> {
  return sql<BankStatementRow[]>`
    select
      id, book_id as "bookId", account_id as "accountId", day, opening, closing, lines, format, digest, reconciled,
      key_id as "keyId", owner, at
    from bank_statement
    where not reconciled
    order by day, id
    limit 100`
}

/** What a comparison needs: the lines of the statement, the movements that are open, what was settled lately. */
export interface ComparisonInput {
  readonly lines: BankLine[]
  readonly movements: BookMovement[]
  readonly settled: SettledLine[]
}

/** For how long a line is known as one that came before. */
const rememberedDays = 400

/** Movements that a case is about are not open, for the case decides; one that is missing may still come. */
export async function readComparison(
  sql: Sql,
  lane: Lane,
  statement: Pick<BankStatementRow, 'id' | 'accountId' | 'day'>,
): Promise<ComparisonInput> {
  const { id, accountId, day } = statement
  const [lines, movements, settled] = await Promise.all([
    sql<BankLine[]>`
      select statement_id as "statementId", line, day, amount, reference, bank_number as "bankNumber"
      from bank_line
      where statement_id = ${id}
        and movement_id is null
        and case_id is null`,
    sql<BookMovement[]>`
      select
        id, day, amount, reference,
        exists (
          select
          from bank_statement
          where bank_statement.account_id = ${accountId}
            and bank_statement.day = custody_movement.day
        ) as "isDayStated"
      from custody_movement
      where lane = ${lane}
        and account_id = ${accountId}
        and not settled
        and day <= ${day}::date + 1
        and not exists (
          select
          from reserve_case
          where reserve_case.lane = ${lane}
            and reserve_case.movement_id = custody_movement.id
            and reserve_case.state <> 'resolved'
            and reserve_case.kind <> 'missing_line'
        )`,
    sql<SettledLine[]>`
      select amount, reference, bank_number as "bankNumber"
      from bank_line
      where account_id = ${accountId}
        and day <= ${day}
        and day > ${day}::date - ${rememberedDays}::int
        and (movement_id is not null or case_id is not null)
        and exists (
          select
          from bank_line as fresh
          where fresh.statement_id = ${id}
            and fresh.amount = bank_line.amount
            and (fresh.reference = bank_line.reference or fresh.bank_number = bank_line.bank_number)
        )`,
  ])
  return { lines, movements, settled }
}

/** What fitted is settled, line and movement together. Harmless again. */
export async function settleMatched(
  database: Pick<Database, 'transaction'>,
  lane: Lane,
  { matched }: Pick<Comparison, 'matched'>,
): Promise<void> {
  if (matched.length === 0) return
  await database.transaction(async (sql) => {
    const pairs = matched.map(({ line, movement }) => ({
      statementId: line.statementId,
      line: line.line,
      movementId: movement.id,
    }))
    await sql`
      update bank_line
      set movement_id = pair."movementId"
      from jsonb_to_recordset(${rowsJson(pairs)}::text::jsonb) as pair
        ("statementId" uuid, line int, "movementId" uuid)
      where bank_line.statement_id = pair."statementId"
        and bank_line.line = pair.line`
    await markSettled(
      sql,
      lane,
      pairs.map(({ movementId }) => movementId),
    )
  })
}

function markSettled(sql: Sql, lane: Lane, movements: readonly string[]): Promise<unknown> {
  return sql`
    update custody_movement
    set settled = true
    where lane = ${lane}
      and id = any(${uuidArray(movements)}::uuid[])
      and not settled`
}

/** Lines whose case was opened by a server that ended before it could say so. */
export function repairLines(sql: Sql, lane: Lane, accountId: string): Promise<unknown> {
  return sql`
    update bank_line
    set case_id = opened.id
    from reserve_case as opened
    cross join lateral jsonb_array_elements(opened.lines) as place
    where opened.lane = ${lane}
      and opened.account_id = ${accountId}
      and opened.state <> 'resolved'
      and bank_line.account_id = ${accountId}
      and bank_line.statement_id = (place ->> 0)::uuid
      and bank_line.line = (place ->> 1)::int
      and bank_line.case_id is null
      and bank_line.movement_id is null`
}

/** The case that these lines opened. */
export function markCase(
  sql: Sql,
  lines: readonly (readonly [statementId: string, line: number])[],
  caseId: string,
): Promise<unknown> {
  const pairs = lines.map(([statementId, line]) => ({ statementId, line }))
  return sql`
    update bank_line
    set case_id = ${caseId}
    from jsonb_to_recordset(${rowsJson(pairs)}::text::jsonb) as pair ("statementId" uuid, line int)
    where bank_line.statement_id = pair."statementId"
      and bank_line.line = pair.line
      and bank_line.case_id is null`
}

export function markReconciled(sql: Sql, id: string): Promise<unknown> {
  return sql`
    update bank_statement
    set reconciled = true
    where id = ${id}
      and not reconciled`
}

/** What lines and movements up to that day make the bank differ from the books, as far as it is known. */
export async function knownDifference(
  sql: Sql,
  lane: Lane,
  accountId: string,
  day: BusinessDate,
): Promise<{ atBankOnly: Fen; inBooksOnly: Fen }> {
  const [[bank], [books]] = await Promise.all([
    sql<{ amount: string }[]>`
      select coalesce(sum(bank_line.amount), 0)::text as amount
      from bank_line
      left join reserve_case
        on reserve_case.lane = ${lane}
        and reserve_case.id = bank_line.case_id
      where bank_line.account_id = ${accountId}
        and bank_line.day <= ${day}
        and bank_line.movement_id is null
        and (bank_line.case_id is null or reserve_case.state <> 'resolved')`,
    sql<{ amount: string }[]>`
      select coalesce(sum(amount), 0)::text as amount
      from custody_movement
      where lane = ${lane}
        and account_id = ${accountId}
        and day <= ${day}
        and not settled`,
  ])
  return { atBankOnly: BigInt(bank?.amount ?? 0), inBooksOnly: BigInt(books?.amount ?? 0) }
}

/**
 * What was put onto accounts by the books and the bank has not shown yet, of those whose statements come in. Of one that
 * has none so far, nobody can ask for more than the books: it is not in it.
 */
export async function unconfirmedDeposits(
  sql: Sql,
  lane: Lane,
  accountIds: readonly string[],
): Promise<Map<string, Fen>> {
  const rows = await sql<{ accountId: string; amount: string }[]>`
    select seen.account_id as "accountId", coalesce(sum(custody_movement.amount), 0)::text as amount
    from (
      select distinct account_id
      from bank_statement
      where account_id = any(${uuidArray(accountIds)}::uuid[])
    ) as seen
    left join custody_movement
      on custody_movement.lane = ${lane}
      and custody_movement.account_id = seen.account_id
      and not custody_movement.settled
      and custody_movement.amount > 0
    group by seen.account_id`
  return new Map(rows.map(({ accountId, amount }) => [accountId, BigInt(amount)]))
}

/** The closing balances of a day by account; accounts without a statement of that day are not in it. */
export function selectClosingsOfBank(
  sql: Sql,
  accountIds: readonly string[],
  day: BusinessDate,
): Promise<{ accountId: string; closing: Fen }[]> {
  return sql`
    select account_id as "accountId", closing
    from bank_statement
    where account_id = any(${uuidArray(accountIds)}::uuid[])
      and day = ${day}`
}
