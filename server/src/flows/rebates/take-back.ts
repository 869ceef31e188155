/**
 * Taking rebates back when their ground falls away. One formula for all of them: a rebate is worth what its rule gives
 * for what is left of its ground; the rest goes back to the issuer, first out of what is left of the rebate itself, then
 * out of the money that is being given back, and what neither has is owed.
 */
import {
  type AccountId,
  type BookId,
  type BusinessDate,
  type CampaignId,
  type CardId,
  type Fen,
  issuerOfBook,
  type Lane,
  laneOfId,
} from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import {
  debts,
  excessOf,
  findRebatesOfSources,
  type Promised,
  type RebateRow,
  rebateKey,
  rebates,
  rebatesOfSource,
} from '../../modules/loyalty/index.ts'
import { accountOfVoucher, vouchers } from '../../modules/vouchers/index.ts'
import { type Json, type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { Desks } from '../payments/desks.ts'
import { isKnown } from '../payments/hold-lines.ts'
import { NotPrepared } from '../prepared.ts'

type Context = Pick<FlowContext, 'database' | 'loyalty'>

export interface TakenBack {
  readonly campaignId: CampaignId
  readonly cardId: CardId
  readonly amount: Fen
  /** Of the amount: out of the rebate itself, out of the money given back, and not there. */
  readonly fromRebate: Fen
  readonly deducted: Fen
  readonly owed: Fen
}

/** Where rebates may be found. */
export interface Search {
  readonly book: BookId
  /** Payments, loads, and cards for what was given by the month, each in its lane. */
  readonly sources: readonly { readonly lane: Lane; readonly id: string }[]
  /** Rebates that may be given in this very moment. */
  readonly expected: readonly { readonly lane: Lane; readonly key: string }[]
  /** Follows a card to the one that has its money now. */
  readonly lineOf: (cardId: CardId) => Promise<readonly CardId[]>
}

/** By how much the ground of a rebate becomes less; `holder` is the card that has the rebate now. */
export type Lost = (rebate: RebateRow, promised: Promised, holder: CardId) => Fen

/** undefined: nothing was ever given in the book. */
export async function prepareTakeBack(
  context: Context,
  search: Search,
): Promise<TakeBack | undefined> {
  const { database, loyalty } = context
  if (!(await loyalty.everGave(search.book))) return undefined
  const byLane = Map.groupBy(search.sources, ({ lane }) => lane)
  const found = await Promise.all(
    [...byLane].map(([lane, some]) =>
      findRebatesOfSources(
        database.sql,
        lane,
        some.map(({ id }) => id),
      ),
    ),
  )
  const rows = found.flat()
  const ids = [...new Set(rows.map(({ cardId }) => cardId))]
  const lines = await Promise.all(ids.map((id) => search.lineOf(id)))
  for (const { campaignId, version } of rows) await loyalty.promised(campaignId, version)
  return new TakeBack(context, search, readsOf(search, rows, lines))
}

function readsOf(
  { sources, expected }: Search,
  rows: readonly RebateRow[],
  lines: readonly (readonly CardId[])[],
): Read[] {
  const holders = lines.flatMap((line) => line.slice(-1))
  return [
    ...sources.map(({ lane, id }) => read(rebatesOfSource, lane, id)),
    ...expected.map(({ lane, key }) => read(rebates, lane, key)),
    ...lines.flat().map((id) => read(cards, laneOfId(id), id)),
    ...holders.flatMap((id) => readsOfHolder(id)),
    ...rows.flatMap(({ voucherId }) =>
      voucherId === null
        ? []
        : [
            read(vouchers, laneOfId(voucherId), voucherId),
            read(accounts, laneOfId(voucherId), accountOfVoucher(voucherId)),
          ],
    ),
  ]
}

function readsOfHolder(id: CardId): Read[] {
  const lane = laneOfId(id)
  return [
    read(accounts, lane, accountId(id, 'card_principal', lane)),
    read(accounts, lane, accountId(id, 'card_bonus', lane)),
    read(debts, lane, id),
  ]
}

export class TakeBack {
  readonly reads: readonly Read[]
  readonly #context: Context
  readonly #search: Search

  constructor(context: Context, search: Search, reads: readonly Read[]) {
    this.#context = context
    this.#search = search
    this.reads = reads
  }

  lanes(): Lane[] {
    return [...new Set(this.reads.map(({ lane }) => lane))]
  }

  /**
   * Takes back what is no longer due. `refunded`: principal that this command gave to cards, out of which may be kept
   * what cannot be had otherwise; it becomes less by that.
   * @throws NotPrepared where a rebate or card turns up that was not there when the reads were chosen.
   */
  run(view: View, desks: Desks, lost: Lost, refunded: Map<CardId, Fen>): TakenBack[] {
    const taken: TakenBack[] = []
    for (const rebate of this.#standing(view)) {
      const promised = this.#promisedOf(rebate)
      const holder = holderOf(view, rebate.cardId)
      const less = lost(rebate, promised, holder)
      if (less <= 0n) continue
      const base = rebate.base > less ? rebate.base - less : 0n
      const amount = excessOf(promised.terms.rule, rebate, base)
      view.put(rebates, laneOfId(rebate.cardId), {
        ...rebate,
        base,
        reversed: rebate.reversed + amount,
      })
      if (amount === 0n) continue
      const back = recover(view, desks, { rebate, holder, amount, refunded })
      if (back.amount > 0n) taken.push(back)
    }
    return taken
  }

  /** Each once, in the order in which they were given. */
  #standing(view: View): RebateRow[] {
    const { sources, expected } = this.#search
    const rows = new Map<string, RebateRow>()
    for (const { id } of sources)
      for (const row of view.find(rebatesOfSource, id)) rows.set(rebateKey(row), row)
    for (const { key } of expected) {
      const row = view.get(rebates, key)
      if (row !== undefined) rows.set(key, row)
    }
    return [...rows.values()].filter(({ amount, reversed }) => reversed < amount)
  }

  #promisedOf({ campaignId, version }: RebateRow): Promised {
    const { loyalty } = this.#context
    const promised = loyalty.knownVersion(campaignId, version)
    if (promised === undefined)
      throw new NotPrepared(`version ${version} of ${campaignId}`, () =>
        loyalty.promised(campaignId, version),
      )
    return promised
  }
}

