/** Vouchers as part of a payment: what they pay of it before the cards do. */
import {
  type BookId,
  type CardId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
  type VoucherId,
} from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import { accounts } from '../../modules/ledger/index.ts'
import type { Share } from '../../modules/payments/index.ts'
import {
  accountOfVoucher,
  checkVoucher,
  loadVouchers,
  vouchers,
} from '../../modules/vouchers/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import type { Charge } from './charge.ts'
import type { Desks } from './desks.ts'
import { lineOf } from './line-of-card.ts'

const voucherNotFound = refusal('voucher.not_found', 'No voucher has this id here (vchr_…).')

/** The vouchers of one payment, with the cards that have them now. */
export class VouchersShown {
  readonly ids: readonly VoucherId[]
  #lines = new Map<VoucherId, readonly CardId[]>()

  constructor(ids: readonly VoucherId[]) {
    this.ids = ids
  }

  /** Before each attempt. Refusals: `voucher.not_found`. */
  async find({ engine, database }: FlowContext, book: BookId): Promise<Result<void>> {
    const lanes = engine.lanesOf(modeOfBook(book))
    for (const id of this.ids) {
      const lane = laneOfId(id)
      const [row] = lanes.includes(lane) ? await loadVouchers(database.sql, lane, [id]) : []
      if (row?.bookId !== book) return refused(voucherNotFound)
      this.#lines.set(id, await lineOf({ database }, row.cardId))
    }
    return ok(undefined)
  }

  lanes(): Lane[] {
    return this.ids.map(laneOfId)
  }

  reads(): Read[] {
    return this.ids.flatMap((id) => [
      read(vouchers, laneOfId(id), id),
      read(accounts, laneOfId(id), accountOfVoucher(id)),
      ...(this.#lines.get(id) ?? []).map((card) => read(cards, laneOfId(card), card)),
    ])
  }

  /**
   * What each pays, in their order, until nothing is left to pay. Refusals: `voucher.not_found` (not final),
   * `voucher.not_usable`.
   */
  decide(view: View, desks: Desks, { input, sources }: Charge, now: Instant): Result<Share[]> {
    const shares: Share[] = []
    let open: Fen = input.amount
    const payment = { ...input, cards: sources.map(({ cardId }) => cardId) }
    for (const id of this.ids) {
      const row = view.get(vouchers, id)
      if (row === undefined) return refused(voucherNotFound)
      const cardId = this.#holderOf(view, id)
      const left = desks.in(laneOfId(id)).available(accountOfVoucher(id))
      const usable = checkVoucher({ ...row, cardId }, left, payment, now)
      if (!usable.ok) return usable
      const amount = left < open ? left : open
      if (amount > 0n) shares.push({ cardId, subBalance: 'voucher', amount, voucherId: id })
      open -= amount
    }
    return ok(shares)
  }

  #holderOf(view: View, id: VoucherId): CardId {
    const holder = this.#lines.get(id)?.at(-1)
    if (holder === undefined || (view.get(cards, holder)?.replacedBy ?? null) !== null)
      throw new NotPrepared(`the card of ${id}`)
    return holder
  }
}
