/** Routes of bank statements: brought in day by day, and compared with the books at once. */
import { createHash } from 'node:crypto'
import {
  asId,
  businessDateOf,
  dayMs,
  fenToJson,
  formatId,
  formatInstant,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { reconcile } from '../../flows/reserve/reconcile.ts'
import {
  type BankLineRow,
  type BankStatementRow,
  keepStatement,
  mostCustody,
  readStatement,
  selectLines,
  selectStatements,
} from '../../modules/reserve/index.ts'
import { newId } from '../../platform/ids.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, smallPart, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Currency,
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  SignedAmount,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { findAccount } from './custody.ts'

const StatementBody = closed({
  id: idOf('bank_statement'),
  custody_id: idOf('custody'),
  day: DateText,
  opening_balance: SignedAmount,
  closing_balance: SignedAmount,
  currency: Currency,
  lines: Type.Integer({ minimum: 0 }),
  format: oneOf(['csv']),
  file_digest: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the content' }),
  reconciled: Type.Boolean(),
  imported_by: Type.String(),
  created_at: Timestamp,
})

const LineBody = closed({
  line: Type.Integer({ minimum: 1 }),
  day: DateText,
  amount: SignedAmount,
  reference: nullable(Type.String()),
  bank_number: nullable(Type.String()),
  balance: nullable(SignedAmount),
  movement_id: nullable(idOf('movement')),
  case_id: nullable(idOf('case')),
})

const most = Number(mostCustody)
const Balance = Type.Integer({ minimum: -most, maximum: most, description: 'fen' })

const NewStatement = closed({
  day: DateText,
  opening_balance: Balance,
  closing_balance: Balance,
  content: Type.String({
    minLength: 1,
    maxLength: 4_000_000,
    description:
      'CSV with a header: 日期|date, 金额|amount (yuan with its sign), and where the bank gives them 参考号|reference, 流水号|bank_number, 余额|balance. Columns 摘要|text, 对方|counterparty, 对方户名, 对方账号 are read over.',
  }),
})

export function register(app: LikaApp, deps: Deps): void {
  registerImport(app, deps)
  registerReads(app, deps)
}

function registerImport(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/custody_accounts/{id}/statements',
      summary: 'Brings in what the bank says of one day, and compares it with the books',
      access: 'reserve:write',
      id: 'custody',
      body: NewStatement,
      bodyLimit: 8_388_608,
      responses: { 201: StatementBody },
      refusals: [
        'custody.not_found',
        'bank_statement.bad_file',
        'bank_statement.already_imported',
        'date.out_of_range',
      ],
    },
    async ({ caller, id, body }) => {
      if ((await findAccount(deps, caller, id)) === undefined) return refused(notFound('custody'))
      const now = deps.bookNow(caller.mode)
      const { day, content } = body
      const over = checkOver(day, now)
      if (!over.ok) return over
      const [opening, closing] = [BigInt(body.opening_balance), BigInt(body.closing_balance)]
      const read = readStatement(content, { day, opening, closing })
      if (!read.ok) return read
      const row: BankStatementRow = {
        id: asId(newId()),
        bookId: caller.book,
        accountId: id,
        day,
        opening,
        closing,
        lines: read.value.lines.length,
        format: 'csv',
        digest: createHash('sha256').update(content).digest(),
        reconciled: false,
        at: now,
        keyId: caller.keyId,
        owner: caller.owner,
      }
      const kept = await keepStatement(deps.database, row, read.value.lines)
      const known = 'existing' in kept ? kept.existing : row
      if (Buffer.compare(known.digest, row.digest) !== 0) return refused(alreadyImported(known))
      if (!known.reconciled) await reconcile(deps.flows, known)
      return created(presentStatement({ ...known, reconciled: true }))
    },
  )
}

/** A day that is not over has no statement yet. Refusals: `date.out_of_range`. */
function checkOver(day: string, now: number): Result<string> {
  const last = businessDateOf(now - dayMs)
  if (day <= last) return ok(day)
  return refused(
    refusal('date.out_of_range', `The statement of ${day} comes when that day is over.`, {
      data: { allowed: { max: last } },
    }),
  )
}

function alreadyImported({ id, day }: BankStatementRow): Refusal {
  return refusal(
    'bank_statement.already_imported',
    `There is another statement of ${day} already.`,
    {
      data: { existing_id: formatId('bank_statement', id) },
    },
  )
}

function registerReads(app: LikaApp, { database }: Deps): void {
  const { sql } = database
  app.route(
    {
      method: 'GET',
      path: '/v1/bank_statements',
      summary: 'Lists bank statements, the newest first',
      access: 'reserve:read',
      query: closed({ ...paging, custody_id: Type.Optional(idOf('custody')) }),
      responses: { 200: pageOf(StatementBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('bank_statements', [uuidPart], query)
      if (!asked.ok) return asked
      const { custody_id: custody } = query
      const rows = await selectStatements(sql, caller.book, {
        accountId: custody === undefined ? undefined : readId('custody', custody),
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(
        presentPage('bank_statements', asked.value, rows, (row) => [row.id], presentStatement),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/bank_statements/{id}',
      summary: 'Shows a bank statement',
      access: 'reserve:read',
      id: 'bank_statement',
      responses: { 200: StatementBody },
      refusals: ['bank_statement.not_found'],
    },
    async ({ caller, id }) => {
      const [row] = await selectStatements(sql, caller.book, { id, limit: 1 })
      return row === undefined ? refused(notFound('bank_statement')) : okay(presentStatement(row))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/bank_statements/{id}/lines',
      summary: 'The lines of a bank statement in the order of its file, and what became of each',
      access: 'reserve:read',
      id: 'bank_statement',
      query: closed(paging),
      responses: { 200: pageOf(LineBody) },
      refusals: ['bank_statement.not_found', 'cursor.invalid'],
    },
    async ({ caller, id, query }) => {
      const asked = readPage('bank_lines', [smallPart], query)
      if (!asked.ok) return asked
      const [row] = await selectStatements(sql, caller.book, { id, limit: 1 })
      if (row === undefined) return refused(notFound('bank_statement'))
      const after = Number(asked.value.after?.[0] ?? 0)
      const lines = await selectLines(sql, row.id, after, asked.value.limit + 1)
      return okay(presentPage('bank_lines', asked.value, lines, ({ line }) => [line], presentLine))
    },
  )
}

function presentStatement(row: BankStatementRow) {
  return {
    id: formatId('bank_statement', row.id),
    custody_id: formatId('custody', row.accountId),
    day: row.day,
    opening_balance: fenToJson(row.opening),
    closing_balance: fenToJson(row.closing),
    currency: 'CNY' as const,
    lines: row.lines,
    format: row.format,
    file_digest: Buffer.from(row.digest).toString('hex'),
    reconciled: row.reconciled,
    imported_by: row.owner,
    created_at: formatInstant(row.at),
  }
}

function presentLine(row: BankLineRow) {
  return {
    line: row.line,
    day: row.day,
    amount: fenToJson(row.amount),
    reference: row.reference,
    bank_number: row.bankNumber,
    balance: row.balance === null ? null : fenToJson(row.balance),
    movement_id: row.movementId === null ? null : formatId('movement', row.movementId),
    case_id: row.caseId === null ? null : formatId('case', row.caseId),
  }
}
