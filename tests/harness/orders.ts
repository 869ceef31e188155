/** A shop that sells through a local WeChat: products, buyers, their orders, and the steps from the first to the last. */
import assert from 'node:assert/strict'
import { bookOf, type OrderId, parseId } from '@lika/contract'
import { tendOrders } from '../../server/src/flows/purchase/runner.ts'
import type { Answered } from './http-app.ts'
import { startWechatApp } from './wechat-app.ts'

export type OrderShop = Awaited<ReturnType<typeof startOrderShop>>

/** Answers are looked at by tests, member by member. */
type Json = ReturnType<typeof JSON.parse>

export async function startOrderShop(options: Parameters<typeof startWechatApp>[0] = {}) {
  const app = await startWechatApp(options)
  const { flows, key, twin, merchant } = app
  const issuerId = parseId('issuer', app.issuer.id)
  assert.ok(issuerId)
  const book = bookOf(issuerId, 'test')
  const faults: string[] = []
  const log = {
    error: (details: object, what: string) =>
      void faults.push(`${what} ${String(Object.values(details))}`),
  }
  const official = 'wxofficial000000001'

  /** Somebody in WeChat, who has logged in to the official account. */
  async function makeBuyer() {
    const user = await twin.control.user()
    const openid = user.openids[official] ?? ''
    const memberId = await flows.members.enter(book, { appid: official, openid })
    return { id: user.id, openid, memberId, member: `mem_${memberId.replaceAll('-', '')}` }
  }

  const product = await app.makeProduct(key, { cooling_off_hours: 3 })
  const buyer = await makeBuyer()

  async function order(more: object = {}): Promise<Json> {
    const body = {
      kind: 'purchase',
      product_id: product,
      amount: 10_000,
      channel: 'official_account',
      member_id: buyer.member,
      ...more,
    }
    return app.post(key, '/v1/orders', body).catch((error: unknown) => {
      throw new Error(app.logged.filter((line) => /"level":(40|50)/.test(line)).join('\n'), {
        cause: error,
      })
    })
  }

  /** As `order`, which has to succeed. */
  async function ordered(more: object = {}): Promise<Json> {
    const made = await order(more)
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made.body
  }

  const invite = (id: string, more: object = {}): Promise<Answered> =>
    app.post(key, `/v1/orders/${id}/pay`, { scene: 'jsapi', ...more })

  async function invited(id: string, more: object = {}): Promise<Json> {
    const asked = await invite(id, more)
    assert.equal(asked.status, 200, JSON.stringify(asked.body))
    return asked.body
  }

  /** The buyer pays in WeChat, and WeChat has told of it what it tells. */
  async function payInWechat(invitation: Json, by = buyer.id): Promise<Json> {
    const done = await twin.control.do(by, 'pay', wayOf(invitation))
    await twin.control.settle()
    return done
  }

  /** Bought and delivered, by the ordinary way. */
  async function bought(more: object = {}): Promise<Json> {
    const { id } = await ordered(more)
    await payInWechat(await invited(id))
    return show(id)
  }

  const show = async (id: string): Promise<Json> => {
    const shown = await app.get(key, `/v1/orders/${id}`)
    assert.equal(shown.status, 200, JSON.stringify(shown.body))
    return shown.body
  }

  const act = (id: string, action: string, body?: object): Promise<Answered> =>
    app.post(key, `/v1/orders/${id}/${action}`, body)

  const refund = (id: string, more: object = {}): Promise<Answered> =>
    act(id, 'refunds', { reason: 'changed my mind', ...more })

  /** What is done from time to time, until there is nothing to do. */
  async function tend(): Promise<void> {
    while ((await tendOrders(flows, 'test', log)) > 0) await twin.control.settle()
    await twin.control.settle()
  }

  /** Balances of the issuer's accounts of these kinds. */
  async function accounts(...kinds: string[]): Promise<number[]> {
    const { body } = await app.get(key, '/v1/ledger/trial_balance')
    return kinds.map((kind) => {
      const rows: Json[] = body.data.filter((row: Json) => row.kind === kind)
      return rows.reduce((sum, row) => sum + row.debit - row.credit, 0)
    })
  }

  /** The books balance, and the orders say what they do. */
  async function check(): Promise<void> {
    const { body } = await app.call('POST', '/v1/ledger/verify', { key, body: {} })
    assert.equal(body.ok, true, JSON.stringify(body))
    assert.ok(body.checked.orders > 0, JSON.stringify(body.checked))
    assert.deepEqual(faults, [])
  }

  const idOf = (id: string): OrderId => {
    const found = parseId('order', id)
    assert.ok(found)
    return found
  }

  return {
    ...app,
    merchant,
    book,
    log,
    faults,
    product,
    buyer,
    makeBuyer,
    order,
    ordered,
    invite,
    invited,
    payInWechat,
    bought,
    show,
    act,
    refund,
    tend,
    accounts,
    check,
    idOf,
  }
}

function wayOf({ parameters, code_url, h5_url }: Json): Record<string, unknown> {
  if (code_url !== undefined) return { code_url }
  if (h5_url !== undefined) return { h5_url }
  return { prepay_id: String(parameters.package).replace('prepay_id=', '') }
}
