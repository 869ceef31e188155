/** The day that is cleared: cards, merchants under contract, payments and refunds, as the product would have written them. */
import {
  type AccountId,
  asId,
  type BookId,
  businessDateOf,
  type CommandId,
  type Instant,
  issuerOfBook,
  type Lane,
  type MerchantId,
  monthOfId,
} from '../contract/src/index.ts'
import { accountId } from '../server/src/modules/ledger/index.ts'
import type { Database } from '../server/src/platform/db.ts'
import { emptyHead, entryDigest } from '../server/src/platform/lanes/index.ts'
import { copyIn, hexBytes, row } from './copy.ts'
import { cardAt, merchantAt, originAt, type Population, randomFrom } from './population.ts'
import { say } from './progress.ts'

export const laneCount = 4
/** Fen on each card at first: more than is taken of it. */
const face = 1_000_000_000n
const rowsAtOnce = 20_000
/** One of so many payments is refunded on the same day. */
const refundedOneIn = 50

export interface Day {
  readonly book: BookId
  readonly at: Instant
  /** Ids are born from then on. */
  readonly bornAt: Instant
  readonly payments: number
  readonly merchants: number
  readonly cards: number
}

export const nobody = { lanes: [], cards: 0, merchants: 0 } as const

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
}

/** Of cards, with the entry that changed each last. */
type Balances = Map<AccountId, { balance: bigint; seq: bigint }>

/** Cards with money, then payments of it, of one book after the other in each lane. */
export async function loadDays(loader: Database, days: readonly Day[]): Promise<void> {
  const { sql } = loader
  const lanes: Lane[] = Array.from({ length: laneCount }, (_, index) => index + 1)
  for (const day of days) await loadMerchants(loader, day, populationOf(day, lanes))
  for (const lane of lanes) {
    const writer: LaneWriter = { lane, seq: 0n, head: emptyHead }
    for (const day of days) await loadLane(loader, day, writer, populationOf(day, lanes))
    await sql`
      update lika.lane
      set next_seq = ${writer.seq + 1n}, head = ${Buffer.from(writer.head)}, last_at = ${new Date(days[0]?.at ?? 0)}
      where lane = ${lane}`
    say(`loaded the payments of lane ${lane}`)
  }
  for (const table of Object.keys(targets)) await sql.unsafe(`vacuum analyze lika.${table}`)
}

function populationOf({ bornAt, cards, merchants }: Day, lanes: readonly Lane[]): Population {
  return { bornAt, lanes, cards, merchants }
}

async function loadLane(
  loader: Database,
  day: Day,
  writer: LaneWriter,
  population: Population,
): Promise<void> {
  const index = writer.lane - 1
  const balances: Balances = new Map()
  let texts: Texts = { account: '', transfer: '', journal: '', payment: '' }
  let rows = 0
  const flush = async () => {
    await put(loader, texts)
    texts = { account: '', transfer: '', journal: '', payment: '' }
    rows = 0
  }
  const written = async () => {
    rows += 1
    if (rows === rowsAtOnce) await flush()
  }
  const random = randomFrom(index + 1)
  const cards: AccountId[] = []
  for (let card = index; card < day.cards; card += laneCount) {
    const account = accountId(cardAt(population, card), 'card_principal', writer.lane)
    cards.push(account)
    const commandId = asId<'command'>(originAt(population, card))
    writeLoad(day, writer, balances, account, commandId, texts)
    await written()
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
    writePayment(day, writer, balances, paid, texts)
    if (Math.floor(payment / laneCount) % refundedOneIn === 0)
      writeRefund(day, writer, balances, paid, payment, texts)
    await written()
  }
  for (const [account, { balance, seq }] of balances)
    texts.account += row(writer.lane, account, day.book, balance, 0, seq)
  await flush()
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
    from lika.merchant
    where book_id = ${book}`
  await sql`
    insert into lika.contract_decision (contract_id, book_id, decision, key_id, owner, at)
    select id, book_id, 'approved', id, 'another', ${made}
    from lika.merchant
    where book_id = ${book}`
  await sql.unsafe('vacuum analyze lika.merchant, lika.contract, lika.contract_decision')
}

function writeLoad(
  day: Day,
  writer: LaneWriter,
  balances: Balances,
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
  balances.set(account, { balance: face, seq })
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
  balances: Balances,
  { account, merchant, amount, commandId }: Paid,
  texts: Texts,
): void {
  const before = balances.get(account)?.balance ?? 0n
  const balance = before - amount
  const body = JSON.stringify({
    paymentId: commandId,
    amountFen: String(amount),
    merchantId: merchant,
  })
  const credit = accountId(merchant, 'merchant_unsettled', writer.lane)
  const line = ['transfer', account, credit, amount, balance, null] as const
  const seq = writeEntry(day, writer, commandId, 'payment.created', body, texts, line)
  balances.set(account, { balance, seq })
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
  balances: Balances,
  { account, merchant, amount, commandId }: Paid,
  index: number,
  texts: Texts,
): void {
  const balance = (balances.get(account)?.balance ?? 0n) + amount
  const refundId = asId<'command'>(originAt({ ...refunds(day), lanes: [writer.lane] }, index))
  const body = JSON.stringify({ refundId, paymentId: commandId, merchantId: merchant })
  const debit = accountId(merchant, 'merchant_unsettled', writer.lane)
  const line = ['transfer', debit, account, amount, null, balance] as const
  const seq = writeEntry(day, writer, refundId, 'refund.created', body, texts, line)
  balances.set(account, { balance, seq })
}

/** Born an hour after everything else of the day, so that their ids are their own. */
function refunds({ bornAt }: Day): Population {
  return { ...nobody, bornAt: bornAt + 3_600_000 }
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
