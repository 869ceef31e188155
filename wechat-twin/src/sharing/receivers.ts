/** `/v3/profitsharing/receivers/{add,delete}` and `/merchant-configs`: who may be shared with, and how much. */

import type { Merchant } from '../kernel/merchants.ts'
import { refuse } from '../kernel/refusal.ts'
import { fault, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { Twin } from '../kernel/twin.ts'
import type { V3Call } from '../v3/gate.ts'
import { checkAppid } from '../v3/orders.ts'
import type { SharingBook } from './book.ts'

export const receiverType = oneOf('MERCHANT_ID', 'PERSONAL_OPENID', 'PERSONAL_SUB_OPENID')

const addShape = object({
  appid: text({ max: 32 }),
  sub_mchid: optional(text({ max: 32 })),
  sub_appid: optional(text({ max: 32 })),
  type: receiverType,
  account: text({ max: 64 }),
  name: optional(text({ max: 1024 })),
  relation_type: oneOf(
    'SERVICE_PROVIDER',
    'STORE',
    'STAFF',
    'STORE_OWNER',
    'PARTNER',
    'HEADQUARTER',
    'BRAND',
    'DISTRIBUTOR',
    'USER',
    'SUPPLIER',
    'CUSTOM',
  ),
  custom_relation: optional(text({ max: 10 })),
})

const deleteShape = object({
  appid: text({ max: 32 }),
  sub_mchid: optional(text({ max: 32 })),
  sub_appid: optional(text({ max: 32 })),
  type: receiverType,
  account: text({ max: 64 }),
})

export function registerReceivers(twin: Twin, book: SharingBook): void {
  twin.v3.route(
    'POST',
    '/v3/profitsharing/receivers/add',
    { kind: 'sharing.receivers', body: addShape },
    (call) => {
      const { body } = call
      const owner = payerOf(twin, call.merchant, body.sub_mchid)
      checkAppid(call.merchant, body.appid)
      if (body.type === 'MERCHANT_ID' && body.name === undefined)
        fault('/name', undefined, '分账接收方为商户时必填')
      if ((body.relation_type === 'CUSTOM') !== (body.custom_relation !== undefined))
        fault('/custom_relation', undefined, '仅当 relation_type 为 CUSTOM 时必填')
      const name = checkPerson(twin, call, { ...body, path: '' })
      const key = book.receiverKey(owner.mchid, body.type, body.account)
      if (
        !book.receivers.has(key) &&
        book.receiversOf.all(owner.mchid).length >= twin.settings.now.shareReceivers
      )
        refuse(400, 'INVALID_REQUEST', '分账接收方数量超过限制')
      const { appid, type, account, relation_type, custom_relation } = body
      const extra = custom_relation === undefined ? {} : { custom_relation }
      book.receivers.set(key, { mchid: owner.mchid, appid, type, account, relation_type, ...extra })
      const sealed = name === undefined ? {} : { name: call.seal(name) }
      return { ...subOf(body), type, account, ...sealed, relation_type, ...extra }
    },
  )

  twin.v3.route(
    'POST',
    '/v3/profitsharing/receivers/delete',
    { kind: 'sharing.receivers', body: deleteShape },
    ({ merchant, body }) => {
      const owner = payerOf(twin, merchant, body.sub_mchid)
      checkAppid(merchant, body.appid)
      book.receivers.delete(book.receiverKey(owner.mchid, body.type, body.account))
      return { ...subOf(body), type: body.type, account: body.account }
    },
  )

  twin.v3.route(
    'GET',
    '/v3/profitsharing/merchant-configs/{sub_mchid}',
    { kind: 'sharing.query' },
    ({ merchant, params }) => {
      const sub_mchid = params['sub_mchid'] ?? ''
      const owner = sub_mchid === merchant.mchid ? merchant : payerOf(twin, merchant, sub_mchid)
      return { sub_mchid, max_ratio: owner.sharing_max_bp }
    },
  )
}

/** Whose payments are shared: the caller's own, or those of a merchant whom it serves (`more.sub_mchids`). */
export function payerOf(twin: Twin, merchant: Merchant, subMchid: string | undefined): Merchant {
  if (subMchid === undefined) return merchant
  const served = merchant.more['sub_mchids']
  const found = twin.merchants.find(subMchid)
  if (!Array.isArray(served) || !served.includes(subMchid) || found === undefined)
    return refuse(403, 'NO_AUTH', '与特约商户没有服务关系')
  return found
}

/** Who the receiver is must be known to WeChat, and be called what the payer says; returns that name. */
export function checkPerson(
  twin: Twin,
  call: Pick<V3Call<unknown, unknown>, 'open'>,
  given: {
    appid: string
    sub_appid?: string
    type: string
    account: string
    name?: string
    path: string
  },
): string | undefined {
  const name = given.name === undefined ? undefined : call.open(given.name, `${given.path}/name`)
  if (given.type === 'MERCHANT_ID') {
    const found = twin.merchants.find(given.account)
    if (found === undefined) return refuse(400, 'INVALID_REQUEST', '分账接收商户不存在')
    if (name !== undefined && name !== found.name)
      refuse(400, 'INVALID_REQUEST', '分账接收商户全称不匹配')
    return name
  }
  const appid = given.type === 'PERSONAL_OPENID' ? given.appid : given.sub_appid
  const found = twin.users.byOpenid(given.account)
  if (found === undefined || found.appid !== appid)
    return refuse(400, 'INVALID_REQUEST', '分账接收方的 openid 与 appid 不匹配')
  if (name !== undefined && name !== found.user.name)
    refuse(400, 'INVALID_REQUEST', '微信用户姓名与实名不一致')
  return name
}

export function subOf(body: { sub_mchid?: string }): { sub_mchid?: string } {
  return body.sub_mchid === undefined ? {} : { sub_mchid: body.sub_mchid }
}
