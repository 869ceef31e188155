/**
 * What the auditor checks of clearing. By merchant and cut: what the ledger says was unsettled there is what the
 * statements took out later, so that every line is in exactly one of them; each entry moved what its statement says; and
 * what is payable, in flight, withheld and owed in rows is so in the ledger. Together, for each merchant: unsettled +
 * payable + margin + in flight + paid + own sales − receivable = taken − refunded − cancelled − commission − shares ±
 * adjustments.
 */
import { type Fen, type Lane, laneOfId, type MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  type AuditCheck,
  type AuditedSlice,
  type AuditSlice,
  accountId,
  accountKinds,
  totalsAt,
  transfersOfEntries,
} from '../ledger/index.ts'
import {
  readAccountBalances,
  readBodiesOf,
  readClearingsAfter,
  readPayeesAfter,
  statementsOfMerchants,
  sumPortions,
  sumReceivables,
} from './audit-store.ts'
import { statementBody } from './body.ts'
import { postingsOf } from './lines.ts'
import type { ClearingRow, StatementRow } from './model.ts'
import { lanesOf, seqIn, sumOfNets } from './statement-lines.ts'
import { findPortions } from './store.ts'

/** Each of them may have a year of statements. */
const merchantsAtOnce = 50

type Wrong = NonNullable<AuditedSlice['wrong']>

export const statementCheck: AuditCheck = {
  name: 'statements',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const limit = asked.limit < merchantsAtOnce ? asked.limit : merchantsAtOnce
    const merchants = await readClearingsAfter(sql, { ...asked, limit })
    const ids = merchants.map(({ merchantId }) => merchantId)
    const statements = await statementsOfMerchants(sql, asked.lane, ids)
    const next = merchants.length === limit ? merchants.at(-1)?.merchantId : undefined
    const wrong =
      (await wrongEntry(sql, asked.lane, statements)) ??
      (await wrongCut(sql, merchants, statements)) ??
      (await wrongStanding(sql, asked.lane, merchants, statements))
    return { rows: statements.length, next, wrong }
  },
}

export const portionCheck: AuditCheck = {
  name: 'payees',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const payees = await readPayeesAfter(sql, asked)
    const next = payees.length === asked.limit ? payees.at(-1) : undefined
    return { rows: payees.length, next, wrong: await wrongPayee(sql, asked, payees) }
  },
}

function wrongStatement(row: StatementRow, column: string | undefined, why: string): Wrong {
  return {
    table: 'statement',
    lane: laneOfId(row.id),
    key: `id = '${row.id}'`,
    ...(column !== undefined && { column }),
    why,
  }
}

/** The entry of each statement says what the row says, and moved just that. */
async function wrongEntry(
  sql: Sql,
  lane: Lane,
  rows: readonly StatementRow[],
): Promise<Wrong | undefined> {
  const seqs = rows.map(({ seq }) => seq)
  const ids = rows.map(({ id }) => id)
  const [bodies, transfers, portions] = await Promise.all([
    readBodiesOf(sql, lane, seqs),
    transfersOfEntries(sql, lane, seqs),
    findPortions(sql, lane, ids),
  ])
  const portionsOf = Map.groupBy(portions, ({ statementId }) => statementId)
  for (const row of rows) {
    const parts = portionsOf.get(row.id) ?? []
    const told = bodies.get(row.seq)
    if (String(told?.commandId) !== row.id)
      return wrongStatement(row, 'seq', 'that entry did not make it')
    const said = new Map(Object.entries(told?.body ?? {}))
    const other = Object.entries(statementBody(row, parts)).find(
      ([name, value]) => !isSame(said.get(name), value),
    )
    if (other !== undefined)
      return wrongStatement(row, columnOf(other[0]), `the journal says otherwise of ${other[0]}`)
    const unsettled = accountId(row.merchantId, 'merchant_unsettled', lane)
    const moves = (transfers.get(row.seq) ?? []).map(({ debit, amount }) =>
      debit === unsettled ? amount : -amount,
    )
    const postings = postingsOf(row, parts).map(({ leaves }) => leaves)
    if (moves.slice(moves.length - postings.length).join() !== postings.join())
      return wrongStatement(row, undefined, 'its entry moved something else')
    if (sumOfNets(row.nets) !== row.taken - row.refunded - row.cancelled + row.adjusted)
      return wrongStatement(row, 'nets', 'they do not sum up to its lines')
  }
  return undefined
}

/** `payableFen` → `payable`, `_fromCut` → `from_cut`. */
function columnOf(member: string): string {
  return member.replace(/^_|Fen$/g, '').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Members of objects in any order. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null)
    return one === other
  const members = new Map(Object.entries(one))
  const others = Object.entries(other)
  return members.size === others.length && others.every(([k, v]) => isSame(members.get(k), v))
}

/**
 * At the cut of each statement the unsettled takings of its merchant in each lane are what this statement took out of
 * them afterwards, with those before it that were not posted by then: no line was left out, and none counted twice.
 */
