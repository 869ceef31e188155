/**
 * A book for tests of the ledger alone: an engine on a test database, and the commands of a card's life made with the
 * ledger desk directly, without cards, merchants or HTTP.
 */
import { createHash } from 'node:crypto'
import {
  type AccountId,
  asId,
  type BookId,
  bookOf,
  type Fen,
  type Instant,
  type IssuerId,
  type Lane,
  laneOfId,
  type Mode,
  type RefusalCode,
  refusal,
} from '@lika/contract'
import {
  accountId,
  accountReads,
  type HoldRow,
  holdLines,
  holdReads,
  LedgerDesk,
  leftOf,
} from '../../server/src/modules/ledger/index.ts'
import { appRole, connect, type Database } from '../../server/src/platform/db.ts'
import { newCommandId, newId } from '../../server/src/platform/ids.ts'
import {
  type Command,
  type Decision,
  Engine,
  ensureLanes,
} from '../../server/src/platform/lanes/index.ts'
import { type TestDatabase, testDatabase } from './database.ts'

export interface LedgerBook {
  readonly database: TestDatabase
  readonly engine: Engine
  close(): Promise<void>
}

/** An engine with `lanes` lanes of each pool. */
export async function ledgerBook(lanes: number, startDay = Date.now()): Promise<LedgerBook> {
  const database = await testDatabase()
  const claims: Database = await connect(database.url, {
    applicationName: 'test-claims',
    role: appRole,
    asynchronousCommit: true,
    pool: 2,
  })
  await ensureLanes(database.app.sql, lanes, startDay)
  const engine = await Engine.start({
    database: database.app,
    claimDatabase: claims,
    nameDigest: (book, kind, name) =>
      createHash('sha256').update(`${book} ${kind} ${name}`).digest().subarray(0, 16),
    newCommandId,
    realNow: Date.now,
    monotonic: () => performance.now(),
    log: { error: (details, sentence) => console.error(sentence, details) },
  })
  return {
    database,
    engine,
    close: async () => {
      await engine.stop()
      await claims.close()
      await database.drop()
    },
  }
}

export interface Issuer {
  readonly id: IssuerId
  readonly mode: Mode
  readonly book: BookId
}

export function newIssuer(mode: Mode): Issuer {
  const id = asId<'issuer'>(newId())
  return { id, mode, book: bookOf(id, mode) }
}

const refuse = (code: RefusalCode): Decision => ({ ok: false, refusal: refusal(code, code) })

export const principalOf = (card: string): AccountId =>
  accountId(card, 'card_principal', laneOfId(card))
export const bonusOf = (card: string): AccountId => accountId(card, 'card_bonus', laneOfId(card))

type Given = Partial<Pick<Command, 'key' | 'notAfter' | 'homeLane'>>

function command(
  issuer: Issuer,
  operation: string,
  input: { [member: string]: string | number | undefined },
  home: Lane,
  given: Given,
  plan: Command['plan'],
): Command {
  return { book: issuer.book, operation, key: newId(), input, homeLane: () => home, ...given, plan }
}

/** Puts money on a card, made with it when it has none yet. */
export function load(
  issuer: Issuer,
  card: string,
  amount: Fen,
  bonus = 0n,
  given: Given = {},
): Command {
  const lane = laneOfId(card)
  const ids = [principalOf(card), bonusOf(card)]
  const input = { card, amount: String(amount), bonus: String(bonus) }
  return command(issuer, 'load.created', input, lane, given, () => ({
    lanes: [lane],
    reads: accountReads(lane, ids),
    decide: (view) => {
      const desk = new LedgerDesk(view, lane)
      desk.transfer({
        debit: accountId(issuer.id, 'bank', lane),
        credit: principalOf(card),
        amount,
      })
      if (bonus > 0n) {
        const expense = accountId(issuer.id, 'bonus_expense', lane)
        desk.transfer({ debit: expense, credit: bonusOf(card), amount: bonus })
      }
      const body = { cardId: card, amountFen: String(amount), bonusFen: String(bonus) }
      return { ok: true, value: { kind: 'load.created', version: 1, body } }
    },
  }))
}

/** Bonus first, then principal, to a merchant in the card's lane. */
export function charge(
  issuer: Issuer,
  card: string,
  merchant: string,
  amount: Fen,
  given: Given = {},
): Command {
  const lane = laneOfId(card)
  const ids = [principalOf(card), bonusOf(card)]
  const input = { card, merchant, amount: String(amount) }
  return command(issuer, 'payment.created', input, lane, given, () => ({
    lanes: [lane],
    reads: accountReads(lane, ids),
    decide: (view, now) => {
      const desk = new LedgerDesk(view, lane)
      desk.releaseExpired(ids, now)
      const bonus = desk.available(bonusOf(card))
      if (bonus + desk.available(principalOf(card)) < amount) return refuse('funds.insufficient')
      const fromBonus = bonus < amount ? bonus : amount
      const credit = accountId(merchant, 'merchant_unsettled', lane)
      if (fromBonus > 0n) desk.transfer({ debit: bonusOf(card), credit, amount: fromBonus })
      if (amount > fromBonus)
        desk.transfer({ debit: principalOf(card), credit, amount: amount - fromBonus })
      const body = {
        cardId: card,
        merchantId: merchant,
        amountFen: String(amount),
        bonusFen: String(fromBonus),
        _holds: desk.records,
      }
      return { ok: true, value: { kind: 'payment.created', version: 1, body } }
    },
  }))
}

