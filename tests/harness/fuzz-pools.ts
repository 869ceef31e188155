/** What exists while the fuzzer runs: filled from the answers, asked for by placeholders. */
import { idPrefixes } from '@lika/contract'
import type { Json } from './answer-check.ts'
import { instantZero, placeholderPattern } from './fuzz-values.ts'
import type { Book, makePlace, Things } from './world.ts'

const idsInText = new RegExp(`\\b(${Object.values(idPrefixes).join('|')})_[0-9a-f]{32}\\b`, 'g')
/** The newest ones: what is old was mostly used up. */
const keptOfAKind = 400

export type FuzzBook = {
  book: Book
  /** A key that may only read cards. */
  fewKey: string
  /** Ids by prefix; and `number`, `secret` (in the same order), `pay_code`, `cursor`. */
  pools: Map<string, string[]>
  /** Never given out: without it nothing more could be tried. */
  spared: ReadonlySet<string>
}

export function fuzzBook(
  book: Book,
  fewKey: string,
  place: Awaited<ReturnType<typeof makePlace>>,
  { claimed, presold }: Pick<Things, 'claimed' | 'presold'>,
): FuzzBook {
  const pools = new Map<string, string[]>([
    ['iss', [book.issuer]],
    ['receiver', [book.receiverUrl]],
    ['recipient', [book.recipient]],
    ['place_product', [place.product]],
    ['place_merchant', [place.merchant]],
    ['place_store', [place.store]],
    ['place_terminal', [place.terminal]],
    ['camp_random', [claimed]],
    ['camp_presale', [presold]],
  ])
  return { book, fewKey, pools, spared: new Set([book.keyId, claimed, presold]) }
}

/** By the state in which they were seen: `card_created`, `card_active` where there is money left, and so on. */
function keepCards(pools: FuzzBook['pools'], body: Json): void {
  for (const one of body?.data ?? body?.cards ?? [body]) {
    if (typeof one?.id !== 'string' || !one.id.startsWith('card_')) continue
    if (one.status !== 'active' || one.balance?.available >= 500)
      keep(pools, `card_${one.status}`, one.id)
  }
}

/** Remembers every id of an answer, and what else the next requests can be made of. */
export function harvest({ pools, spared }: FuzzBook, body: Json, text: string): void {
  for (const [id, prefix = ''] of text.matchAll(idsInText))
    if (prefix !== 'iss' && !spared.has(id)) keep(pools, prefix, id)
  keepCards(pools, body)
  if (typeof body?.number === 'string' && typeof body.secret === 'string') {
    keep(pools, 'number', body.number)
    keep(pools, 'secret', body.secret)
  }
  if (typeof body?.code === 'string' && /^9\d{23}$/.test(body.code))
    keep(pools, 'pay_code', body.code)
  if (typeof body?.next_cursor === 'string') keep(pools, 'cursor', body.next_cursor)
}

function keep(pools: FuzzBook['pools'], kind: string, value: string): void {
  const pool = pools.get(kind) ?? []
  pools.set(kind, pool)
  if (kind !== 'number' && kind !== 'secret' && pool.includes(value)) return
  pool.push(value)
  if (pool.length > keptOfAKind) pool.shift()
}

/** The text with what exists in place of placeholders. */
export function filled(text: string, own: FuzzBook, other: FuzzBook): string {
  return text.replaceAll(placeholderPattern, (_, kind: string, digits: string) => {
    const nth = Number(digits)
    if (kind === 'instant') return new Date(Date.now() + nth - instantZero).toISOString()
    const isForeign = kind.startsWith('foreign_')
    const pool = (isForeign ? other : own).pools.get(kind.replace('foreign_', '')) ?? []
    return pool[nth % Math.max(1, pool.length)] ?? `${kind}_${'0'.repeat(32)}`
  })
}