interface Recovery {
  readonly rebate: RebateRow
  readonly holder: CardId
  readonly amount: Fen
  readonly refunded: Map<CardId, Fen>
}

function recover(view: View, desks: Desks, recovery: Recovery): TakenBack {
  const { rebate, holder, refunded } = recovery
  const lane = laneOfId(holder)
  const desk = desks.in(lane)
  const issuer = issuerOfBook(view.bookId)
  const credit = accountId(issuer, 'rebate_expense', lane)
  const take = (debit: AccountId, most: Fen) => {
    const available = desk.available(debit)
    const part = available < most ? available : most
    if (part > 0n) desk.transfer({ debit, credit, amount: part })
    return part > 0n ? part : 0n
  }
  const { lapsed, account } = remainsOf(view, rebate, holder)
  const amount = recovery.amount > lapsed ? recovery.amount - lapsed : 0n
  const fromRebate = take(account, amount)
  const back = refunded.get(holder) ?? 0n
  const rest = amount - fromRebate
  const deducted = take(accountId(holder, 'card_principal', lane), back < rest ? back : rest)
  refunded.set(holder, back - deducted)
  const owed = rest - deducted
  if (owed > 0n) {
    desk.transfer({ debit: accountId(issuer, 'rebate_debt', lane), credit, amount: owed })
    const debt = view.get(debts, holder) ?? { cardId: holder, bookId: view.bookId, amount: 0n }
    view.put(debts, lane, { ...debt, amount: debt.amount + owed })
  }
  return { campaignId: rebate.campaignId, cardId: holder, amount, fromRebate, deducted, owed }
}

/** Where a rebate lies, and what of it came back to the issuer already because its time was over. */
function remainsOf(
  view: View,
  { voucherId }: RebateRow,
  holder: CardId,
): { readonly lapsed: Fen; readonly account: AccountId } {
  if (voucherId === null)
    return { lapsed: 0n, account: accountId(holder, 'card_bonus', laneOfId(holder)) }
  if (!isKnown(() => view.get(vouchers, voucherId)))
    throw new NotPrepared(`the voucher ${voucherId}`)
  const voucher = view.get(vouchers, voucherId)
  if (voucher?.status === 'open')
    view.put(vouchers, laneOfId(voucherId), { ...voucher, status: 'revoked' })
  return { lapsed: voucher?.lapsed ?? 0n, account: accountOfVoucher(voucherId) }
}

/** @throws NotPrepared when the card was replaced since the reads were chosen. */
function holderOf(view: View, cardId: CardId): CardId {
  let holder = cardId
  for (;;) {
    const id = holder
    if (!isKnown(() => view.get(cards, id))) throw new NotPrepared(`the successor of ${cardId}`)
    const next = view.get(cards, id)?.replacedBy ?? null
    if (next === null) break
    holder = next
  }
  if (!isKnown(() => view.get(debts, holder))) throw new NotPrepared(`the accounts of ${holder}`)
  return holder
}

/** As members of an entry's body, and nothing where nothing was taken. */
export function takenBackBody(taken: readonly TakenBack[]): {
  readonly takenBack?: readonly Json[]
} {
  if (taken.length === 0) return {}
  return {
    takenBack: taken.map(({ campaignId, cardId, amount, fromRebate, deducted, owed }) => ({
      campaignId,
      cardId,
      amountFen: String(amount),
      fromRebateFen: String(fromRebate),
      deductedFen: String(deducted),
      owedFen: String(owed),
    })),
  }
}

/** The first day of the month in which a day lies. */
export function monthOf(day: BusinessDate): BusinessDate {
  return `${day.slice(0, 7)}-01`
}
