/** Fills the port of WeChat Pay: each call by the account that it names. */
import { setTimeout as pause } from 'node:timers/promises'
import type { WechatPay } from '../../modules/wechat/index.ts'
import { openSm, type Sm } from '../../platform/crypto/sm.ts'
import type { Log } from '../../platform/log.ts'
import { applyAbnormalRefund } from './abnormal-refunds.ts'
import { accountsAtWork, type WechatPayNeeds } from './accounts.ts'
import { bill } from './bills.ts'
import { payHosts } from './client.ts'
import { closeCombined, prepayCombined, queryCombined } from './combined.ts'
import { checkPayAccount } from './doctor.ts'
import { micropay, queryMicropay, reverse } from './micropay.ts'
import { readNotice } from './notices.ts'
import { close, prepay, query, queryRefund, refund } from './orders.ts'
import {
  addReceiver,
  queryShare,
  queryShareReturn,
  returnShare,
  share,
  unfreeze,
} from './sharing.ts'
import { cancelTransfer, queryTransfer, transfer } from './transfers.ts'

const betweenReversalsMs = 1_000

export function wechatPay(needs: WechatPayNeeds): WechatPay {
  const of = accountsAtWork(needs)
  return {
    prepay: async (account, order) => prepay(await of(account), order),
    prepayCombined: async (account, no, order) => prepayCombined(await of(account), no, order),
    query: async (account, no) => query(await of(account), no),
    queryCombined: async (account, no) => queryCombined(await of(account), no),
    close: async (account, no) => close(await of(account), no),
    closeCombined: async (account, no, parts, appid) =>
      closeCombined(await of(account), no, parts, appid),
    refund: async (account, asked) => refund(await of(account), asked),
    queryRefund: async (account, no) => queryRefund(await of(account), no),
    applyAbnormalRefund: async (account, asked) => applyAbnormalRefund(await of(account), asked),
    micropay: async (account, order) => {
      const client = await of(account)
      return micropay(client, client.callV2, order)
    },
    queryMicropay: async (account, no) => {
      const client = await of(account)
      return queryMicropay(client, client.callV2, no)
    },
    reverse: async (account, no) => {
      const client = await of(account)
      return reverse(client, client.callV2, no, () => pause(betweenReversalsMs))
    },
    addReceiver: async (account, appid, receiver) =>
      addReceiver(await of(account), appid, receiver),
    share: async (account, asked) => share(await of(account), asked),
    queryShare: async (account, no, transactionId) =>
      queryShare(await of(account), no, transactionId),
    returnShare: async (account, asked) => returnShare(await of(account), asked),
    queryShareReturn: async (account, no, outOrderNo) =>
      queryShareReturn(await of(account), no, outOrderNo),
    unfreeze: async (account, asked) => unfreeze(await of(account), asked),
    transfer: async (account, asked) => transfer(await of(account), asked),
    queryTransfer: async (account, no) => queryTransfer(await of(account), no),
    cancelTransfer: async (account, no) => cancelTransfer(await of(account), no),
    bill: async (account, asked) => bill(await of(account), asked),
    readNotice: async (account, notice) => readNotice(await of(account), notice),
    check: async (account) => checkPayAccount(await of(account)),
  }
}

export { payHosts }

/** The self-test of SM at the start. Undefined: accounts of that kind cannot be used; every other one can. */
export function trySm(log: Pick<Log, 'warn'>): Sm | undefined {
  try {
    return openSm()
  } catch (error) {
    log.warn(
      { err: error },
      'SM2, SM3 and SM4 do not pass their self-test; SM accounts are refused',
    )
    return undefined
  }
}
