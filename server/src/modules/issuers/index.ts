/** Issuers: the companies whose cards these are. */
export { type Issuers, openIssuers } from './issuers.ts'
export type { Issuer } from './model.ts'
export { type SaleSwitch, selectSaleSwitch, turnSaleSwitch } from './sale-switch.ts'
