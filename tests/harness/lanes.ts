/** Lanes under test: an engine on a test database, and the ordinary commands of cards at tills, made of the ledger. */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import {
  asId,
  type BookId,
  bookOf,
  type CardId,
  type Lane,
  laneOfId,
  type Mode,
  refusal,
} from '../../contract/src/index.ts'
import { accountId, accountReads, LedgerDesk } from '../../server/src/modules/ledger/index.ts'
import { realNow } from '../../server/src/platform/clock.ts'
import { appRole, connect, type Database } from '../../server/src/platform/db.ts'
import { newCommandId, newId } from '../../server/src/platform/ids.ts'
import {
  type Command,
  type Decision,
  Engine,
  type EngineOptions,
  type Executed,
  ensureLanes,
  type View,
} from '../../server/src/platform/lanes/index.ts'

export type Lanes = {
  engine: Engine
  database: Database
  claims: Database
  /** What the engine logged as trouble. */
  troubles: string[]
  stop(): Promise<void>
}

export type LanesOptions = Partial<EngineOptions> & {
  count?: number
  /** Where the claims go, instead of where the lanes go. */
  claimUrl?: string
}

/** An engine with connections of its own, as a server has them. */
export async function startLanes(url: string, options: LanesOptions = {}): Promise<Lanes> {
  const { count = 4, claimUrl = url, ...others } = options
  const database = await connect(url, { applicationName: 'lanes', role: appRole, pool: 4 })
  const claims = await connect(claimUrl, {
    applicationName: 'claims',
    role: appRole,
    asynchronousCommit: true,
    pool: 2,
  })
  await ensureLanes(database.sql, count, realNow())
  const troubles: string[] = []
  const engine = await Engine.start({
    database,
    claimDatabase: claims,
    nameDigest: (book, kind, name) =>
      createHash('sha256').update(`${book} ${kind} ${name}`).digest().subarray(0, 16),
    newCommandId,
    realNow,
    monotonic: () => performance.now(),
    log: { error: (_, sentence) => troubles.push(sentence) },
    ...others,
  })
  return {
    engine,
    database,
    claims,
    troubles,
    stop: async () => {
      await engine.stop()
      await Promise.all([database.close(), claims.close()])
    },
  }
}

/** The book of an issuer of its own. */
export function newBook(mode: Mode = 'live'): BookId {
  return bookOf(asId<'issuer'>(newId()), mode)
}

export type Card = { readonly id: CardId; readonly lane: Lane; readonly book: BookId }

export function newCard(book: BookId, lane: Lane): Card {
  return { id: asId<'card'>(newId(lane)), lane, book }
}

export function principalOf(card: Card) {
  return accountId(card.id, 'card_principal', card.lane)
}

type Extra = Partial<Omit<Command, 'plan'>>

/** A command in one lane that reads nothing; `decide`: what it does, by default nothing but its entry. */
export function note(
  book: BookId,
  lane: Lane,
  extra: Extra & { decide?: (view: View, now: number) => Decision } = {},
): Command {
  const { decide = () => done('note.taken'), ...others } = extra
  return {
    book,
    operation: 'note.take',
    key: newId(),
    input: {},
    homeLane: () => lane,
    plan: (commandId) => ({ lanes: [laneOfId(commandId)], reads: [], decide }),
    ...others,
  }
}

export function done(kind: string, body: Record<string, string> = {}): Decision {
  return { ok: true, value: { kind, version: 1, body } }
}

/** Puts value on a card that was not there before. */
export function issue(card: Card, fen: bigint, extra: Extra = {}): Command {
  const { book, lane } = card
  return {
    book,
    operation: 'card.issue',
    key: newId(),
    input: { card: card.id, fen: String(fen) },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: accountReads(lane, [principalOf(card)]),
      decide: (view) => {
        const desk = new LedgerDesk(view, lane)
        const debit = accountId(book, 'bank', lane)
        desk.transfer({ debit, credit: principalOf(card), amount: fen })
        return done('card.issued', { cardId: card.id, amountFen: String(fen) })
      },
    }),
    ...extra,
  }
}

const shop = newId()

