/** Vouchers: given for spending, used once in a while, worth nothing once their time is over. */
export { checkVoucher, statusOfVoucher } from './model.ts'
export {
  accountOfVoucher,
  dueVouchers,
  loadVouchers,
  selectVouchers,
  type VoucherView,
  vouchers,
  vouchersOfCard,
} from './store.ts'
