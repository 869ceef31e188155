/**
 * What campaigns give in the very command of a load or payment: prepared before its round from what is kept in memory,
 * decided under the lock. Where no campaign applies it asks for nothing and reads nothing.
 */
import {
  asId,
  type BookId,
  type CardId,
  type Fen,
  type Instant,
  type Lane,
  type MerchantId,
  modeOfBook,
  type ProductId,
} from '@lika/contract'
import {
  debts,
  entitlement,
  isAboutMerchant,
  isAboutProduct,
  isRunning,
  ofTrigger,
  type Promised,
  type RebateRow,
  type Trigger,
  wholeRun,
} from '../../modules/loyalty/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { Desks } from '../payments/desks.ts'
import { NotPrepared } from '../prepared.ts'
import { type Ground, grant } from './grant.ts'
import { openLineOf, Purse } from './purse.ts'

type Context = Pick<FlowContext, 'engine' | 'database' | 'loyalty' | 'newId'>

export interface Occasion {
  readonly book: BookId
  readonly cardId: CardId
  readonly lane: Lane
  readonly trigger: Trigger
  readonly merchantId?: MerchantId | undefined
}

/** The campaigns that may give on this occasion; undefined: none does, and nothing is to be prepared. */
export function giftsFor(
  context: Context,
  occasion: Occasion,
  known: readonly Promised[],
): Gifts | undefined {
  const { book, trigger, merchantId } = occasion
  const some = ofTrigger(known, trigger)
  if (some.length === 0) return undefined
  // The clock of the round decides; a campaign that begins or ends about now is looked at.
  const about = context.engine.now(modeOfBook(book))
  const fits = some.filter(
    ({ terms }) =>
      (isRunning(terms, about) ||
        isRunning(terms, about + margin) ||
        isRunning(terms, about - margin)) &&
      (merchantId === undefined || isAboutMerchant(terms, merchantId)),
  )
  return fits.length === 0 ? undefined : new Gifts(context, occasion, fits)
}

const margin = 60_000

export class Gifts {
  readonly #context: Context
  readonly #occasion: Occasion
  readonly #promised: readonly Promised[]
  readonly #purses: Purse[] = []
  #isPrepared = false

  constructor(context: Context, occasion: Occasion, promised: readonly Promised[]) {
    this.#context = context
    this.#occasion = occasion
    this.#promised = promised
  }

  /** Who gets what is given. */
  get cardId(): CardId {
    return this.#occasion.cardId
  }

  /** Finds the money of the campaigns: once, however often the command is attempted. */
  async prepare(): Promise<void> {
    if (this.#isPrepared) return
    const { lane } = this.#occasion
    for (const promised of this.#promised) {
      const line = await openLineOf(this.#context, promised, wholeRun)
      if (line !== undefined) this.#purses.push(new Purse(this.#context, promised, line, lane))
    }
    this.#isPrepared = true
  }

  lanes(): Lane[] {
    return this.#purses.flatMap((purse) => purse.lanes())
  }

  reads(): Read[] {
    if (this.#purses.length === 0) return []
    const { lane, cardId } = this.#occasion
    return [...this.#purses.flatMap((purse) => purse.reads()), read(debts, lane, cardId)]
  }

  /**
   * Draws what the rules give for `base`; `post` gives it, once it is clear that the command goes through. A rebate is
   * given whole or, where the budget has less, not at all.
   */
  draw(
    view: View,
    desks: Desks,
    { base, product, now }: { base: Fen; product: ProductId; now: Instant },
  ): {
    readonly bonus: Fen
    post(ground: Omit<Ground, 'cardId' | 'lane' | 'base' | 'now'>): RebateRow[]
  } {
    const short: NotPrepared[] = []
    const drawn = this.#purses.flatMap((purse) => {
      const { terms } = purse.promised
      if (!isRunning(terms, now) || !isAboutProduct(terms, product)) return []
      const due = entitlement(terms.rule, base)
      const amount = due > 0n ? drawFrom(purse, view, desks, due, short) : 0n
      return amount > 0n ? [{ purse, amount, isVoucher: terms.rule.kind === 'voucher' }] : []
    })
    // However many are short, the command is parked once for all of them.
    if (short.length > 0)
      throw new NotPrepared('the shares of budgets', () =>
        Promise.all(short.map((one) => one.prepare())),
      )
    const { cardId, lane } = this.#occasion
    return {
      bonus: drawn.reduce((sum, { amount, isVoucher }) => sum + (isVoucher ? 0n : amount), 0n),
      post: (ground) =>
        drawn.map(({ purse, amount, isVoucher }, line) => {
          const voucherId = isVoucher ? { voucherId: asId<'voucher'>(purse.voucherId) } : {}
          const all = { ...ground, cardId, lane, base, now, amount, ...voucherId }
          return grant(view, desks, purse, all, line)
        }),
    }
  }
}

function drawFrom(purse: Purse, view: View, desks: Desks, amount: Fen, short: NotPrepared[]): Fen {
  try {
    return purse.draw(view, desks, amount)
  } catch (error) {
    if (!(error instanceof NotPrepared)) throw error
    short.push(error)
    return 0n
  }
}
