/**
 * Behind the sale: what the journal says was paid by WeChat, and is to be shared, is queued for those who get it. Nothing
 * of it happens in the sale's own command, and each sale is queued once, whatever dies.
 */
import { asId, type BookId, laneOfId, type MerchantId, type ProductId } from '@lika/contract'
import { combinedPayments } from '../../modules/combined/index.ts'
import { loadOrders, loadTrades, outTradeNo, tradeKey } from '../../modules/orders/index.ts'
import {
  insertShares,
  type NewShare,
  partsOf,
  rulesFor,
  type SharingRule,
  shareAfterMs,
  sharedOf,
} from '../../modules/sharing/index.ts'
import type { Database, Sql } from '../../platform/db.ts'
import { startTail, type Tail, type TailOptions } from '../../platform/lanes/tail.ts'
import type { JournalEntry } from '../../platform/lanes/tail-store.ts'

const orderKinds = ['order.paid', 'order.topped_up']
const tillKind = 'combined_payment.succeeded'

export function startSharingQueue(
  database: Database,
  options: Pick<TailOptions, 'lanes' | 'log' | 'onStopped'>,
): Tail {
  return startTail(database, { name: 'profit-sharing', takeIn: queueShares, ...options })
}

type Sold = Omit<NewShare, 'receivers'> & { readonly subject: ProductId | MerchantId }

/** In the transaction that moves the consumer on. */
async function queueShares(sql: Sql, entries: readonly JournalEntry[]): Promise<void> {
  const own = entries.filter((one) => !one.refused && one.lane === laneOfId(one.commandId))
  const sold = [...(await soldByOrder(sql, own)), ...(await soldAtTill(sql, own))]
  const kept = await sharedOf(sql, sold)
  const queued: NewShare[] = []
  for (const [book, some] of Map.groupBy(sold, ({ bookId }) => bookId)) {
    const rules = await rulesOf(sql, book, some)
    for (const { subject, ...sale } of some) {
      const receivers = partsOf(rules.get(subject)?.receivers ?? [], sale.total)
      if (receivers.length > 0 || kept.has(sale.outTradeNo)) queued.push({ ...sale, receivers })
    }
  }
  if (queued.length > 0) await insertShares(sql, queued)
}

async function rulesOf(
  sql: Sql,
  book: BookId,
  sold: readonly Sold[],
): Promise<Map<string, SharingRule>> {
  const rules = await rulesFor(sql, book, [...new Set(sold.map(({ subject }) => subject))])
  return new Map(rules.map((rule) => [rule.productId ?? rule.merchantId ?? '', rule]))
}

async function soldByOrder(sql: Sql, entries: readonly JournalEntry[]): Promise<Sold[]> {
  const paid = entries.filter(({ kind }) => orderKinds.includes(kind))
  const sold: Sold[] = []
  for (const [lane, some] of Map.groupBy(paid, (one) => one.lane)) {
    const ids = some.flatMap(({ body }) => textOf(body['orderId']))
    const orders = await loadOrders(sql, lane, ids)
    const keys = orders.flatMap(({ id, paidTrade }) =>
      paidTrade === null ? [] : [tradeKey({ orderId: id, n: paidTrade })],
    )
    const trades = await loadTrades(sql, lane, keys)
    const tradeOf = new Map(trades.map((trade) => [trade.orderId, trade]))
    for (const order of orders) {
      const trade = tradeOf.get(order.id)
      if (trade === undefined || trade.transactionId === null || trade.paidAt === null) continue
      sold.push({
        lane,
        id: asId(order.id),
        bookId: order.bookId,
        accountId: trade.accountId,
        appid: trade.appid,
        transactionId: trade.transactionId,
        outTradeNo: outTradeNo(trade),
        total: trade.amount,
        nextAt: trade.paidAt + shareAfterMs,
        createdAt: trade.paidAt,
        subject: order.productId,
      })
    }
  }
  return sold
}

async function soldAtTill(sql: Sql, entries: readonly JournalEntry[]): Promise<Sold[]> {
  const paid = entries.filter(({ kind }) => kind === tillKind)
  const sold: Sold[] = []
  for (const [lane, some] of Map.groupBy(paid, (one) => one.lane)) {
    const ids = some.flatMap(({ body }) => textOf(body['combinedPaymentId']))
    for (const row of await combinedPayments.load(sql, lane, ids)) {
      if (row.transactionId === null || row.endedAt === null) continue
      sold.push({
        lane,
        id: asId(row.id),
        bookId: row.bookId,
        accountId: row.accountId,
        appid: row.appid,
        transactionId: row.transactionId,
        outTradeNo: row.outTradeNo,
        total: row.wechatAmount,
        nextAt: row.endedAt + shareAfterMs,
        createdAt: row.endedAt,
        subject: row.merchantId,
      })
    }
  }
  return sold
}

function textOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : []
}
