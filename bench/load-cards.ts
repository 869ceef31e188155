/**
 * Cards that were always there: rows of card, account, transfer and journal by COPY, as the product would have written
 * them one by one, digests included, so that the auditor finds nothing amiss.
 */
import { randomFillSync } from 'node:crypto'
import { asId, cardNumber, type Instant, type Lane, monthOfId } from '../contract/src/index.ts'
import { factsBody } from '../server/src/flows/cards/facts.ts'
import { accountId } from '../server/src/modules/ledger/index.ts'
import { entryDigest } from '../server/src/platform/lanes/index.ts'
import { copyIn, hexBytes, row } from './copy.ts'
import type { Installation } from './installation.ts'
import { cardAt, originAt, type Population } from './population.ts'
import type { World } from './world.ts'

/** Fen on each card: more than a stretch of load takes from any. */
const face = 500_000n
const cardsAtOnce = 10_000

const targets = {
  card: `lika.card (lane, id, book_id, product_id, product_version, state, number, secret_digest, face_amount,
    face_bonus, expires_at, depth, created_at, activated_at)`,
  account: 'lika.account (lane, id, book_id, balance, held, seq)',
  transfer: `lika.transfer (lane, seq, line, month, book_id, debit_account, credit_account, amount, credit_balance)`,
  journal: `lika.journal (lane, seq, month, command_id, book_id, kind, version, refused, at, body, digest)`,
} as const

type Texts = Record<keyof typeof targets, string>
type LaneState = { lane: Lane; seq: bigint; head: Uint8Array; at: Instant }

/** Cards `from` to `until` of the population, which `until` is the new size of. */
export async function loadCards(
  installation: Installation,
  world: World,
  from: number,
  until: number,
): Promise<World> {
  const { owner } = installation
  const { sql } = owner
  const population: Population = { ...world.population, cards: until }
  const lanes = new Map((await readLanes(installation)).map((state) => [state.lane, state]))
  let underWay: Promise<unknown> = Promise.resolve()
  const step = cardsAtOnce * population.lanes.length
  for (let at = from; at < until; at += step) {
    for (const [offset, lane] of population.lanes.entries()) {
      const state = lanes.get(lane)
      if (state === undefined) throw new Error(`there is no lane ${lane}`)
      const texts = write({ ...world, population }, state, at, Math.min(at + step, until), offset)
      await underWay
      underWay = Promise.all(
        Object.entries(targets).map(([table, target]) =>
          copyIn(sql, target, texts[table as keyof Texts]),
        ),
      )
    }
  }
  await underWay
  for (const { lane, seq, head, at } of lanes.values()) {
    await sql`
      update lane
      set next_seq = ${seq}, head = ${Buffer.from(head)}, last_at = ${new Date(at)}
      where lane = ${lane}`
  }
  // Without this the planner believes in empty tables for as long as autovacuum has not come.
  for (const table of Object.keys(targets)) await sql.unsafe(`vacuum analyze lika.${table}`)
  return { ...world, population }
}

async function readLanes({ owner }: Installation): Promise<LaneState[]> {
  const rows = await owner.sql<(LaneState & { lastAt: Instant })[]>`
    select lane, next_seq as seq, head, last_at as "lastAt"
    from lane
    where pool = 'live'`
  return rows.map(({ lane, seq, head, lastAt }) => ({
    lane,
    seq,
    head,
    at: Math.max(Date.now(), lastAt),
  }))
}

/** The cards of one lane among these, and moves the lane on. */
function write(world: World, state: LaneState, from: number, until: number, offset: number): Texts {
  const { population } = world
  const texts: Texts = { card: '', account: '', transfer: '', journal: '' }
  const stride = population.lanes.length
  for (let index = from - (from % stride) + offset; index < until; index += stride) {
    if (index >= from) writeCard(world, state, index, texts)
  }
  return texts
}

function writeCard(world: World, state: LaneState, index: number, texts: Texts): void {
  const { book, product, issuer, population } = world
  const { lane, seq, at } = state
  const id = cardAt(population, index)
  const commandId = asId<'command'>(originAt(population, index))
  const month = monthOfId(commandId)
  const number = cardNumber(loadedPrefix, lane, tenDigits(index))
  const principal = accountId(id, 'card_principal', lane)
  const bank = accountId(issuer.id, 'bank', lane)
  const body = JSON.stringify(
    factsBody({
      id,
      productId: product.id,
      productVersion: product.version,
      state: 'active',
      numberLast4: number.slice(-4),
      balance: { principal: face, bonus: 0n, held: 0n },
      expiresAt: at + validMs,
      parentId: null,
      replaces: null,
      replacedBy: null,
      batchId: null,
      createdAt: at,
      activatedAt: at,
      charterId: null,
      sealedUntil: null,
    }),
  )
  const kind = 'card.issued'
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
  const digest = entryDigest(state.head, entry, [['transfer', bank, principal, face, null, face]])
  const [made, expires] = [new Date(at).toISOString(), new Date(at + validMs).toISOString()]
  const of = product.id
  texts.card += row(
    lane,
    id,
    book,
    of,
    product.version,
    'active',
    number,
    secretDigest(),
    0,
    0,
    expires,
    0,
    made,
    made,
  )
  texts.account += row(lane, principal, book, face, 0, seq)
  texts.transfer += row(lane, seq, 0, month, book, bank, principal, face, face)
  texts.journal += row(
    lane,
    seq,
    month,
    commandId,
    book,
    kind,
    1,
    'f',
    made,
    body,
    hexBytes(digest),
  )
  state.seq += 1n
  state.head = digest
}

const validMs = 3 * 365 * 86_400_000
const random = Buffer.alloc(32)

function secretDigest(): string {
  return hexBytes(randomFillSync(random))
}

/** Of no issuer: numbers that are minted meanwhile meet none that was loaded. */
const loadedPrefix = '9999'

/** All different, and not in order. */
function tenDigits(index: number): string {
  return String((index * 700_000_001) % 10_000_000_000).padStart(10, '0')
}
