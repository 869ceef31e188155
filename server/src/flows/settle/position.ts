/** Where the money of a merchant is just now, over all lanes, and which cycle is under way. */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type Fen,
  type MerchantId,
  modeOfBook,
  withKindAndLane,
} from '@lika/contract'
import { loadClearings } from '../../modules/clearing/index.ts'
import { type AccountKindName, accountKinds } from '../../modules/ledger/index.ts'
import { cycleOf, type EndingCycle } from '../../modules/merchants/index.ts'
import { openBooks } from '../books.ts'
import type { FlowContext } from '../context.ts'

export interface MerchantPosition {
  readonly merchantId: MerchantId
  readonly unsettled: Fen
  readonly payable: Fen
  readonly inFlight: Fen
  readonly margin: Fen
  readonly receivable: Fen
  /** undefined: it was never settled. */
  readonly settledThrough: BusinessDate | undefined
  readonly cycle: EndingCycle['cycle']
}

/** undefined: the book has no such merchant. */
export async function merchantPosition(
  context: Pick<FlowContext, 'database' | 'engine' | 'merchants'>,
  book: BookId,
  merchantId: MerchantId,
): Promise<MerchantPosition | undefined> {
  const { database, engine, merchants } = context
  const merchant = await merchants.findMerchant(book, merchantId)
  if (merchant === undefined) return undefined
  const { reads } = openBooks(context)
  const balanceOf = async (kind: AccountKindName): Promise<Fen> => {
    const id = withKindAndLane(merchantId, accountKinds[kind].number, 0)
    return (await reads.account(book, id, undefined))?.balance ?? 0n
  }
  const today = businessDateOf(engine.now(modeOfBook(book)))
  const [terms, [clearing], unsettled, payable, inFlight, margin, receivable] = await Promise.all([
    merchants.termsOf(book, [merchantId], today),
    loadClearings(database.sql, merchant.settlementLane, [merchantId]),
    balanceOf('merchant_unsettled'),
    balanceOf('merchant_payable'),
    balanceOf('merchant_in_flight'),
    balanceOf('merchant_margin'),
    balanceOf('merchant_receivable'),
  ])
  const held = terms.get(merchantId)
  if (held === undefined) throw new Error(`there are no terms for ${merchantId}`)
  return {
    merchantId,
    unsettled,
    payable,
    inFlight,
    margin,
    receivable,
    settledThrough: clearing?.settledThrough,
    cycle: cycleOf(held, today),
  }
}
