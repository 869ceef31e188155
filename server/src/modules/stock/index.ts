/** Scarce stock of products: counted, reserved by orders, sold. */
export {
  checkStock,
  leftOfStock,
  type ReservationRow,
  type StockMemberRow,
  type StockRow,
} from './model.ts'
export {
  findStock,
  placeOfStock,
  placeStock,
  reservations,
  stockMemberKey,
  stockMembers,
  stocks,
} from './store.ts'
