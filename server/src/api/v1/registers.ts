/** Routes of the registers that the law asks for: every sale and load, and who bought. Whole files, streamed. */
import {
  addMonths,
  businessDateOf,
  endOfDay,
  formatId,
  formatInstant,
  startOfDay,
} from '@lika/contract'
import type { FlowContext } from '../../flows/context.ts'
import type { KeyCaller } from '../../modules/access/index.ts'
import { type Buyer, openBuyers, type SaleRow, salesOf } from '../../modules/cards/index.ts'
import { requiredCount } from '../../modules/policy/index.ts'
import type { CsvCell } from '../../platform/csv.ts'
import { idAt } from '../../platform/ids.ts'
import type { Deps } from '../deps.ts'
import { csvFile } from '../http/csv-answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, DateText } from '../http/schemas.ts'

const stretch = closed({ from: DateText, to: DateText })
/** Each call reads through the whole book. */
const wholeBook = { calls: 60, perSeconds: 60 }

const salesHeader = [
  '时间',
  '业务编号',
  '卡号后四位',
  '卡编号',
  '批次编号',
  '记名',
  '付款方式',
  '付款凭证号',
  '业务单号',
  '金额(元)',
  '赠送(元)',
  '已登记购卡人',
]

const buyersHeader = [
  '时间',
  '业务编号',
  '卡号后四位',
  '卡编号',
  '金额(元)',
  '付款方式',
  '付款凭证号',
  '购卡人类别',
  '购卡人',
  '证件类型',
  '证件号码',
  '联系电话',
  '代理人',
  '代理人证件类型',
  '代理人证件号码',
  '代理人联系电话',
  '保存至',
]

export function register(app: LikaApp, { flows, log }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/issuance_ledger.csv',
      summary: 'The issuance ledger: every sale and load of a stretch of days',
      access: 'reserve:read',
      query: stretch,
      rate: wholeBook,
      responses: {},
      files: ['text/csv'],
      refusals: [],
    },
    ({ caller, query }) => {
      const rows = mapped(salesIn(flows, caller, query, false), salesRow)
      return csvFile(`issuance-${query.from}-${query.to}.csv`, salesHeader, rows)
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/buyers.csv',
      summary: 'The register of buyers of a stretch of days, and until when each is kept',
      access: 'buyers:read',
      query: stretch,
      rate: wholeBook,
      responses: {},
      files: ['text/csv'],
      refusals: [],
    },
    async ({ caller, query }) => {
      const { keyId, mode } = caller
      log.info({ keyId, mode, ...query }, 'the register of buyers is handed out')
      const now = flows.engine.now(mode)
      const policy = await flows.issuers.policyOf(caller.issuerId, now)
      const years = requiredCount(policy, 'retention_buyer_years')
      const rows = buyerRows(flows, salesIn(flows, caller, query, true), years)
      return csvFile(`buyers-${query.from}-${query.to}.csv`, buyersHeader, rows)
    },
  )
}

type Stretch = { readonly from: string; readonly to: string }

/** Lane by lane. The ids of live sales rise with their time, so that older ones need not be looked at. */
async function* salesIn(
  { database, engine }: FlowContext,
  { book, mode }: KeyCaller,
  { from, to }: Stretch,
  withBuyer: boolean,
): AsyncGenerator<SaleRow> {
  const first = startOfDay(from)
  const after = mode === 'live' ? idAt(first - 86_400_000) : idAt(0)
  for (const lane of engine.lanesOf(mode))
    yield* salesOf(database.sql, lane, book, { from: first, until: endOfDay(to), withBuyer }, after)
}

async function* mapped<T>(
  rows: AsyncIterable<T>,
  present: (row: T) => readonly CsvCell[],
): AsyncGenerator<readonly CsvCell[]> {
  for await (const row of rows) yield present(row)
}

function salesRow(row: SaleRow): readonly CsvCell[] {
  return [
    formatInstant(row.at),
    row.id,
    row.numberLast4,
    row.cardId && formatId('card', row.cardId),
    row.batchId && formatId('batch', row.batchId),
    row.registered === null ? '' : row.registered ? '记名' : '不记名',
    methods[row.method],
    row.paymentReference,
    row.ownReference,
    row.amount,
    row.bonus,
    row.personId === null ? '否' : '是',
  ]
}

const methods: Readonly<Record<SaleRow['method'], string>> = {
  cash: '现金',
  bank_transfer: '银行转账',
  card: '银行卡',
  wechat: '微信支付',
  none: '未付款',
}

const peopleAtOnce = 200

/** People are opened in pieces: their records lie encrypted, each under its own key. */
async function* buyerRows(
  { database, keyring }: FlowContext,
  sales: AsyncIterable<SaleRow>,
  years: number,
): AsyncGenerator<readonly CsvCell[]> {
  let piece: SaleRow[] = []
  const flush = async () => {
    const ids = piece.flatMap(({ personId, agentId }) => [personId, agentId])
    const people = await openBuyers(
      database.sql,
      keyring,
      ids.flatMap((id) => id ?? []),
    )
    const rows = piece.map((sale) => buyerRow(sale, people, years))
    piece = []
    return rows
  }
  for await (const sale of sales) {
    piece.push(sale)
    if (piece.length === peopleAtOnce) yield* await flush()
  }
  yield* await flush()
}

function buyerRow(
  sale: SaleRow,
  people: ReadonlyMap<string, Buyer>,
  years: number,
): readonly CsvCell[] {
  const buyer = sale.personId === null ? undefined : people.get(sale.personId)
  const agent = sale.agentId === null ? undefined : people.get(sale.agentId)
  return [
    formatInstant(sale.at),
    sale.id,
    sale.numberLast4,
    sale.cardId && formatId('card', sale.cardId),
    sale.amount,
    methods[sale.method],
    sale.paymentReference,
    buyer === undefined ? '已删除' : buyer.kind === 'unit' ? '单位' : '个人',
    ...personCells(buyer),
    ...personCells(agent),
    addMonths(businessDateOf(sale.at), years * 12),
  ]
}

function personCells(person: Buyer | undefined): readonly CsvCell[] {
  return [person?.name, person?.idType, person?.idNumber, person?.phone]
}
