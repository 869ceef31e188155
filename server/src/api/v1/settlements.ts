/** Routes of statements: what merchants are owed for each cycle, line by line, and how far it is paid. */
import { type BusinessDate, fenToJson, formatId, refusal, refused } from '@lika/contract'
import { currency } from '../../flows/cards/facts.ts'
import { placedPostings } from '../../flows/settle/document.ts'
import { settlementNotFound } from '../../flows/settle/payouts.ts'
import { merchantPosition } from '../../flows/settle/position.ts'
import { settleBook } from '../../flows/settle/run.ts'
import {
  findStatement,
  listStatements,
  marginsOf,
  pageOfLines,
  portionsOf,
  type StatementLine,
  statementStates,
} from '../../modules/clearing/index.ts'
import { closedThrough } from '../../modules/ledger/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { integerPart, presentPage, readPage, smallPart, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  Type,
} from '../http/schemas.ts'
import {
  Line,
  Position,
  presentCut,
  presentLine,
  presentPortion,
  presentPosting,
  presentStatement,
  Statement,
  StatementWhole,
} from './settlement-shapes.ts'

const Query = closed({
  ...paging,
  merchant_id: Type.Optional(idOf('merchant')),
  status: Type.Optional(oneOf(statementStates)),
  to_day: Type.Optional(DateText),
})

export function register(app: LikaApp, { flows, database }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'GET',
      path: '/v1/settlements',
      summary: 'Lists statements, the newest first',
      access: 'settlements:read',
      query: Query,
      responses: { 200: pageOf(Statement) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const page = readPage('settlements', [uuidPart], query)
      if (!page.ok) return page
      const { limit, afterId } = page.value
      const lanes = flows.engine.lanesOf(caller.mode)
      const rows = await listStatements(sql, lanes, caller.book, {
        merchantId:
          query.merchant_id === undefined ? undefined : readId('merchant', query.merchant_id),
        status: query.status,
        toDay: query.to_day,
        before: afterId,
        limit: limit + 1,
      })
      return okay(presentPage('settlements', page.value, rows, (row) => [row.id], presentStatement))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/settlements/{id}',
      summary: 'Shows a statement with its postings and whom it is paid to',
      access: 'settlements:read',
      id: 'settlement',
      responses: { 200: StatementWhole },
      refusals: ['settlement.not_found'],
    },
    async ({ caller, id }) => {
      const statement = await findStatement(sql, caller.book, id)
      if (statement === undefined) return refused(settlementNotFound)
      const portions = await portionsOf(sql, id)
      const postings = await placedPostings(sql, statement, portions)
      return okay({
        ...presentStatement(statement),
        cut: presentCut(statement),
        portions: portions.map(presentPortion),
        postings: postings.map(presentPosting),
      })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/settlements/{id}/lines',
      summary: 'Lists the lines of a statement, read from the journal, in its order',
      access: 'settlements:read',
      id: 'settlement',
      query: closed({ ...paging }),
      responses: { 200: pageOf(Line) },
      refusals: ['settlement.not_found', 'cursor.invalid'],
    },
    async ({ caller, id, query }) => {
      const page = readPage('settlement lines', [smallPart, integerPart, smallPart], query)
      if (!page.ok) return page
      const statement = await findStatement(sql, caller.book, id)
      if (statement === undefined) return refused(settlementNotFound)
      const { limit, after } = page.value
      const from = after && {
        lane: Number(after[0]),
        seq: BigInt(after[1] ?? 0),
        line: Number(after[2]),
      }
      const lines = await pageOfLines(sql, statement, from, limit + 1)
      const position = ({ lane, seq, line }: StatementLine) => [lane, String(seq), line]
      return okay(presentPage('settlement lines', page.value, lines, position, presentLine))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/{id}/margins',
      summary: 'Lists what is withheld from a merchant, and when it is given back',
      access: 'settlements:read',
      id: 'merchant',
      responses: {
        200: closed({
          total: AmountOrZero,
          currency: Currency,
          data: Type.Array(
            closed({ settlement_id: idOf('settlement'), release_on: DateText, left: Amount }),
          ),
        }),
      },
      refusals: ['merchant.not_found'],
    },
    async ({ caller, id }) => {
      if ((await flows.merchants.findMerchant(caller.book, id)) === undefined)
        return refused(notFound('merchant'))
      const lots = await marginsOf(sql, flows.engine.lanesOf(caller.mode), caller.book, id)
      return okay({
        total: fenToJson(lots.reduce((sum, { left }) => sum + left, 0n)),
        currency,
        data: lots.map(({ statementId, releaseOn, left }) => ({
          settlement_id: formatId('settlement', statementId),
          release_on: releaseOn,
          left: fenToJson(left),
        })),
      })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/{id}/position',
      summary:
        'Shows where the money of a merchant is: not yet settled, to be paid, withheld, owed',
      access: 'settlements:read',
      id: 'merchant',
      responses: { 200: Position },
      refusals: ['merchant.not_found'],
    },
    async ({ caller, id }) => {
      const position = await merchantPosition(flows, caller.book, id)
      if (position === undefined) return refused(notFound('merchant'))
      const { merchantId, settledThrough, cycle, ...amounts } = position
      return okay({
        merchant_id: formatId('merchant', merchantId),
        unsettled: fenToJson(amounts.unsettled),
        payable: fenToJson(amounts.payable),
        in_flight: fenToJson(amounts.inFlight),
        margin: fenToJson(amounts.margin),
        receivable: fenToJson(amounts.receivable),
        currency,
        settled_through: settledThrough ?? null,
        cycle_from: cycle.from,
        cycle_to: cycle.to,
      })
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/settlements/run',
      summary: 'Settles every day that is closed, up to one of them; again does no harm',
      access: 'settlements:write',
      body: closed({ through: Type.Optional(DateText) }),
      responses: {
        200: closed({
          statements: Type.Integer({ description: 'that were made' }),
          settled_through: nullable(DateText),
        }),
      },
      refusals: ['settlement.day_not_closed', 'calendar.year_missing'],
    },
    async ({ caller, body }) => {
      const closed = await closedThrough(sql, caller.mode)
      if (body.through !== undefined && (closed === undefined || body.through > closed))
        return refused(dayNotClosed(closed))
      const run = await settleBook(flows, caller.book, {
        ...(body.through !== undefined && { through: body.through }),
      })
      if (run.stopped !== undefined) return refused(run.stopped)
      return okay({
        statements: run.statements,
        settled_through: run.settledThrough ?? null,
      })
    },
  )
}

function dayNotClosed(closed: BusinessDate | undefined) {
  return refusal(
    'settlement.day_not_closed',
    closed === undefined ? 'No day is closed yet.' : `The days are closed through ${closed}.`,
    { data: { closed_through: closed ?? null } },
  )
}
