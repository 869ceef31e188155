/** Orders of WeChat Pay: asking for money in its four scenes, asking what became of it, closing, paying back. */
import { fenToJson } from '@lika/contract'
import type {
  Answer,
  Invitation,
  PayScene,
  Prepay,
  Refund,
  RefundAsked,
  Trade,
} from '../../modules/wechat/index.ts'
import { refusedHere } from './answers.ts'
import type { PayClient } from './client.ts'
import { invitationPossible, invited, madeIn } from './invitations.ts'
import { filledText, pathPart, plainText, shanghaiTime } from './texts.ts'
import { refundIn, tradeIn } from './trades.ts'

/** The official account's page and the mini-program share one. */
export const endpoints: Readonly<Record<PayScene, string>> = {
  jsapi: 'jsapi',
  mini_program: 'jsapi',
  native: 'native',
  h5: 'h5',
}

export async function prepay(client: PayClient, order: Prepay): Promise<Answer<Invitation>> {
  const objection = objectionTo(client, order)
  if (objection !== undefined) return objection
  const made = await client.call({
    method: 'POST',
    path: `/v3/pay/transactions/${endpoints[order.scene]}`,
    body: prepayBody(client, order),
    read: (body) => madeIn(order.scene, body),
  })
  return invited(client, order.appid, made)
}

/** What WeChat would refuse anyway, or worse, would not. */
function objectionTo(client: PayClient, order: Prepay) {
  if (!client.credentials.isActive)
    return refusedHere('ACCOUNT_DISABLED', 'The merchant number takes no more orders.')
  return invitationPossible(client, order)
}

function prepayBody({ credentials, notifyUrl }: PayClient, order: Prepay): object {
  const { scene, openid, attach, profitSharing, creditCards } = order
  return {
    appid: order.appid,
    mchid: credentials.mchid,
    description: filledText(order.description, 127, '订单'),
    out_trade_no: order.outTradeNo,
    time_expire: shanghaiTime(order.expiresAt),
    ...(attach !== undefined && { attach }),
    notify_url: notifyUrl,
    ...(!creditCards && { limit_pay: ['no_credit'] }),
    amount: { total: fenToJson(order.amount), currency: 'CNY' },
    ...(endpoints[scene] === 'jsapi' && { payer: { openid } }),
    ...sceneInfo(order),
    ...(profitSharing === true && { settle_info: { profit_sharing: true } }),
  }
}

function sceneInfo({ scene, clientIp }: Pick<Prepay, 'scene' | 'clientIp'>): object {
  if (scene === 'h5') return { scene_info: { payer_client_ip: clientIp, h5_info: { type: 'Wap' } } }
  return clientIp === undefined ? {} : { scene_info: { payer_client_ip: clientIp } }
}

export async function query(client: PayClient, outTradeNo: string): Promise<Answer<Trade>> {
  return client.call({
    method: 'GET',
    path: `/v3/pay/transactions/out-trade-no/${pathPart(outTradeNo)}?mchid=${client.credentials.mchid}`,
    // A signature does not say to which question it belongs.
    read: (body) => {
      const trade = tradeIn(body)
      return trade?.outTradeNo === outTradeNo ? trade : undefined
    },
  })
}

export async function close(client: PayClient, outTradeNo: string): Promise<Answer<'closed'>> {
  return client.call<'closed'>({
    method: 'POST',
    path: `/v3/pay/transactions/out-trade-no/${pathPart(outTradeNo)}/close`,
    body: { mchid: client.credentials.mchid },
    read: () => 'closed',
  })
}

export async function refund(client: PayClient, asked: RefundAsked): Promise<Answer<Refund>> {
  const { outTradeNo, outRefundNo, amount, total } = asked
  const reason = plainText(asked.reason ?? '', 80).trim()
  return client.call({
    method: 'POST',
    path: '/v3/refund/domestic/refunds',
    body: {
      out_trade_no: outTradeNo,
      out_refund_no: outRefundNo,
      ...(reason !== '' && { reason }),
      notify_url: client.notifyUrl,
      amount: { refund: fenToJson(amount), total: fenToJson(total), currency: 'CNY' },
    },
    read: (body) => refundOf(body, outRefundNo),
  })
}

export async function queryRefund(client: PayClient, outRefundNo: string): Promise<Answer<Refund>> {
  return client.call({
    method: 'GET',
    path: `/v3/refund/domestic/refunds/${pathPart(outRefundNo)}`,
    read: (body) => refundOf(body, outRefundNo),
  })
}

/** A signature does not say to which question it belongs. */
export function refundOf(body: unknown, outRefundNo: string): Refund | undefined {
  const found = refundIn(body)
  return found?.outRefundNo === outRefundNo ? found : undefined
}
