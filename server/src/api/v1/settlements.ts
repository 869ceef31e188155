/** Routes of statements: what merchants are owed for each cycle, line by line, and how far it is paid. */
import {
  type BusinessDate,
  fenToJson,
  formatId,
  formatInstant,
  laneOfId,
  refusal,
  refused,
  withKindAndLane,
} from '@lika/contract'
import { currency } from '../../flows/cards/facts.ts'
import { netOfStatement, type PlacedPosting, placedPostings } from '../../flows/settle/document.ts'
import { settlementNotFound } from '../../flows/settle/payouts.ts'
import { merchantPosition } from '../../flows/settle/position.ts'
import { settleBook } from '../../flows/settle/run.ts'
import {
  findStatement,
  lanesOf,
  lineKinds,
  lineSources,
  listStatements,
  marginsOf,
  type PortionRow,
  pageOfLines,
  portionStates,
  portionsOf,
  postingItems,
  type StatementLine,
  type StatementRow,
  seqIn,
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
  SignedAmount,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Place = {
  lane: Type.Integer(),
  seq: Type.Integer({ description: 'of the journal entry in its lane' }),
  line: Type.Integer({ description: 'of the transfer in its entry' }),
}

const Portion = closed({
  merchant_id: idOf('merchant'),
  amount: Amount,
  status: oneOf(portionStates),
  payout_id: nullable(Type.String()),
})

const members = {
  id: idOf('settlement'),
  merchant_id: idOf('merchant'),
  contract_version: Type.Integer({ description: '0: there was no contract' }),
  from_day: DateText,
  to_day: DateText,
  status: oneOf(statementStates),
  taken: AmountOrZero,
  refunded: AmountOrZero,
  cancelled: AmountOrZero,
  net: { ...SignedAmount, description: 'fen; taken − refunded − cancelled' },
  commission: SignedAmount,
  bonus_share: SignedAmount,
  voucher_share: SignedAmount,
  adjusted: SignedAmount,
  due: {
    ...SignedAmount,
    description: 'fen; net − commission − bonus_share − voucher_share + adjusted',
  },
  set_off: { ...AmountOrZero, description: 'fen; pays what the merchant owed' },
  margin_withheld: AmountOrZero,
  margin_used: { ...AmountOrZero, description: 'fen; margins that cover a due below 0' },
  receivable_added: { ...AmountOrZero, description: 'fen; what the merchant owes from now on' },
  margin_released: AmountOrZero,
  own_sales: { ...SignedAmount, description: "fen; of the issuer's own merchants" },
  payable: {
    ...AmountOrZero,
    description:
      'fen; due − own_sales − set_off − margin_withheld + margin_used + receivable_added + margin_released',
  },
  currency: Currency,
  margin_left: {
    ...AmountOrZero,
    description: 'fen; of margin_withheld, what was neither used nor released since',
  },
  margin_release_on: nullable(DateText),
  pay_on: nullable(DateText),
  lane: Place.lane,
  seq: Place.seq,
  created_at: Timestamp,
}

const Statement = closed(members)
const StatementWhole = closed({
  ...members,
  cut: Type.Array(
    closed({
      lane: Type.Integer(),
      after_seq: Type.Integer({ description: 'its lines lie behind this entry …' }),
      until_seq: Type.Integer({ description: '… up to this one' }),
    }),
  ),
  portions: Type.Array(Portion),
  postings: Type.Array(
    closed({
      item: oneOf(postingItems),
      merchant_id: nullable(idOf('merchant')),
      amount: { ...SignedAmount, description: 'fen; what it adds to the payable amount' },
      ...Place,
    }),
  ),
})

const Line = closed({
  at: Timestamp,
  kind: oneOf(lineKinds),
  payment_id: nullable(idOf('payment')),
  refund_id: nullable(idOf('refund')),
  adjustment_id: nullable(idOf('settlement_adjustment')),
  entry_id: idOf('entry'),
  reference: nullable(Type.String()),
  store_id: nullable(idOf('store')),
  source: nullable(oneOf(lineSources)),
  amount: { ...SignedAmount, description: 'fen; above 0 the merchant gets it' },
  ...Place,
})

const Position = closed({
  merchant_id: idOf('merchant'),
  unsettled: { ...SignedAmount, description: 'fen; taken and not yet on a statement' },
  payable: { ...AmountOrZero, description: 'fen; on statements, also as a party of a split' },
  in_flight: { ...AmountOrZero, description: 'fen; with the bank' },
  margin: { ...AmountOrZero, description: 'fen; withheld' },
  receivable: { ...AmountOrZero, description: 'fen; what the merchant owes' },
  currency: Currency,
  settled_through: nullable(DateText),
  cycle_from: { ...DateText, description: 'of the cycle that is under way' },
  cycle_to: DateText,
})

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

export function presentStatement(row: StatementRow) {
  return {
    id: formatId('settlement', row.id),
    merchant_id: formatId('merchant', row.merchantId),
    contract_version: row.contractVersion,
    from_day: row.fromDay,
    to_day: row.toDay,
    status: row.status,
    taken: fenToJson(row.taken),
    refunded: fenToJson(row.refunded),
    cancelled: fenToJson(row.cancelled),
    net: fenToJson(netOfStatement(row)),
    commission: fenToJson(row.commission),
    bonus_share: fenToJson(row.bonusShare),
    voucher_share: fenToJson(row.voucherShare),
    adjusted: fenToJson(row.adjusted),
    due: fenToJson(row.due),
    set_off: fenToJson(row.setOff),
    margin_withheld: fenToJson(row.marginWithheld),
    margin_used: fenToJson(row.marginUsed),
    receivable_added: fenToJson(row.receivableAdded),
    margin_released: fenToJson(row.marginReleased),
    own_sales: fenToJson(row.ownSales),
    payable: fenToJson(row.payable),
    currency,
    margin_left: fenToJson(row.marginLeft),
    margin_release_on: row.marginReleaseOn,
    pay_on: row.payOn,
    lane: laneOfId(row.id),
    seq: Number(row.seq),
    created_at: formatInstant(row.createdAt),
  }
}

function presentPortion({ merchantId, amount, status, payoutId }: PortionRow) {
  return {
    merchant_id: formatId('merchant', merchantId),
    amount: fenToJson(amount),
    status,
    payout_id: payoutId === null ? null : formatId('payout', payoutId),
  }
}

function presentPosting({ item, merchantId, amount, lane, seq, line }: PlacedPosting) {
  return {
    item,
    merchant_id: merchantId === null ? null : formatId('merchant', merchantId),
    amount: fenToJson(amount),
    lane,
    seq: Number(seq),
    line,
  }
}

function presentLine(line: StatementLine) {
  const idOrNull = (
    kind: 'payment' | 'refund' | 'settlement_adjustment' | 'store',
    id: string | null,
  ) => (id === null ? null : formatId(kind, id))
  return {
    at: formatInstant(line.at),
    kind: line.kind,
    payment_id: idOrNull('payment', line.paymentId),
    refund_id: idOrNull('refund', line.refundId),
    adjustment_id: idOrNull('settlement_adjustment', line.adjustmentId),
    entry_id: formatId('entry', withKindAndLane(line.commandId, 0, line.lane)),
    reference: line.reference,
    store_id: idOrNull('store', line.storeId),
    source: line.source,
    amount: fenToJson(line.amount),
    lane: line.lane,
    seq: Number(line.seq),
    line: line.line,
  }
}

function presentCut({ fromCut, toCut }: StatementRow) {
  return lanesOf(toCut).map((lane) => ({
    lane,
    after_seq: Number(seqIn(fromCut, lane)),
    until_seq: Number(seqIn(toCut, lane)),
  }))
}
