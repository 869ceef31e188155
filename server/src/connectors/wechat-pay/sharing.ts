/** Profit sharing: receivers, shares of a transaction, returns, and letting go of the rest. */
import { fenToJson } from '@lika/contract'
import type {
  Answer,
  Share,
  ShareAsked,
  ShareReceiver,
  ShareReturn,
} from '../../modules/wechat/index.ts'
import { unknown } from './answers.ts'
import type { PayClient } from './client.ts'
import { all, fenIn, listIn, textIn } from './json.ts'
import type { PlatformKey } from './suites.ts'
import { pathPart, plainText } from './texts.ts'

const noKey = "WeChat's keys are not known, so names cannot be encrypted"

export async function addReceiver(
  client: PayClient,
  appid: string,
  receiver: ShareReceiver & { readonly relation: string },
): Promise<Answer<'added'>> {
  const sealedFor = await client.keys.current()
  if (sealedFor === undefined) return unknown(noKey)
  return client.call<'added'>({
    method: 'POST',
    path: '/v3/profitsharing/receivers/add',
    sealedFor,
    body: {
      appid,
      ...receiverBody(client, receiver, sealedFor),
      relation_type: receiver.relation,
    },
    read: () => 'added',
  })
}

export async function share(client: PayClient, asked: ShareAsked): Promise<Answer<Share>> {
  const sealedFor = await client.keys.current()
  if (sealedFor === undefined) return unknown(noKey)
  return client.call({
    method: 'POST',
    path: '/v3/profitsharing/orders',
    sealedFor,
    body: {
      appid: asked.appid,
      transaction_id: asked.transactionId,
      out_order_no: asked.outOrderNo,
      receivers: asked.receivers.map((receiver) => ({
        ...receiverBody(client, receiver, sealedFor),
        amount: fenToJson(receiver.amount),
        description: plainText(receiver.description, 80),
      })),
      unfreeze_unsplit: asked.unfreezeRest,
    },
    read: (body) => shareOf(body, asked.outOrderNo),
  })
}

function receiverBody(
  { suite }: PayClient,
  { type, account, name }: ShareReceiver,
  key: PlatformKey,
): object {
  return {
    type,
    account,
    ...(name !== undefined && { name: suite.encryptField(key.key, name) }),
  }
}

export async function queryShare(
  client: PayClient,
  outOrderNo: string,
  transactionId: string,
): Promise<Answer<Share>> {
  return client.call({
    method: 'GET',
    path: `/v3/profitsharing/orders/${pathPart(outOrderNo)}?transaction_id=${pathPart(transactionId)}`,
    read: (body) => shareOf(body, outOrderNo),
  })
}

export interface ReturnAsked {
  readonly outOrderNo: string
  readonly outReturnNo: string
  readonly returnMchid: string
  readonly amount: bigint
  readonly description: string
}

export async function returnShare(
  client: PayClient,
  asked: ReturnAsked,
): Promise<Answer<ShareReturn>> {
  return client.call({
    method: 'POST',
    path: '/v3/profitsharing/return-orders',
    body: {
      out_order_no: asked.outOrderNo,
      out_return_no: asked.outReturnNo,
      return_mchid: asked.returnMchid,
      amount: fenToJson(asked.amount),
      description: plainText(asked.description, 80),
    },
    read: (body) => returnOf(body, asked.outReturnNo),
  })
}

export async function queryShareReturn(
  client: PayClient,
  outReturnNo: string,
  outOrderNo: string,
): Promise<Answer<ShareReturn>> {
  return client.call({
    method: 'GET',
    path: `/v3/profitsharing/return-orders/${pathPart(outReturnNo)}?out_order_no=${pathPart(outOrderNo)}`,
    read: (body) => returnOf(body, outReturnNo),
  })
}

export async function unfreeze(
  client: PayClient,
  asked: {
    readonly transactionId: string
    readonly outOrderNo: string
    readonly description: string
  },
): Promise<Answer<Share>> {
  return client.call({
    method: 'POST',
    path: '/v3/profitsharing/orders/unfreeze',
    body: {
      transaction_id: asked.transactionId,
      out_order_no: asked.outOrderNo,
      description: plainText(asked.description, 80),
    },
    read: (body) => shareOf(body, asked.outOrderNo),
  })
}

const results = new Map<string, Share['receivers'][number]['result']>([
  ['PENDING', 'pending'],
  ['SUCCESS', 'success'],
  ['CLOSED', 'closed'],
])

function shareOf(body: unknown, asked: string): Share | undefined {
  const outOrderNo = textIn(body, 'out_order_no')
  const orderId = textIn(body, 'order_id')
  const transactionId = textIn(body, 'transaction_id')
  const state = textIn(body, 'state')
  const receivers = all(listIn(body, 'receivers'), (item) => {
    const account = textIn(item, 'account')
    const amount = fenIn(item, 'amount')
    const result = results.get(textIn(item, 'result') ?? '')
    if (!account || amount === undefined || !result) return undefined
    return { account, amount, result, failReason: textIn(item, 'fail_reason') }
  })
  if (outOrderNo !== asked || !orderId || !transactionId || receivers === undefined)
    return undefined
  if (state !== 'PROCESSING' && state !== 'FINISHED') return undefined
  return {
    outOrderNo,
    orderId,
    transactionId,
    state: state === 'FINISHED' ? 'finished' : 'processing',
    receivers,
  }
}

const returnStates = new Map<string, ShareReturn['state']>([
  ['PROCESSING', 'processing'],
  ['SUCCESS', 'succeeded'],
  ['FAILED', 'failed'],
])

function returnOf(body: unknown, asked: string): ShareReturn | undefined {
  const state = returnStates.get(textIn(body, 'result') ?? '')
  // Older answers leave the number out.
  const outReturnNo = textIn(body, 'out_return_no') ?? asked
  if (state === undefined || outReturnNo !== asked) return undefined
  return { outReturnNo, state, failReason: textIn(body, 'fail_reason') }
}
