/**
 * Purchases through a local WeChat, with every signature: what an order costs on our side beside what WeChat alone takes
 * to answer, and how long after its callback a card can be used.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatId } from '../contract/src/index.ts'
import { quantile } from './figures.ts'
import { ask, type BenchMerchant, makeMerchant, orderBare } from './local-wechat.ts'
import { say } from './progress.ts'
import type { World } from './world.ts'

export interface Purchased {
  readonly perSecond: number
  readonly orders: number
  /** Milliseconds from asking us for an order to the invitation to pay it: two requests, and one of ours to WeChat. */
  readonly orderP50: number
  readonly orderP95: number
  /** Of a bare order at WeChat, at the same rate. */
  readonly bareP50: number
  readonly bareP95: number
  /** From the callback to our word that it is in the book, with which the card is there: milliseconds. */
  readonly usableP50: number
  readonly usableP99: number
  /** Orders whose card was there in the end. */
  readonly delivered: number
}

const settledWithinMs = 30_000

export async function measurePurchase(
  { product, token }: World,
  { wechatUrl, port }: { wechatUrl: string; port: number },
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Purchased> {
  const server = `http://127.0.0.1:${port}`
  const merchant = await makeMerchant(wechatUrl)
  const shop = { server, wechatUrl, token, productId: formatId('product', product.id) }
  await connect(shop, merchant)
  const buyer = await ask(wechatUrl, 'POST', '/_twin/users', { name: '张三' })
  await atRate(perSecond, 1, (number) => buy(shop, buyer.id, `warm-${number}`))
  const bare = await atRate(perSecond, seconds, (number) =>
    orderBare(wechatUrl, merchant, `bare-${process.pid}-${number}`).then(() => undefined),
  )
  const before = (await notices(wechatUrl, merchant)).length
  const orders = await atRate(perSecond, seconds, (number) => buy(shop, buyer.id, `buy-${number}`))
  const told = (await settled(wechatUrl, merchant, before + orders.length)).slice(before)
  const taken = told.flatMap(({ attempts }) => attempts.filter((one) => one.status === 204))
  say(`purchases: ${taken.length} of ${orders.length} delivered`)
  const usable = taken.map((one) => one.took_ms ?? 0)
  return {
    perSecond,
    orders: orders.length,
    orderP50: quantile(orders, 0.5),
    orderP95: quantile(orders, 0.95),
    bareP50: quantile(bare, 0.5),
    bareP95: quantile(bare, 0.95),
    usableP50: quantile(usable, 0.5),
    usableP99: quantile(usable, 0.99),
    delivered: taken.length,
  }
}

interface Shop {
  readonly server: string
  readonly wechatUrl: string
  readonly token: string
  readonly productId: string
}

async function connect(
  { server, token }: Shop,
  { mchid, appid, serial, apiV3Key, privateKey }: BenchMerchant,
): Promise<void> {
  const account = {
    mchid,
    appids: [appid],
    api_v3_key: apiV3Key,
    private_key_pem: privateKey,
    certificate_serial: serial,
    key_mode: 'certificate',
  }
  await ask(server, 'POST', '/v1/wechat/pay_accounts', account, {
    authorization: `Bearer ${token}`,
  })
}

/** One purchase to the end; answers what the order and its invitation took, in milliseconds. */
async function buy(shop: Shop, buyer: string, reference: string): Promise<number> {
  const { server, wechatUrl, token, productId } = shop
  const headers = (step: string) => ({
    authorization: `Bearer ${token}`,
    'idempotency-key': `${step}-${process.pid}-${reference}`,
  })
  const body = {
    kind: 'purchase',
    product_id: productId,
    amount: 100,
    channel: 'till',
    reference: `${process.pid}-${reference}`,
  }
  const begun = performance.now()
  const { id } = await ask(server, 'POST', '/v1/orders', body, headers('order'))
  const scene = { scene: 'native' }
  const { code_url } = await ask(server, 'POST', `/v1/orders/${id}/pay`, scene, headers('pay'))
  const took = performance.now() - begun
  await ask(wechatUrl, 'POST', `/_twin/users/${buyer}/do`, { action: 'pay', code_url })
  return took
}

/** So many a second for so long, whether or not those before are done; answers what each took, or says that it took. */
async function atRate(
  perSecond: number,
  seconds: number,
  work: (number: number) => Promise<number | undefined>,
): Promise<number[]> {
  const started = performance.now()
  const count = Math.ceil(perSecond * seconds)
  const underWay: Promise<number>[] = []
  while (underWay.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - started) / 1000) * perSecond))
    while (underWay.length < due) {
      const begun = performance.now()
      const done = work(underWay.length)
      underWay.push(done.then((took) => took ?? performance.now() - begun))
    }
    await sleep(1)
  }
  return Promise.all(underWay)
}

interface Notice {
  readonly state: string
  readonly attempts: readonly { readonly status?: number; readonly took_ms?: number }[]
}

async function notices(wechatUrl: string, { mchid }: BenchMerchant): Promise<Notice[]> {
  const told = await ask(wechatUrl, 'GET', `/_twin/notifications?mchid=${mchid}`)
  return told.data.filter((notice: Notice) => notice.state !== 'dropped')
}

/** When every payment has been told of, or after half a minute. */
async function settled(
  wechatUrl: string,
  merchant: BenchMerchant,
  count: number,
): Promise<Notice[]> {
  const until = performance.now() + settledWithinMs
  for (;;) {
    const all = await notices(wechatUrl, merchant)
    const done = all.filter(({ state }) => state === 'delivered').length
    if (done >= count || performance.now() > until) return all
    await sleep(200)
  }
}
