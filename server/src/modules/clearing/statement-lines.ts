/** The lines of a statement, streamed from its lanes: in the order of the journal, or merged into that of time. */
import type { Fen, Lane, MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { accountId } from '../ledger/index.ts'
import { type FoundLine, readLines } from './line-store.ts'
import type { Place, StatementLine } from './lines.ts'
import type { Cut, StatementRow } from './model.ts'

type OfStatement = Pick<StatementRow, 'merchantId' | 'fromCut' | 'toCut'>

/** Lines read at once from a lane. */
const pageSize = 500
/** Entries that one statement of SQL looks through at most: a quiet merchant has few lines among millions. */
const stretch = 200_000n

/**
 * Up to `limit` lines behind `after`, lane by lane, each in its own order.
 */
export async function pageOfLines(
  sql: Sql,
  statement: OfStatement,
  after: Place | undefined,
  limit: number,
): Promise<StatementLine[]> {
  const found: StatementLine[] = []
  for (const lane of lanesOf(statement.toCut)) {
    if (after !== undefined && lane < after.lane) continue
    const from = lane === after?.lane ? after : undefined
    for await (const line of linesOfLane(sql, statement, lane, from, limit)) {
      found.push(line)
      if (found.length === limit) return found
    }
  }
  return found
}

/**
 * All lines in the order of time, then of the order number, then of lane and entry. A round gives all its commands one
 * time, so that what happened at the same instant is held together, and put in order, before it is told.
 */
export async function* linesInTime(
  sql: Sql,
  statement: OfStatement,
): AsyncGenerator<StatementLine> {
  const heads: { line: StatementLine; rest: AsyncGenerator<StatementLine> }[] = []
  for (const lane of lanesOf(statement.toCut)) {
    const rest = linesOfLane(sql, statement, lane, undefined, pageSize)
    const first = await rest.next()
    if (first.done !== true) heads.push({ line: first.value, rest })
  }
  while (heads.length > 0) {
    const at = Math.min(...heads.map(({ line }) => line.at))
    const together: StatementLine[] = []
    for (const head of heads.filter(({ line }) => line.at === at)) {
      let next: IteratorResult<StatementLine> = { value: head.line }
      while (next.done !== true && next.value.at === at) {
        together.push(next.value)
        next = await head.rest.next()
      }
      if (next.done === true) heads.splice(heads.indexOf(head), 1)
      else head.line = next.value
    }
    yield* together.sort(byReference)
  }
}

/** By bytes, whatever the locale: order numbers may be of any letters. */
function byReference(one: StatementLine, other: StatementLine): number {
  const bytes = ({ reference }: StatementLine) => Buffer.from(reference ?? '')
  const order = Buffer.compare(bytes(one), bytes(other))
  if (order !== 0) return order
  if (one.lane !== other.lane) return one.lane - other.lane
  return one.seq === other.seq ? one.line - other.line : one.seq < other.seq ? -1 : 1
}

async function* linesOfLane(
  sql: Sql,
  { merchantId, fromCut, toCut }: OfStatement,
  lane: Lane,
  after: Place | undefined,
  limit: number,
): AsyncGenerator<StatementLine> {
  const account = accountId(merchantId, 'merchant_unsettled', lane)
  const end = seqIn(toCut, lane)
  let from = after ?? { seq: seqIn(fromCut, lane), line: lastLine }
  while (from.seq < end || from.line !== lastLine) {
    const until = from.seq + stretch < end ? from.seq + stretch : end
    const lines = await readLines(sql, lane, account, { after: from, until, limit })
    for (const line of lines) yield lineOf(lane, line)
    const last = lines.at(-1)
    const isWhole = lines.length < limit || last === undefined
    from = isWhole ? { seq: until, line: lastLine } : { seq: last.seq, line: last.line }
  }
}

/** Behind every line of an entry. */
const lastLine = 2 ** 31 - 1

function lineOf(lane: Lane, line: FoundLine): StatementLine {
  return { lane, ...line }
}

/** Ascending. */
export function lanesOf(cut: Cut): Lane[] {
  return Object.keys(cut)
    .map(Number)
    .sort((one, other) => one - other)
}

export function seqIn(cut: Cut, lane: Lane): bigint {
  return BigInt(cut[String(lane)] ?? 0)
}

export function cutOf(seqs: ReadonlyMap<Lane, bigint>): Cut {
  const lanes = [...seqs.keys()].sort((one, other) => one - other)
  return Object.fromEntries(lanes.map((lane) => [String(lane), String(seqs.get(lane))]))
}

/** The account of a merchant's unsettled takings in each lane. */
export function unsettledIn(merchantId: MerchantId, lane: Lane): string {
  return accountId(merchantId, 'merchant_unsettled', lane)
}

export function sumOfNets(nets: Readonly<Record<string, string>>): Fen {
  return Object.values(nets).reduce((sum, net) => sum + BigInt(net), 0n)
}
