/** Callbacks of WeChat Pay: shown to be WeChat's over their bytes, opened, and told in the words of the port. */
import type { PayNotice, RawNotice } from '../../modules/wechat/index.ts'
import type { PayClient } from './client.ts'
import { parseJson, textIn } from './json.ts'
import { openResource } from './suites.ts'
import { combinedTradesIn, refundIn, tradeIn, transferIn } from './trades.ts'
import { verify } from './verify.ts'

/** Undefined: not WeChat's, a probe, or not to be read; nothing may be done for it. */
export async function readNotice(
  client: PayClient,
  notice: RawNotice,
): Promise<PayNotice | undefined> {
  const { log, credentials } = client
  const { verified, why } = await verify(notice, client.keys.find, client.now(), client.sm)
  if (verified !== 'good') {
    log.warn({ mchid: credentials.mchid, why }, 'a callback is not of WeChat')
    return undefined
  }
  const body = parseJson(Buffer.from(notice.body).toString())
  const read = noticeIn(client, body)
  if (read === undefined)
    log.warn(
      { mchid: credentials.mchid, event: textIn(body, 'event_type') },
      'a callback of WeChat cannot be read: is the API v3 key the right one?',
    )
  return read
}

function noticeIn(client: PayClient, body: unknown): PayNotice | undefined {
  const id = textIn(body, 'id')
  const eventType = textIn(body, 'event_type')
  if (!id || !eventType) return undefined
  const plain = opened(client, body)
  if (plain === undefined) return undefined
  if (eventType === 'TRANSACTION.SUCCESS') {
    if (textIn(plain, 'combine_out_trade_no') !== undefined) {
      const trades = combinedTradesIn(plain)
      return trades && { kind: 'combined', id, trades }
    }
    const trade = tradeIn(plain)
    return trade && { kind: 'trade', id, trade }
  }
  if (/^REFUND\.(SUCCESS|ABNORMAL|CLOSED)$/.test(eventType)) {
    const refund = refundIn(plain)
    return refund && { kind: 'refund', id, refund }
  }
  if (eventType === 'MCHTRANSFER.BILL.FINISHED') {
    const bill = transferIn(plain)
    return bill && { kind: 'transfer', id, bill }
  }
  return { kind: 'other', id, eventType }
}

function opened({ credentials, sm }: PayClient, body: unknown): unknown {
  try {
    const sealed = {
      algorithm: textIn(body, 'resource', 'algorithm') ?? '',
      ciphertext: textIn(body, 'resource', 'ciphertext') ?? '',
      nonce: textIn(body, 'resource', 'nonce') ?? '',
      associatedData: textIn(body, 'resource', 'associated_data') ?? '',
    }
    return parseJson(openResource(sealed, credentials.apiV3Key, sm).toString())
  } catch {
    return undefined
  }
}
