/**
 * Money that goes back to cards, whatever became of them: lost, frozen, expired and closed ones still receive it, and
 * for a replaced one its successor does.
 */
import {
  type CardId,
  type Fen,
  issuerOfBook,
  type Lane,
  laneOfId,
  type SubBalance,
  type VoucherId,
} from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import { debts } from '../../modules/loyalty/index.ts'
import { accountOf, type PaymentRow, payments, type Share } from '../../modules/payments/index.ts'
import { accountOfVoucher, vouchers } from '../../modules/vouchers/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import type { TakeBack } from '../rebates/take-back.ts'
import { takeBackOfPayment } from '../rebates/take-back-of-payment.ts'
import { type Desks, giveToAccount, type Parties } from './desks.ts'
import { isKnown } from './hold-lines.ts'
import { lineOf } from './line-of-card.ts'
import type { ShownAllocation } from './outcomes.ts'

export interface PaymentReads {
  readonly lanes: readonly Lane[]
  readonly reads: readonly Read[]
  /** undefined: no campaign of the book ever gave anything. */
  readonly takeBack: TakeBack | undefined
}

/** What a command reads that gives money of the payment back. The payment's own lane is the first. */
export async function readsOfPayment(
  context: FlowContext,
  payment: PaymentRow,
): Promise<PaymentReads> {
  const home = laneOfId(payment.id)
  const lines = await Promise.all(
    [...new Set(payment.allocations.map(({ cardId }) => cardId))].map((id) => lineOf(context, id)),
  )
  const ids = lines.flat()
  const holders = lines.flatMap((line) => line.slice(-1))
  const shown = payment.allocations.flatMap(({ voucherId }) => voucherId ?? [])
  const reads = [
    read(payments, home, payment.id),
    ...readsOfVouchers(shown, holders),
    ...ids.map((id) => read(cards, laneOfId(id), id)),
    ...holders.flatMap((id) => [readAccount(id, 'principal'), readAccount(id, 'bonus')]),
  ]
  const takeBack = await takeBackOfPayment(context, payment, ids)
  const lanes = [...new Set([home, ...ids.map(laneOfId), ...(takeBack?.lanes() ?? [])])]
  return { lanes, reads: [...reads, ...(takeBack?.reads ?? [])], takeBack }
}

/** Vouchers that paid; what a revoked one gets back settles first what its holder owes. */
function readsOfVouchers(shown: readonly VoucherId[], holders: readonly CardId[]): Read[] {
  if (shown.length === 0) return []
  return [
    ...shown.flatMap((id) => [
      read(vouchers, laneOfId(id), id),
      read(accounts, laneOfId(id), accountOfVoucher(id)),
    ]),
    ...holders.map((id) => read(debts, laneOfId(id), id)),
  ]
}

function readAccount(cardId: CardId, subBalance: SubBalance): Read {
  return read(accounts, laneOfId(cardId), accountOf(cardId, subBalance))
}

/** Gives each share to its sub-balance of the card that has the money now. */
export function giveBackToCards(
  view: View,
  desks: Desks,
  payment: PaymentRow,
  shares: readonly Share[],
): ShownAllocation[] {
  const parties = {
    book: view.bookId,
    merchantId: payment.merchantId,
    home: laneOfId(payment.id),
  }
  return shares.map(({ subBalance, voucherId, amount, ...share }) => {
    if (subBalance === 'voucher') {
      if (voucherId === undefined) throw new Error('a voucher without its id paid')
      const cardId = holderOf(view, share.cardId, 'bonus')
      return giveToVoucher(view, desks, parties, { cardId, voucherId, amount })
    }
    const cardId = holderOf(view, share.cardId, subBalance)
    const account = accountOf(cardId, subBalance)
    giveToAccount(desks, parties, account, amount)
    const balanceAfter = desks.in(laneOfId(account)).account(account).balance
    return { cardId, subBalance, amount, balanceAfter }
  })
}

/**
 * A voucher takes back what it paid. Where it was revoked meanwhile, it was charged to its holder, who gets the money as
 * bonus, what he owes set off first; what an expired one paid is lost to him with its time.
 */
function giveToVoucher(
  view: View,
  desks: Desks,
  parties: Parties,
  { cardId, voucherId, amount }: { cardId: CardId; voucherId: VoucherId; amount: Fen },
): ShownAllocation {
  const lane = laneOfId(voucherId)
  const desk = desks.in(lane)
  const account = accountOfVoucher(voucherId)
  const own = (kind: 'rebate_expense' | 'rebate_debt') =>
    accountId(issuerOfBook(view.bookId), kind, lane)
  giveToAccount(desks, parties, account, amount)
  const voucher = view.get(vouchers, voucherId)
  if (voucher?.status === 'expired') {
    desk.transfer({ debit: account, credit: own('rebate_expense'), amount })
    view.put(vouchers, lane, { ...voucher, lapsed: voucher.lapsed + amount })
  }
  if (voucher?.status === 'revoked') {
    const debt = view.get(debts, cardId)
    const owed = debt === undefined ? 0n : debt.amount < amount ? debt.amount : amount
    if (debt !== undefined && owed > 0n) {
      desk.transfer({ debit: account, credit: own('rebate_debt'), amount: owed })
      view.put(debts, lane, { ...debt, amount: debt.amount - owed })
    }
    const rest = amount - owed
    if (rest > 0n)
      desk.transfer({ debit: account, credit: accountOf(cardId, 'bonus'), amount: rest })
  }
  const balanceAfter = desk.account(account).balance
  return { cardId, subBalance: 'voucher', voucherId, amount, balanceAfter }
}

/** @throws NotPrepared when the card was replaced since the reads were chosen. */
function holderOf(view: View, cardId: CardId, subBalance: SubBalance): CardId {
  let holder = cardId
  for (;;) {
    const id = holder
    if (!isKnown(() => view.get(cards, id))) throw new NotPrepared(`the successor of ${cardId}`)
    const next = view.get(cards, id)?.replacedBy ?? null
    if (next === null) break
    holder = next
  }
  const account = accountOf(holder, subBalance)
  if (!isKnown(() => view.get(accounts, account)))
    throw new NotPrepared(`the accounts of ${holder}`)
  return holder
}
