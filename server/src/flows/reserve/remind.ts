/** Calls to mind what ends or falls due: filings, licences, guarantees, the filing of a new business, the next report. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  formatId,
  issuerOfBook,
  modeOfBook,
} from '@lika/contract'
import { addDays, isRestDay } from '../../modules/policy/index.ts'
import {
  filingDue,
  hasOpenCase,
  isToBeReminded,
  quarterBefore,
  reportDue,
  selectAccounts,
  selectClosingsOfBank,
  selectGuarantees,
  selectProfile,
  selectStandingFilings,
} from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'
import { openCase } from './case.ts'
import { homeLaneOf } from './desk.ts'

interface Due {
  readonly kind: 'expiry_near' | 'filing_due' | 'statement_missing'
  readonly subject: string
  readonly day: BusinessDate
}

/** The day on which a book was last looked through in this process: once a day is enough. */
const looked = new Map<BookId, BusinessDate>()

export async function remind(context: FlowContext, book: BookId): Promise<void> {
  const today = businessDateOf(context.engine.now(modeOfBook(book)))
  if (looked.get(book) === today) return
  for (const due of await dueOf(context, book, today)) await report(context, book, due)
  looked.set(book, today)
}

/** What is to be called to mind today. */
async function dueOf(context: FlowContext, book: BookId, today: BusinessDate): Promise<Due[]> {
  const { database, issuers, engine, tables } = context
  const { sql } = database
  const mode = modeOfBook(book)
  const policy = await issuers.policyOf(issuerOfBook(book), engine.now(mode))
  const [profile, filings, guarantees] = await Promise.all([
    selectProfile(sql, book),
    selectStandingFilings(sql, book),
    selectGuarantees(sql, homeLaneOf(context, mode), { books: [book] }),
  ])
  const due: Due[] = []
  for (const { form, number, validTo } of filings) {
    if (validTo !== null && isToBeReminded(policy, validTo, today))
      due.push({ kind: 'expiry_near', subject: `${form} ${number}`, day: validTo })
  }
  for (const { documentNumber, validTo, endedOn } of guarantees) {
    if (endedOn === null && validTo >= today && isToBeReminded(policy, validTo, today))
      due.push({ kind: 'expiry_near', subject: `guarantee ${documentNumber}`, day: validTo })
  }
  const began = profile?.businessBegan ?? null
  const toFile = began === null ? undefined : filingDue(policy, began)
  if (toFile !== undefined && filings.length === 0)
    due.push({ kind: 'filing_due', subject: `filing by ${toFile}`, day: toFile })
  const quarter = quarterBefore(today)
  const report = reportDue(policy, profile?.issuerClass, quarter, tables)
  if (report !== undefined && today <= report.day)
    due.push({
      kind: 'filing_due',
      subject: `report ${quarter.name} by ${report.day}`,
      day: report.day,
    })
  return [...due, ...(await missingStatements(context, book, today))]
}

/** A bank's statement comes on the working day after: one of the last working day before yesterday is overdue. */
async function missingStatements(
  { database, engine, tables }: FlowContext,
  book: BookId,
  today: BusinessDate,
): Promise<Due[]> {
  let day = addDays(today, -2)
  while (isRestDay(tables, day)) day = addDays(day, -1)
  const lane = homeLaneOf({ engine }, modeOfBook(book))
  const accounts = await selectAccounts(database.sql, lane, { books: [book] })
  const older = accounts.filter(({ openedAt }) => businessDateOf(openedAt) <= day)
  const ids = older.map(({ id }) => id)
  const closings = await selectClosingsOfBank(database.sql, ids, day)
  const known = new Set<string>(closings.map(({ accountId }) => accountId))
  return older
    .filter(({ id }) => !known.has(id))
    .map(({ id }) => ({
      kind: 'statement_missing' as const,
      subject: formatId('custody', id),
      day,
    }))
}

async function report(context: FlowContext, book: BookId, due: Due): Promise<void> {
  const { sql } = context.database
  const lane = homeLaneOf(context, modeOfBook(book))
  if (await hasOpenCase(sql, lane, book, due.kind, due.subject)) return
  await openCase(context, book, `due:${due.kind}:${due.subject}:${due.day}`, {
    kind: due.kind,
    day: due.day,
    amount: 0n,
    subject: due.subject,
  })
}