/** Principal from one card to another; over transit accounts when they lie in two lanes. */
export function move(
  issuer: Issuer,
  from: string,
  to: string,
  amount: Fen,
  given: Given = {},
): Command {
  const [lane, other] = [laneOfId(from), laneOfId(to)]
  const input = { from, to, amount: String(amount) }
  return command(issuer, 'card.split', input, lane, given, () => ({
    lanes: [...new Set([lane, other])],
    reads: [...accountReads(lane, [principalOf(from)]), ...accountReads(other, [principalOf(to)])],
    decide: (view, now) => {
      const desk = new LedgerDesk(view, lane)
      desk.releaseExpired([principalOf(from)], now)
      if (desk.available(principalOf(from)) < amount) return refuse('funds.insufficient')
      if (lane === other) {
        desk.transfer({ debit: principalOf(from), credit: principalOf(to), amount })
      } else {
        const transit = (at: Lane) => accountId(issuer.id, 'transit', at)
        desk.transfer({ debit: principalOf(from), credit: transit(lane), amount })
        const there = new LedgerDesk(view, other)
        there.transfer({ debit: transit(other), credit: principalOf(to), amount })
      }
      const body = { cardId: from, childId: to, amountFen: String(amount), _holds: desk.records }
      return { ok: true, value: { kind: 'card.split', version: 1, body } }
    },
  }))
}

/** Sets principal aside. The hold has the command's id. */
export function hold(
  issuer: Issuer,
  card: string,
  amount: Fen,
  expiresAt: (now: Instant) => Instant,
  given: Given = {},
): Command {
  const lane = laneOfId(card)
  const account = principalOf(card)
  return command(issuer, 'hold.created', { card, amount: String(amount) }, lane, given, (id) => ({
    lanes: [lane],
    reads: accountReads(lane, [account]),
    decide: (view, now) => {
      const desk = new LedgerDesk(view, lane)
      desk.releaseExpired([account], now)
      if (desk.available(account) < amount) return refuse('funds.insufficient')
      desk.openHold({ id, line: 0, accountId: account, amount, expiresAt: expiresAt(now) })
      const body = { cardId: card, amountFen: String(amount), _holds: desk.records }
      return { ok: true, value: { kind: 'hold.created', version: 1, body } }
    },
  }))
}

function mayNotEnd(line: HoldRow, amount: Fen | undefined, now: Instant): RefusalCode | undefined {
  if (leftOf(line) === 0n) return line.released > 0n ? 'hold.released' : 'hold.captured'
  if (line.expiresAt <= now) return 'hold.expired'
  return amount !== undefined && amount > leftOf(line) ? 'hold.exceeded' : undefined
}

/** `amount` undefined: what is left; then it is taken, or given back where there is no merchant. */
export function endHold(
  issuer: Issuer,
  holdId: string,
  card: string,
  merchant: string | undefined,
  amount: Fen | undefined,
  given: Given = {},
): Command {
  const lane = laneOfId(card)
  const account = principalOf(card)
  const kind = merchant === undefined ? 'hold.released' : 'hold.captured'
  const input = { holdId, merchant, amount: amount === undefined ? undefined : String(amount) }
  return command(issuer, kind, input, lane, given, () => ({
    lanes: [lane],
    reads: [...accountReads(lane, [account]), ...holdReads(lane, holdId)],
    decide: (view, now) => {
      const desk = new LedgerDesk(view, lane)
      const [line] = view.find(holdLines, holdId)
      if (line === undefined) return { ...refuse('hold.not_found'), final: false }
      const why = mayNotEnd(line, amount, now)
      if (why !== undefined) return refuse(why)
      const taken = amount ?? leftOf(line)
      if (merchant === undefined) desk.release(line, taken)
      else {
        desk.capture(line, taken)
        const credit = accountId(merchant, 'merchant_unsettled', lane)
        desk.transfer({ debit: account, credit, amount: taken })
      }
      const body = { holdId, cardId: card, amountFen: String(taken), _holds: desk.records }
      return { ok: true, value: { kind, version: 1, body } }
    },
  }))
}

/** Gives back to the card's principal what a merchant was paid. */
export function refund(
  issuer: Issuer,
  card: string,
  merchant: string,
  amount: Fen,
  given: Given = {},
): Command {
  const lane = laneOfId(card)
  const input = { card, merchant, amount: String(amount) }
  return command(issuer, 'refund.created', input, lane, given, () => ({
    lanes: [lane],
    reads: accountReads(lane, [principalOf(card)]),
    decide: (view) => {
      const desk = new LedgerDesk(view, lane)
      const debit = accountId(merchant, 'merchant_unsettled', lane)
      desk.transfer({ debit, credit: principalOf(card), amount })
      const body = { cardId: card, merchantId: merchant, amountFen: String(amount) }
      return { ok: true, value: { kind: 'refund.created', version: 1, body } }
    },
  }))
}