/** A payment at a till. Refused: reference.already_used, payment.cancelled, funds.insufficient. */
export function charge(card: Card, fen: bigint, extra: Extra = {}): Command {
  const { lane } = card
  return {
    book: card.book,
    operation: 'payment.create',
    key: newId(),
    input: { card: card.id, fen: String(fen) },
    homeLane: () => lane,
    plan: (_, name) => ({
      lanes: [lane],
      reads: accountReads(lane, [principalOf(card)]),
      decide: (view, now) => {
        if (name === 'cancelled')
          return { ok: false, refusal: refusal('payment.cancelled', 'It was cancelled.') }
        if (typeof name === 'object')
          return { ok: false, refusal: refusal('reference.already_used', 'It is taken.') }
        const desk = new LedgerDesk(view, lane)
        desk.releaseExpired([principalOf(card)], now)
        if (desk.available(principalOf(card)) < fen)
          return { ok: false, refusal: refusal('funds.insufficient', 'The balance is too low.') }
        const credit = accountId(shop, 'merchant_unsettled', lane)
        desk.transfer({ debit: principalOf(card), credit, amount: fen })
        return done('payment.created', { cardId: card.id, amountFen: String(fen) })
      },
    }),
    ...extra,
  }
}

/** Value from one card to another, which may be in another lane: then by way of the transit accounts. */
export function move(from: Card, to: Card, fen: bigint, extra: Extra = {}): Command {
  const transit = (lane: Lane) => accountId(from.book, 'transit', lane)
  return {
    book: from.book,
    operation: 'value.move',
    key: newId(),
    input: { from: from.id, to: to.id, fen: String(fen) },
    homeLane: () => from.lane,
    plan: () => ({
      lanes: [from.lane, to.lane],
      reads: [
        ...accountReads(from.lane, [principalOf(from)]),
        ...accountReads(to.lane, [principalOf(to)]),
      ],
      decide: (view) => {
        const here = new LedgerDesk(view, from.lane)
        const there = new LedgerDesk(view, to.lane)
        if (here.available(principalOf(from)) < fen)
          return { ok: false, refusal: refusal('funds.insufficient', 'The balance is too low.') }
        here.transfer({ debit: principalOf(from), credit: transit(from.lane), amount: fen })
        there.transfer({ debit: transit(to.lane), credit: principalOf(to), amount: fen })
        return done('value.moved', { amountFen: String(fen) })
      },
    }),
    ...extra,
  }
}

/** A refusal's code, or `done`. */
export function codeOf(executed: Executed): string {
  return executed.status === 'done' ? 'done' : executed.refusal.code
}

/** As a caller sees it, without whether it is a repeat. */
export function seen(executed: Executed): string {
  return JSON.stringify({ ...executed, replayed: undefined })
}

export async function balanceOf(database: Database, card: Card): Promise<bigint> {
  const [row] = await database.sql<{ balance: bigint }[]>`
    select balance
    from account
    where lane = ${card.lane}
      and id = ${principalOf(card)}`
  return row?.balance ?? 0n
}

export type Entry = {
  lane: Lane
  seq: bigint
  commandId: string
  kind: string
  refused: boolean
  at: number
  body: string
  /** The transaction that wrote it. */
  transaction: string
}

/** The journal of these lanes in order. */
export function journalOf(database: Database, lanes: readonly Lane[]): Promise<Entry[]> {
  return database.sql<Entry[]>`
    select lane, seq, command_id as "commandId", kind, refused, at, body, xmin::text as transaction
    from journal
    where lane = any(${`{${lanes.join()}}`}::int[])
    order by lane, seq`
}

/** Asks until the answer is yes, half a minute long. For what happens elsewhere, with nothing to wait on. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('waited in vain')
    await setImmediate()
  }
}

/** Resolves once a statement that contains `text` waits for a lock. Only the owner sees it. */
export function untilBlocked(owner: Database, text: string): Promise<void> {
  return until(async () => {
    const [row] = await owner.sql`
      select
      from pg_stat_activity
      where wait_event_type = 'Lock'
        and query like ${`%${text}%`}`
    return row !== undefined
  })
}