async function wrongCut(
  sql: Sql,
  merchants: readonly ClearingRow[],
  statements: readonly StatementRow[],
): Promise<Wrong | undefined> {
  const ofMerchant = Map.groupBy(statements, ({ merchantId }) => merchantId)
  const balances = await balancesAtCuts(sql, statements)
  for (const { merchantId } of merchants) {
    let pending: StatementRow[] = []
    let before: StatementRow | undefined
    for (const row of ofMerchant.get(merchantId) ?? []) {
      if (before !== undefined && !isBehind(row, before))
        return wrongStatement(row, 'from_cut', `it begins before the statement ${before.id} ends`)
      pending = [...pending.filter((one) => isPostedBehind(one, row)), row]
      for (const lane of lanesOf(row.toCut)) {
        const expected = pending.reduce((sum, one) => sum + netBehind(one, row, lane), 0n)
        const found = balances.get(`${lane} ${merchantId} ${row.toDay}`) ?? 0n
        if (found !== expected) {
          const why = `${found} fen were unsettled in lane ${lane} on ${row.toDay}, the statements took ${expected}`
          return wrongStatement(row, 'nets', why)
        }
      }
      before = row
    }
  }
  return undefined
}

async function balancesAtCuts(
  sql: Sql,
  statements: readonly StatementRow[],
): Promise<Map<string, Fen>> {
  const wanted = statements.flatMap(({ merchantId, toDay, toCut }) =>
    lanesOf(toCut).map((lane) => ({ lane, merchantId, day: toDay })),
  )
  const balances = new Map<string, Fen>()
  for (const [lane, some] of Map.groupBy(wanted, (one) => one.lane)) {
    const merchantOf = new Map<string, MerchantId>()
    const asked = some.map(({ merchantId, day }) => {
      const id = accountId(merchantId, 'merchant_unsettled', lane)
      merchantOf.set(id, merchantId)
      return { accountId: id, day }
    })
    for (const { accountId: id, day, debits, credits } of await totalsAt(sql, lane, asked))
      balances.set(`${lane} ${merchantOf.get(id)} ${day}`, credits - debits)
  }
  return balances
}

function isBehind(row: StatementRow, before: StatementRow): boolean {
  return (
    row.fromDay > before.toDay &&
    lanesOf(before.toCut).every((lane) => seqIn(row.fromCut, lane) >= seqIn(before.toCut, lane))
  )
}

function isPostedBehind(one: StatementRow, cut: StatementRow): boolean {
  return lanesOf(one.seqs).some((lane) => seqIn(one.seqs, lane) > seqIn(cut.toCut, lane))
}

function netBehind(one: StatementRow, cut: StatementRow, lane: Lane): Fen {
  const isPosted = seqIn(one.seqs, lane) <= seqIn(cut.toCut, lane)
  return isPosted ? 0n : BigInt(one.nets[String(lane)] ?? 0)
}

/** Margins and receivables: in rows as in the ledger. */
async function wrongStanding(
  sql: Sql,
  lane: Lane,
  merchants: readonly ClearingRow[],
  statements: readonly StatementRow[],
): Promise<Wrong | undefined> {
  const ids = merchants.map(({ merchantId }) => merchantId)
  const margins = ids.map((id) => accountId(id, 'merchant_margin', lane))
  const receivables = ids.map((id) => accountId(id, 'merchant_receivable', lane))
  const [held, owed] = await Promise.all([
    readAccountBalances(sql, lane, margins),
    sumReceivables(sql, lane, ids, receivables),
  ])
  const ofMerchant = Map.groupBy(statements, ({ merchantId }) => merchantId)
  for (const { merchantId, receivable } of merchants) {
    const rows = ofMerchant.get(merchantId) ?? []
    const left = rows.reduce((sum, row) => sum + row.marginLeft, 0n)
    const inAccount = held.get(accountId(merchantId, 'merchant_margin', lane)) ?? 0n
    const last = rows.findLast((row) => row.marginWithheld > 0n)
    if (left !== inAccount && last !== undefined)
      return wrongStatement(last, 'margin_left', `${inAccount} fen are withheld, not ${left}`)
    const inLedger = owed.get(accountId(merchantId, 'merchant_receivable', lane)) ?? 0n
    if (receivable !== inLedger) {
      const key = `merchant_id = '${merchantId}'`
      const why = `the ledger says ${inLedger} fen`
      return { table: 'merchant_clearing', lane, key, column: 'receivable', why }
    }
  }
  return undefined
}

/** What portions say of a payee is what its guarded accounts hold. */
async function wrongPayee(
  sql: Sql,
  { lane }: AuditSlice,
  payees: readonly MerchantId[],
): Promise<Wrong | undefined> {
  const kinds = { payable: 'merchant_payable', in_flight: 'merchant_in_flight' } as const
  const sums = await sumPortions(sql, lane, payees)
  for (const status of ['payable', 'in_flight'] as const) {
    const accountOf = (id: MerchantId) => accountId(id, kinds[status], lane)
    const balances = await readAccountBalances(sql, lane, payees.map(accountOf))
    for (const id of payees) {
      const balance = balances.get(accountOf(id)) ?? 0n
      const sum = sums.get(`${id} ${status}`) ?? 0n
      if (balance === sum) continue
      const why = `${accountKinds[kinds[status]].en}: ${balance} fen, not ${sum}`
      return {
        table: 'statement_portion',
        lane,
        key: `merchant_id = '${id}'`,
        column: 'status',
        why,
      }
    }
  }
  return undefined
}
