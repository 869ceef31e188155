/** A shop whose sales are shared: its payees at the local WeChat, its rules, and the runner that sends what is due. */
import { startSharingQueue } from '../../server/src/flows/sharing/queue.ts'
import { sendShares } from '../../server/src/flows/sharing/send.ts'
import { startOrderShop } from './orders.ts'

export type SharingShop = Awaited<ReturnType<typeof startSharingShop>>

type Json = ReturnType<typeof JSON.parse>

export async function startSharingShop() {
  const shop = await startOrderShop({ merchant: { sharing_max_bp: 3_000 } })
  const name = '供应商'
  const payees = [
    await shop.twin.control.merchant({ name }),
    await shop.twin.control.merchant({ name }),
  ]
  const queue = startSharingQueue(shop.flows.database, {
    lanes: () => shop.flows.engine.lanes.map(({ lane }) => lane),
    log: shop.log,
    onStopped: (error) => void shop.faults.push(String(error)),
  })

  const rule = (subject: object, receivers: object[]) =>
    shop.call('POST', '/v1/wechat/sharing_rules', {
      key: shop.key,
      body: { ...subject, receivers },
    })

  const receiver = (index: number, share_bp: number) => ({
    mchid: payees[index]?.mchid,
    name,
    relation: 'SUPPLIER',
    share_bp,
  })

  async function listed(query = ''): Promise<Json[]> {
    const { body } = await shop.get(shop.key, `/v1/wechat/shares?limit=200${query}`)
    return body.data
  }

  /** The share of a sale, once it is queued. */
  async function shareOf(id: string): Promise<Json> {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = (await listed()).find((one) => one.sale_id === id)
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    return undefined
  }

  /** What is due is sent after each of these pauses. */
  async function send(...seconds: number[]): Promise<void> {
    for (const some of seconds) {
      await shop.advance(some)
      await sendShares(shop.flows, 'test')
      await shop.twin.control.settle()
    }
  }

  /** Calls of one payment that arrived at WeChat, the newest last. */
  async function callsOf(path: string, outTradeNo: string): Promise<Json[]> {
    const orders: Json[] = await shop.twin.control.orders(shop.merchant.mchid)
    const trade = orders.find((one) => one.out_trade_no === outTradeNo)
    const calls: Json[] = await shop.twin.control.requests(path, 1_000)
    return calls
      .filter(({ method, body }) => method === 'POST' && body.includes(trade?.transaction_id))
      .map(({ body, status }) => ({ ...JSON.parse(body), status }))
  }

  /** A product of its own, of which a receiver gets a part. */
  async function sharedProduct(receivers: object[], terms: object = {}): Promise<string> {
    const product = await shop.makeProduct(shop.key, { cooling_off_hours: 3, ...terms })
    const made = await rule({ product_id: product }, receivers)
    if (made.status !== 201) throw new Error(JSON.stringify(made.body))
    return product
  }

  return {
    ...shop,
    payees,
    rule,
    receiver,
    listed,
    shareOf,
    send,
    callsOf,
    sharedProduct,
    stop: async () => {
      await queue.stop()
      try {
        await shop.check()
      } finally {
        await shop.stop()
      }
    },
  }
}
