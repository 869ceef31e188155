/**
 * Clearing a day: payments of yesterday by COPY into a database of its own, so that nothing else works on them; then the
 * day is closed, and every merchant settled under its contract. Beside it what PostgreSQL needs just to add the same
 * payments up by merchant.
 */
import { createHash } from 'node:crypto'
import {
  type AccountId,
  asId,
  type BookId,
  bookOf,
  businessDateOf,
  type CommandId,
  dayMs,
  type Instant,
  issuerOfBook,
  type Lane,
  type MerchantId,
  monthOfId,
  startOfDay,
} from '../contract/src/index.ts'
import { closeDay } from '../server/src/flows/close-day.ts'
import { settleBook } from '../server/src/flows/settle/run.ts'
import { portionCheck, statementCheck } from '../server/src/modules/clearing/index.ts'
import { Auditor, accountId, writeClosings } from '../server/src/modules/ledger/index.ts'
import { openMerchants } from '../server/src/modules/merchants/index.ts'
import { keyringOf } from '../server/src/platform/crypto/keyring.ts'
import { appRole, connect, type Database } from '../server/src/platform/db.ts'
import { withDatabase } from '../server/src/platform/db-url.ts'
import { newCommandId } from '../server/src/platform/ids.ts'
import { Engine, emptyHead, ensureLanes, entryDigest } from '../server/src/platform/lanes/index.ts'
import { migrate } from '../server/src/platform/migrate.ts'
import { copyIn, hexBytes, row } from './copy.ts'
import { rounded } from './figures.ts'
import type { Installation } from './installation.ts'
import { cardAt, merchantAt, originAt, type Population, randomFrom } from './population.ts'
import { say } from './progress.ts'

export interface Cleared {
  readonly payments: number
  readonly merchants: number
  readonly statements: number
  /** `select merchant_id, sum(amount) … group by`, the best of three. */
  readonly groupBySeconds: number
  /** Reading what was taken, deciding, and writing statements and money, durably. */
  readonly settleSeconds: number
  /** The closing balances of the day, for comparison: every book needs them, settled or not. */
  readonly closingsSeconds: number
  /** By how much the process grew while it settled. */
  readonly memoryMb: number
  /** The first row that the auditor finds wrong. */
  readonly wrong: string | null
}

const databaseName = 'lika_clearing'
const laneCount = 4
/** Fen on each card at first: more than is taken of it. */
const face = 1_000_000_000n
const rowsAtOnce = 20_000
/** One of so many payments is refunded on the same day. */
const refundedOneIn = 50

export async function measureClearing(
  { owner, postgres, parts }: Installation,
  payments: number,
  merchants: number,
): Promise<Cleared> {
  await owner.sql.unsafe(`drop database if exists ${databaseName} with (force)`)
  await owner.sql.unsafe(`create database ${databaseName}`)
  const url = withDatabase(postgres.ownerUrl, databaseName)
  await migrate(url)
  const loader = await connect(url, { applicationName: 'bench', pool: 4, statementTimeoutMs: 0 })
  const app = await connect(url, { applicationName: 'bench-clearing', role: appRole })
  const claims = await connect(url, {
    applicationName: 'bench-claims',
    role: appRole,
    asynchronousCommit: true,
  })
  try {
    const yesterday = startOfDay(businessDateOf(Date.now())) - dayMs / 2
    await ensureLanes(app.sql, laneCount, yesterday)
    const book = bookOf(asId<'issuer'>(merchantAt({ ...nobody, bornAt: yesterday }, 0)), 'live')
    const day: Day = { book, at: yesterday, payments, merchants, cards: Math.ceil(payments / 10) }
    await loadDay(loader, day)
    return await clear({ app, claims, loader, tables: parts.flows.tables }, day)
  } finally {
    await Promise.all([loader.close(), app.close(), claims.close()])
    await owner.sql.unsafe(`drop database if exists ${databaseName} with (force)`)
  }
}

interface Day {
  readonly book: BookId
  readonly at: Instant
  readonly payments: number
  readonly merchants: number
  readonly cards: number
}

