/** A transfer as it is kept, and as a query answers it. */
import { formatTime } from '../kernel/time.ts'
import type { TransferState } from './model.ts'

export interface TransferBill {
  mchid: string
  appid: string
  out_bill_no: string
  transfer_bill_no: string
  openid: string
  user: string
  amount: number
  remark: string
  user_name?: string
  notify_url?: string
  terms: string
  state: TransferState
  fail_reason?: string
  package_info: string
  created_at: number
  updated_at: number
}

/** Why a transfer fails after the user's yes, if a test wants it: `twin.doing('fail_transfer')`. */
export const failReasons = [
  'ACCOUNT_FROZEN',
  'ACCOUNT_NOT_EXIST',
  'DAY_RECEIVED_COUNT_EXCEED',
  'DAY_RECEIVED_QUOTA_EXCEED',
  'MCH_CANCEL',
  'NAME_NOT_CORRECT',
  'OPENID_INVALID',
  'OVERDUE_CLOSE',
  'PAYEE_ACCOUNT_ABNORMAL',
  'PAYER_ACCOUNT_ABNORMAL',
  'PRODUCT_AUTH_CHECK_FAIL',
  'REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED',
  'REAL_NAME_CHECK_FAIL',
  'RECEIVE_ACCOUNT_NOT_CONFIGURE',
  'TRANSFER_QUOTA_EXCEED',
] as const

export function keyOf(bill: TransferBill): string {
  return `${bill.mchid}|${bill.out_bill_no}`
}

export function shown(bill: TransferBill): object {
  const { mchid: mch_id, out_bill_no, transfer_bill_no, appid, state, amount, openid } = bill
  return {
    mch_id,
    out_bill_no,
    transfer_bill_no,
    appid,
    state,
    transfer_amount: amount,
    transfer_remark: bill.remark,
    ...(bill.fail_reason !== undefined && { fail_reason: bill.fail_reason }),
    openid,
    create_time: formatTime(bill.created_at),
    update_time: formatTime(bill.updated_at),
    ...(state === 'WAIT_USER_CONFIRM' && { package_info: bill.package_info }),
  }
}
