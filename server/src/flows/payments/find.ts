/** Payments as their merchants look for them, above all by their own order numbers. */
import { type BookId, modeOfBook } from '@lika/contract'
import {
  listPayments,
  type PaymentFilter,
  type PaymentRow,
  paymentsOfOwner,
} from '../../modules/payments/index.ts'
import type { FlowContext } from '../context.ts'
import { orderName } from './charge.ts'

/** The newest first. With merchant and reference it is one look into the directory, however many payments there are. */
export async function findPayments(
  { engine, database }: FlowContext,
  book: BookId,
  filter: PaymentFilter,
): Promise<PaymentRow[]> {
  const { merchantId, reference } = filter
  if (merchantId === undefined || reference === undefined)
    return listPayments(database.sql, engine.lanesOf(modeOfBook(book)), book, filter)
  const owner = await engine.names.ownerOf(book, orderName(merchantId, reference))
  return owner === undefined ? [] : paymentsOfOwner(database.sql, book, owner.id, filter)
}
