/**
 * Before a sale that was shared is refunded its shares come back: what was never sent is not sent any more, what was comes
 * back from each who got it, in proportion to the refund, once for each refund.
 */
import { type Fen, issuerOfBook, modeOfBook, ok, type WechatAccountId } from '@lika/contract'
import { accountId } from '../../modules/ledger/index.ts'
import {
  cancelWaiting,
  insertReturn,
  outReturnNo,
  outShareNo,
  type ReturnRow,
  returnOf,
  returnsOfShare,
  type ShareRow,
  shareOfTrade,
  shareReturns,
  shares,
} from '../../modules/sharing/index.ts'
import { read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'

type Context = Pick<FlowContext, 'engine' | 'database' | 'wechatPay'>

export interface RefundOfSale {
  readonly accountId: WechatAccountId
  readonly outTradeNo: string
  readonly outRefundNo: string
  readonly amount: Fen
  /** Of the sale. */
  readonly total: Fen
}

/** Whether the refund may go out: nothing of its share is with others that is to come back. Asked again until it may. */
export async function sharesAreBack(context: Context, refund: RefundOfSale): Promise<boolean> {
  const { sql } = context.database
  const share = await shareOfTrade(sql, refund.accountId, refund.outTradeNo)
  switch (share?.state) {
    case undefined:
    case 'failed':
    case 'cancelled':
      return true
    case 'waiting':
      return cancelWaiting(sql, share)
    case 'asked':
    case 'processing':
      return false
    case 'finished':
      return allBack(context, share, refund)
  }
}

async function allBack(context: Context, share: ShareRow, refund: RefundOfSale): Promise<boolean> {
  const { sql } = context.database
  const known = await returnsOfShare(sql, share.lane, share.id)
  let areBack = true
  for (const [index, { mchid, amount: part }] of share.receivers.entries()) {
    const amount = returnOf(part, refund.amount, refund.total)
    if (amount === 0n) continue
    const no = outReturnNo(share.id, refund.outRefundNo, index)
    const row: ReturnRow = known.find(({ outReturnNo: one }) => one === no) ?? {
      outReturnNo: no,
      shareId: share.id,
      bookId: share.bookId,
      outRefundNo: refund.outRefundNo,
      mchid,
      amount,
      state: 'asked',
      createdAt: context.engine.now(modeOfBook(share.bookId)),
    }
    if (row.state !== 'asked') continue
    await insertReturn(sql, share.lane, row)
    areBack = (await isBack(context, share, row)) && areBack
  }
  return areBack
}

/** It will never come back (`NO_AUTH`: who got it never agreed to that); after every other code the same request may do. */
const final = [
  'PARAM_ERROR',
  'INVALID_REQUEST',
  'RULE_LIMIT',
  'NOT_ENOUGH',
  'NO_AUTH',
  'RESOURCE_NOT_EXISTS',
]

/** What a payee cannot give back is borne by the merchant's own balance: the refund waits for it no longer. */
async function isBack(context: Context, share: ShareRow, row: ReturnRow): Promise<boolean> {
  const answer = await context.wechatPay.returnShare(share.accountId, {
    outOrderNo: outShareNo(share.id),
    outReturnNo: row.outReturnNo,
    returnMchid: row.mchid,
    amount: row.amount,
    description: '退款',
  })
  if (answer.status === 'unknown') return false
  if (answer.status === 'refused') {
    if (!final.includes(answer.code)) return false
    await end(context, share, row, 'failed')
    return true
  }
  if (answer.value.state === 'processing') return false
  await end(context, share, row, answer.value.state)
  return true
}

async function end(
  context: Context,
  share: ShareRow,
  row: ReturnRow,
  state: 'succeeded' | 'failed',
): Promise<void> {
  const { lane, bookId } = share
  await context.engine.execute({
    book: bookId,
    operation: 'sharing.returned',
    key: row.outReturnNo,
    input: {},
    weight: 'bulk',
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(shares, lane, share.id), read(shareReturns, lane, row.outReturnNo)],
      decide: (view) => {
        const current = view.get(shares, share.id)
        const standing = view.get(shareReturns, row.outReturnNo)
        if (current === undefined || standing === undefined)
          throw new Error(`the return ${row.outReturnNo} is not there`)
        const own = (kind: 'wechat' | 'shared_sales') => accountId(issuerOfBook(bookId), kind, lane)
        if (state === 'succeeded') {
          const { amount } = row
          new Desks(view)
            .in(lane)
            .transfer({ debit: own('wechat'), credit: own('shared_sales'), amount })
          view.put(shares, lane, { ...current, returned: current.returned + amount })
        }
        view.put(shareReturns, lane, { ...standing, state })
        const body = { share: share.id, state, amountFen: String(row.amount) }
        return ok({ kind: 'sharing.returned', version: 1, body })
      },
    }),
  })
}
