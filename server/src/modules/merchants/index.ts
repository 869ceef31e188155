/** Merchants, their stores and terminals: who takes cards, and where. */
export { type Merchants, openMerchants } from './merchants.ts'
export type { Merchant, Store, Terminal, Till } from './model.ts'
export { booksOfMerchants } from './store.ts'