const nobody = { lanes: [], cards: 0, merchants: 0 } as const

interface Databases {
  readonly app: Database
  readonly claims: Database
  readonly loader: Database
  readonly tables: Installation['parts']['flows']['tables']
}

async function clear({ app, claims, loader, tables }: Databases, day: Day): Promise<Cleared> {
  const engine = await Engine.start({
    database: app,
    claimDatabase: claims,
    nameDigest: (book, kind, name) =>
      createHash('sha256').update(`${book} ${kind} ${name}`).digest().subarray(0, 16),
    newCommandId,
    realNow: Date.now,
    monotonic: () => performance.now(),
    log: { error: (_, sentence) => say(sentence) },
  })
  try {
    const lanes = engine.lanesOf('live')
    const date = businessDateOf(day.at)
    await Promise.all(lanes.map((lane) => engine.execute(closeDay('live', lane, date))))
    await loader.sql`checkpoint`
    const closingsSeconds = await timed(async () => {
      for (const { lane } of engine.lanes) await writeClosings(app, lane)
    })
    say(`closing balances of ${day.payments} payments: ${closingsSeconds} s`)
    const sums: number[] = []
    for (let turn = 0; turn < 3; turn += 1) sums.push(await timed(() => groupBy(loader)))
    const groupBySeconds = Math.min(...sums)
    const merchants = openMerchants({
      database: app,
      keyring: keyringOf(Buffer.alloc(32)),
      classes: tables.merchantClasses.classes,
      lanesOf: (mode) => engine.lanesOf(mode),
    })
    await loader.sql`checkpoint`
    const memory = watchMemory()
    let statements = 0
    const settleSeconds = await timed(async () => {
      const run = await settleBook({ engine, database: app, merchants, tables }, day.book, {
        through: date,
        onProgress: (done, total) => {
          if (done === total || done % 2_560 === 0) say(`settled ${done} of ${total} merchants`)
        },
      })
      if (run.stopped !== undefined) throw new Error(run.stopped.detail)
      statements = run.statements
    })
    const memoryMb = memory.stop()
    say(`clearing: ${settleSeconds} s for ${statements} statements; group by: ${groupBySeconds} s`)
    const auditor = new Auditor({ database: app, checks: [statementCheck, portionCheck] })
    const { ok, firstWrong } = await auditor.verify({ book: undefined })
    return {
      payments: day.payments,
      merchants: day.merchants,
      statements,
      groupBySeconds,
      settleSeconds,
      closingsSeconds,
      memoryMb,
      wrong: ok ? null : JSON.stringify(firstWrong),
    }
  } finally {
    await engine.stop()
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return rounded((performance.now() - started) / 1000, 3)
}

function groupBy({ sql }: Database): Promise<unknown> {
  return sql`
    select merchant_id, sum(amount)
    from payment
    group by merchant_id`
}

/** The most that the process held on top of what it held at first. */
function watchMemory(): { stop(): number } {
  const before = process.memoryUsage().rss
  let most = before
  const look = () => {
    most = Math.max(most, process.memoryUsage().rss)
  }
  const timer = setInterval(look, 20)
  return {
    stop: () => {
      clearInterval(timer)
      look()
      return Math.round((most - before) / 1_048_576)
    },
  }
}

const targets = {
  account: 'lika.account (lane, id, book_id, balance, held, seq)',
  transfer: `lika.transfer
    (lane, seq, line, month, book_id, debit_account, credit_account, amount, debit_balance, credit_balance)`,
  journal:
    'lika.journal (lane, seq, month, command_id, book_id, kind, version, refused, at, body, digest)',
  payment: `lika.payment
    (lane, month, id, book_id, merchant_id, reference, amount, status, allocations, receipt_number, created_at)`,
} as const

type Texts = Record<keyof typeof targets, string>

interface LaneWriter {
  readonly lane: Lane
  seq: bigint
  head: Uint8Array
  /** Of the cards of the lane, with the entry that changed each last. */
  readonly balances: Map<AccountId, { balance: bigint; seq: bigint }>
}

/** Cards with money, then payments of it, spread over the day. */
async function loadDay(loader: Database, day: Day): Promise<void> {
  const { sql } = loader
  const lanes: Lane[] = Array.from({ length: laneCount }, (_, index) => index + 1)
  const population: Population = {
    bornAt: day.at - 1_800_000,
    lanes,
    cards: day.cards,
    merchants: day.merchants,
  }
  await loadMerchants(loader, day, population)
  const writers = lanes.map(
    (lane): LaneWriter => ({ lane, seq: 0n, head: emptyHead, balances: new Map() }),
  )
  for (const [index, writer] of writers.entries()) {
    let texts: Texts = { account: '', transfer: '', journal: '', payment: '' }
    let rows = 0
    const flush = async () => {
      await put(loader, texts)
      texts = { account: '', transfer: '', journal: '', payment: '' }
      rows = 0
    }
    const random = randomFrom(index + 1)
    const cards: AccountId[] = []
    for (let card = index; card < day.cards; card += laneCount) {
      const account = accountId(cardAt(population, card), 'card_principal', writer.lane)
      cards.push(account)
      writeLoad(day, writer, account, asId(originAt(population, card)), texts)
      rows += 1
      if (rows === rowsAtOnce) await flush()
    }
    for (let payment = index; payment < day.payments; payment += laneCount) {
      const account = cards[Math.floor(random() * cards.length)]
      if (account === undefined) throw new Error('there is no card in the lane')
      const paid = {
        account,
        merchant: merchantAt(population, Math.floor(random() * day.merchants)),
        amount: BigInt(1 + Math.floor(random() * 10_000)),
        commandId: asId<'command'>(originAt(population, day.cards + payment)),
      }
      writePayment(day, writer, paid, texts)
      if (Math.floor(payment / laneCount) % refundedOneIn === 0)
        writeRefund(day, writer, paid, payment, texts)
      rows += 1
      if (rows === rowsAtOnce) await flush()
    }
    for (const [account, { balance, seq }] of writer.balances)
      texts.account += row(writer.lane, account, day.book, balance, 0, seq)
    await flush()
    await sql`
      update lika.lane
      set next_seq = ${writer.seq + 1n}, head = ${Buffer.from(writer.head)}, last_at = ${new Date(day.at)}
      where lane = ${writer.lane}`
    say(`loaded the payments of lane ${writer.lane}`)
  }
  for (const table of Object.keys(targets)) await sql.unsafe(`vacuum analyze lika.${table}`)
}

async function put({ sql }: Database, texts: Texts): Promise<void> {
  const some = Object.entries(targets).filter(([table]) => texts[table as keyof Texts] !== '')
  await Promise.all(some.map(([table, target]) => copyIn(sql, target, texts[table as keyof Texts])))
}

/** Under a contract of 12 % and a margin of 5 %, so that settling has something to do. */
async function loadMerchants(
  { sql }: Database,
  { book, at, merchants }: Day,
  population: Population,
): Promise<void> {
  const made = new Date(at).toISOString()
  const lines = Array.from({ length: merchants }, (_, index) =>
    row(
      merchantAt(population, index),
      book,
      `Shop ${index}`,
      'restaurant',
      String(population.lanes[index % population.lanes.length]),
      '{}',
      made,
    ),
  )
  const columns = '(id, book_id, name, category, settlement_lane, metadata, created_at)'
  await copyIn(sql, `lika.merchant ${columns}`, lines.join(''))
  await sql`
    insert into lika.contract
      (id, merchant_id, version, book_id, valid_from, class, class_facts, commission, tier_from, tier_bp, cycle,
        cycle_days, pay_after_business_days, margin_bp, margin_release_days, split_merchants, split_bp, bonus_share_bp,
        voucher_share_bp, metadata, idempotency_key, fingerprint, key_id, owner, proposed_at)
    select
      id, id, 1, book_id, ${businessDateOf(at)}, 'none', '{}', 'flat', '{0}', '{1200}', 't_plus', 1, 1, 500, 30, '{}', '{}',
      0, 0, '{}', id::text, sha256('bench'), id, 'one', ${made}
    from lika.merchant`
  await sql`
    insert into lika.contract_decision (contract_id, book_id, decision, key_id, owner, at)
    select id, book_id, 'approved', id, 'another', ${made}
    from lika.merchant`
  await sql.unsafe('vacuum analyze lika.merchant, lika.contract, lika.contract_decision')
}

function writeLoad(
  day: Day,
  writer: LaneWriter,
  account: AccountId,
  commandId: CommandId,
  texts: Texts,
): void {
  const bank = accountId(issuerOfBook(day.book), 'bank', writer.lane)
  const seq = writeEntry(day, writer, commandId, 'load.created', '{}', texts, [
    'transfer',
    bank,
    account,
    face,
    null,
    face,
  ])
  writer.balances.set(account, { balance: face, seq })
}

interface Paid {
  readonly account: AccountId
  readonly merchant: MerchantId
  readonly amount: bigint
  readonly commandId: CommandId
}

function writePayment(
  day: Day,
  writer: LaneWriter,
  { account, merchant, amount, commandId }: Paid,
  texts: Texts,
): void {
  const before = writer.balances.get(account)?.balance ?? 0n
  const balance = before - amount
  const body = JSON.stringify({
    paymentId: commandId,
    amountFen: String(amount),
    merchantId: merchant,
  })
  const credit = accountId(merchant, 'merchant_unsettled', writer.lane)
  const line = ['transfer', account, credit, amount, balance, null] as const
  const seq = writeEntry(day, writer, commandId, 'payment.created', body, texts, line)
  writer.balances.set(account, { balance, seq })
  texts.payment += row(
    writer.lane,
    monthOfId(commandId),
    commandId,
    day.book,
    merchant,
    commandId,
    amount,
    'succeeded',
    '[]',
    commandId.slice(-12),
    new Date(day.at).toISOString(),
  )
}

/** All of the payment, a moment later. */
function writeRefund(
  day: Day,
  writer: LaneWriter,
  { account, merchant, amount, commandId }: Paid,
  index: number,
  texts: Texts,
): void {
  const balance = (writer.balances.get(account)?.balance ?? 0n) + amount
  const refundId = asId<'command'>(originAt({ ...refunds(day), lanes: [writer.lane] }, index))
  const body = JSON.stringify({ refundId, paymentId: commandId, merchantId: merchant })
  const debit = accountId(merchant, 'merchant_unsettled', writer.lane)
  const line = ['transfer', debit, account, amount, null, balance] as const
  const seq = writeEntry(day, writer, refundId, 'refund.created', body, texts, line)
  writer.balances.set(account, { balance, seq })
}

/** Born an hour after everything else, so that their ids are their own. */
function refunds({ at }: Day): Population {
  return { ...nobody, bornAt: at + 1_800_000 }
}

type TransferLine = readonly [
  'transfer',
  AccountId,
  AccountId,
  bigint,
  bigint | null,
  bigint | null,
]

/** One entry with one transfer, as the engine would have written it; answers its number. */
function writeEntry(
  { book, at }: Day,
  writer: LaneWriter,
  commandId: CommandId,
  kind: string,
  body: string,
  texts: Texts,
  line: TransferLine,
): bigint {
  const { lane } = writer
  writer.seq += 1n
  const { seq } = writer
  const month = monthOfId(commandId)
  const entry = {
    lane,
    seq,
    month,
    commandId,
    bookId: book,
    kind,
    version: 1,
    refused: false,
    at,
    body,
  }
  writer.head = entryDigest(writer.head, entry, [line])
  const [, debit, credit, amount, debitBalance, creditBalance] = line
  texts.transfer += row(
    lane,
    seq,
    0,
    month,
    book,
    debit,
    credit,
    amount,
    debitBalance,
    creditBalance,
  )
  texts.journal += row(
    lane,
    seq,
    month,
    commandId,
    book,
    kind,
    1,
    'f',
    new Date(at).toISOString(),
    body,
    hexBytes(writer.head),
  )
  return seq
}
