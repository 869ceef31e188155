/** The route of a card's statement: as pages of JSON, or whole as CSV. */
import { Readable } from 'node:stream'
import {
  endOfDay,
  type Instant,
  ok,
  parseBusinessDate,
  parseInstant,
  type Result,
  refused,
  startOfDay,
} from '@lika/contract'
import { findCard } from '../../flows/cards/find.ts'
import { cardStatement, presentLine, wholeStatement } from '../../flows/cards/statement.ts'
import { csvLines } from '../../platform/csv.ts'
import type { Deps } from '../deps.ts'
import { file, okay } from '../http/answers.ts'
import { integerPart, presentPage, readPage, smallPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  AmountOrZero,
  closed,
  nullable,
  oneOf,
  pageOf,
  paging,
  SignedAmount,
  type Static,
  SubBalanceName,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const Line = closed({
  id: Type.String({ description: 'of this line' }),
  at: Timestamp,
  kind: Type.String({ description: 'the type of the event: payment.created, load.created …' }),
  source_id: Type.String({ description: 'of the payment, refund, load or card behind it' }),
  reference: nullable(Type.String()),
  counterparty: Type.String({
    description: 'a merchant or card by id, or an account of the issuer',
  }),
  sub_balance: SubBalanceName,
  amount: SignedAmount,
  balance_before: AmountOrZero,
  balance_after: AmountOrZero,
})

const moment = (description: string) => Type.Optional(Type.String({ maxLength: 40, description }))

const Query = closed({
  ...paging,
  from: moment('a day in Shanghai or an instant; the first that counts'),
  to: moment('a day in Shanghai, the last that counts; or an instant, the first that does not'),
  format: Type.Optional(oneOf(['json', 'csv'])),
})

const columns = [
  'id',
  'at',
  'kind',
  'source_id',
  'reference',
  'counterparty',
  'sub_balance',
  'amount',
  'balance_before',
  'balance_after',
] as const satisfies readonly (keyof Static<typeof Line>)[]

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/cards/{id}/statement',
      summary: 'What happened to the money of a card, oldest first; as CSV by Accept or format=csv',
      access: 'cards:read',
      id: 'card',
      query: Query,
      responses: { 200: pageOf(Line) },
      files: ['text/csv'],
      refusals: ['card.not_found', 'cursor.invalid'],
    },
    async ({ caller, id, query, request }) => {
      const range = readRange(query)
      if (!range.ok) return range
      if (wantsCsv(query.format, request.headers.accept)) {
        const found = await findCard(flows, caller, id)
        if (!found.ok) return found
        const rows = csvRows(wholeStatement(flows, caller, id, range.value), id)
        const content = Readable.from(csvLines(columns, rows, { bom: true }))
        return file('text/csv; charset=utf-8', content, attachment)
      }
      const page = readPage('statement', [integerPart, smallPart], query)
      if (!page.ok) return page
      const { limit, after } = page.value
      const lines = await cardStatement(flows, caller, id, {
        ...range.value,
        after: after && { seq: BigInt(after[0] ?? 0), line: Number(after[1]) },
        limit: limit + 1,
      })
      if (!lines.ok) return lines
      return okay(
        presentPage(
          'statement',
          page.value,
          lines.value,
          ({ seq, line }) => [String(seq), line],
          (line) => presentLine(id, line),
        ),
      )
    },
  )
}

const attachment = { 'content-disposition': 'attachment; filename="statement.csv"' }

async function* csvRows(
  lines: ReturnType<typeof wholeStatement>,
  id: Parameters<typeof presentLine>[0],
) {
  for await (const line of lines) {
    const shown = presentLine(id, line)
    yield columns.map((column) => shown[column])
  }
}

function wantsCsv(format: 'json' | 'csv' | undefined, accept: string | undefined): boolean {
  if (format !== undefined) return format === 'csv'
  const accepted = accept ?? ''
  return accepted.includes('text/csv') && !accepted.includes('application/json')
}

const firstInstant = startOfDay('1970-01-01')

type Range = { from: Instant | undefined; until: Instant | undefined }

function readRange({ from, to }: Static<typeof Query>): Result<Range> {
  const first = from === undefined ? undefined : momentOf(from, startOfDay)
  const last = to === undefined ? undefined : momentOf(to, endOfDay)
  const wrong = [...(first === null ? ['from'] : []), ...(last === null ? ['to'] : [])].map(
    (path) => ({ path, message: 'must be a date (2026-01-31) or an RFC 3339 instant' }),
  )
  if (wrong.length > 0) return refused(shapeRefusal(wrong))
  return ok({ from: first ?? undefined, until: last ?? undefined })
}

/** null: neither a date nor an instant between 1970 (in Shanghai) and 9999. */
function momentOf(text: string, ofDay: (date: string) => Instant): Instant | null {
  const date = parseBusinessDate(text)
  const at = date === undefined ? parseInstant(text) : ofDay(date)
  return at === undefined || at < firstInstant || at > 253_402_300_799_999 ? null : at
}
