/** Several orders that are paid as one: all or none. */
import { fenToJson } from '@lika/contract'
import type {
  Answer,
  CombinedPart,
  CombinedPrepay,
  Invitation,
  Trade,
} from '../../modules/wechat/index.ts'
import { refusedHere } from './answers.ts'
import type { PayClient } from './client.ts'
import { invitationPossible, invited, madeIn } from './invitations.ts'
import { textIn } from './json.ts'
import { endpoints } from './orders.ts'
import { filledText, pathPart, shanghaiTime } from './texts.ts'
import { combinedTradesIn } from './trades.ts'

/** Refuses where credit cards must be kept out: a combined order has no member for that. */
export async function prepayCombined(
  client: PayClient,
  combinedNo: string,
  order: CombinedPrepay,
): Promise<Answer<Invitation>> {
  if (!client.credentials.isActive)
    return refusedHere('ACCOUNT_DISABLED', 'The merchant number takes no more orders.')
  if (!order.creditCards)
    return refusedHere('NOT_SUPPORTED', 'Credit cards cannot be kept out of a combined order.')
  const objection = invitationPossible(client, order)
  if (objection !== undefined) return objection
  const made = await client.call({
    method: 'POST',
    path: `/v3/combine-transactions/${endpoints[order.scene]}`,
    body: combinedBody(client, combinedNo, order),
    read: (body) => madeIn(order.scene, body),
  })
  return invited(client, order.appid, made)
}

function combinedBody(
  { credentials, notifyUrl }: PayClient,
  combinedNo: string,
  { appid, scene, openid, clientIp, expiresAt, parts }: CombinedPrepay,
): object {
  const isH5 = scene === 'h5'
  return {
    combine_appid: appid,
    combine_mchid: credentials.mchid,
    combine_out_trade_no: combinedNo,
    sub_orders: parts.map(partOf),
    ...(endpoints[scene] === 'jsapi' && { combine_payer_info: { openid } }),
    ...(clientIp !== undefined && {
      scene_info: { payer_client_ip: clientIp, ...(isH5 && { h5_info: { type: 'Wap' } }) },
    }),
    time_expire: shanghaiTime(expiresAt),
    notify_url: notifyUrl,
  }
}

function partOf(part: CombinedPart): object {
  return {
    mchid: part.mchid,
    attach: part.attach,
    amount: { total_amount: fenToJson(part.amount), currency: 'CNY' },
    out_trade_no: part.outTradeNo,
    description: filledText(part.description, 127, '订单'),
    ...(part.profitSharing === true && { settle_info: { profit_sharing: true } }),
  }
}

export async function queryCombined(
  client: PayClient,
  combinedNo: string,
): Promise<Answer<readonly Trade[]>> {
  return client.call({
    method: 'GET',
    path: `/v3/combine-transactions/out-trade-no/${pathPart(combinedNo)}`,
    read: (body) =>
      textIn(body, 'combine_out_trade_no') === combinedNo ? combinedTradesIn(body) : undefined,
  })
}

/** Every part has to be named. */
export async function closeCombined(
  client: PayClient,
  combinedNo: string,
  parts: readonly Pick<CombinedPart, 'mchid' | 'outTradeNo'>[],
  appid: string,
): Promise<Answer<'closed'>> {
  return client.call<'closed'>({
    method: 'POST',
    path: `/v3/combine-transactions/out-trade-no/${pathPart(combinedNo)}/close`,
    body: {
      combine_appid: appid,
      sub_orders: parts.map(({ mchid, outTradeNo }) => ({ mchid, out_trade_no: outTradeNo })),
    },
    read: () => 'closed',
  })
}
