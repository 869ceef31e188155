/** Exports of whole lists as CSV, streamed. */
import { Readable } from 'node:stream'
import type { CardId } from '@lika/contract'
import { asId } from '@lika/contract'
import type { CardCaller } from '../../flows/cards/caller.ts'
import { listCards } from '../../flows/cards/find.ts'
import { type CsvCell, csvLines } from '../../platform/csv.ts'
import type { Deps } from '../deps.ts'
import { file } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { presentView } from './card-shapes.ts'

const columns = [
  'id',
  'number_last4',
  'product_id',
  'product_version',
  'status',
  'available',
  'held',
  'principal',
  'bonus',
  'currency',
  'expires_at',
  'parent_id',
  'replaces',
  'replaced_by',
  'batch_id',
  'reference',
  'created_at',
  'activated_at',
] as const

const first: CardId = asId('00000000-0000-0000-0000-000000000000')
const cardsAtOnce = 1000

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/exports/cards.csv',
      summary: 'All cards as CSV, oldest first; amounts in fen',
      access: 'exports:read',
      responses: {},
      files: ['text/csv'],
      refusals: [],
    },
    ({ caller }) => {
      const content = Readable.from(csvLines(columns, cardRows(flows, caller), { bom: true }))
      const headers = { 'content-disposition': 'attachment; filename="cards.csv"' }
      return file('text/csv; charset=utf-8', content, headers)
    },
  )
}

/** Every card of the book, read in pieces; those that are made meanwhile may be among them. */
async function* cardRows(
  flows: Deps['flows'],
  caller: CardCaller,
): AsyncGenerator<readonly CsvCell[]> {
  for (let after = first; ; ) {
    const found = await listCards(flows, caller, { after, limit: cardsAtOnce })
    const now = flows.engine.now(caller.mode)
    for (const view of found) {
      const { balance, ...card } = presentView(view, now)
      const cells = { ...card, ...balance }
      yield columns.map((column) => cells[column])
    }
    const last = found.at(-1)
    if (last === undefined || found.length < cardsAtOnce) return
    after = last.card.id
  }
}
