/** Giving: a rebate moves from the campaign's budget onto a card, as bonus or as a voucher, in the command that earns it. */
import {
  type BusinessDate,
  businessDateOf,
  type CardId,
  dayMs,
  endOfDay,
  type Fen,
  type Instant,
  issuerOfBook,
  type Lane,
  type Uuid,
  type VoucherId,
} from '@lika/contract'
import { accountId } from '../../modules/ledger/index.ts'
import { debts, type RebateRow, rebates, wholeRun } from '../../modules/loyalty/index.ts'
import { accountOfVoucher, vouchers } from '../../modules/vouchers/index.ts'
import type { View } from '../../platform/lanes/index.ts'
import type { Body } from '../cards/facts.ts'
import type { Desks } from '../payments/desks.ts'
import type { Purse } from './purse.ts'

/** What is given for what. */
export interface Ground {
  readonly cardId: CardId
  /** Of the card. */
  readonly lane: Lane
  readonly source: RebateRow['source']
  readonly sourceId: Uuid
  readonly period?: BusinessDate
  /** What the rule counted. */
  readonly base: Fen
  readonly now: Instant
}

/**
 * Posts `amount` that was drawn from the purse before. What the holder owes of earlier rebates is set off first; a
 * voucher is not set off against. `line` counts what the command gives.
 */
export function grant(
  view: View,
  desks: Desks,
  purse: Purse,
  {
    amount,
    voucherId,
    ...ground
  }: Ground & { readonly amount: Fen; readonly voucherId?: VoucherId },
  line: number,
): RebateRow {
  const { promised } = purse
  const { cardId, lane } = ground
  const setOff = voucherId === undefined ? settleDebt(view, desks, purse, ground, amount) : 0n
  const share = purse.share(lane)
  if (voucherId !== undefined) giveVoucher(view, desks, purse, { ...ground, amount, voucherId })
  else if (amount > setOff) {
    const credit = accountId(cardId, 'card_bonus', lane)
    desks.in(lane).transfer({ debit: share, credit, amount: amount - setOff })
  }
  const row: RebateRow = {
    id: view.commandId,
    line,
    bookId: view.bookId,
    campaignId: promised.campaignId,
    version: promised.version,
    budgetLine: purse.line,
    cardId,
    form: voucherId === undefined ? 'bonus' : 'voucher',
    source: ground.source,
    sourceId: ground.sourceId,
    period: ground.period ?? wholeRun,
    base: ground.base,
    amount,
    setOff,
    reversed: 0n,
    voucherId: voucherId ?? null,
    createdAt: ground.now,
  }
  view.put(rebates, lane, row)
  return row
}

function settleDebt(
  view: View,
  desks: Desks,
  purse: Purse,
  { cardId, lane }: Ground,
  amount: Fen,
): Fen {
  const debt = view.get(debts, cardId)
  const setOff = debt === undefined ? 0n : debt.amount < amount ? debt.amount : amount
  if (debt === undefined || setOff === 0n) return 0n
  const credit = accountId(issuerOfBook(view.bookId), 'rebate_debt', lane)
  desks.in(lane).transfer({ debit: purse.share(lane), credit, amount: setOff })
  view.put(debts, lane, { ...debt, amount: debt.amount - setOff })
  return setOff
}

/** The day on which it is given does not count; it pays to the end of its last day. */
function giveVoucher(
  view: View,
  desks: Desks,
  purse: Purse,
  { cardId, lane, amount, voucherId, now }: Ground & { amount: Fen; voucherId: VoucherId },
): void {
  const { campaignId, terms } = purse.promised
  const { rule, merchants } = terms
  if (rule.kind !== 'voucher') throw new Error(`campaign ${campaignId} gives no vouchers`)
  const account = accountOfVoucher(voucherId)
  const desk = desks.in(lane)
  desk.open(account)
  desk.transfer({ debit: purse.share(lane), credit: account, amount })
  view.put(vouchers, lane, {
    id: voucherId,
    bookId: view.bookId,
    campaignId,
    cardId,
    face: amount,
    minAmount: rule.minAmount,
    merchants,
    expiresAt: endOfDay(businessDateOf(now)) + rule.validDays * dayMs,
    status: 'open',
    lapsed: 0n,
    createdAt: now,
  })
}

/** Rebates as members of an entry's body, and nothing where there are none. */
export function rebatesBody(rows: readonly RebateRow[]): Body {
  if (rows.length === 0) return {}
  return {
    rebates: rows.map((row) => ({
      campaignId: row.campaignId,
      cardId: row.cardId,
      form: row.form,
      amountFen: String(row.amount),
      setOffFen: String(row.setOff),
      ...(row.voucherId === null ? {} : { voucherId: row.voucherId }),
    })),
  }
}
