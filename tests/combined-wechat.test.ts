/**
 * Payments at a till of a card and WeChat, against the local WeChat: what it signs, tells, loses and takes back, in its
 * own protocols.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bookOf, parseId } from '@lika/contract'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { outNumberOf } from '../server/src/modules/combined/index.ts'
import { assertBooks } from './harness/books.ts'
import { selfSigned } from './harness/certificates.ts'
import type { TwinUser } from './harness/twin.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'

let app: WechatTestApp
let product: string
let merchant: string
let payer: TwinUser
let member: string
let orders = 0

before(async () => {
  app = await startWechatApp()
  const { pem } = selfSigned(app.merchant.private_key_pem, { serial: app.merchant.serial })
  const body = { v2_client_certificate_pem: pem }
  const changed = await app.call('PATCH', `/v1/wechat/pay_accounts/${app.account.id}`, {
    key: app.key,
    body,
  })
  assert.equal(changed.status, 200, JSON.stringify(changed.body))
  product = await app.makeProduct(app.key)
  merchant = (await app.post(app.key, '/v1/merchants', { name: '茶馆', category: 'food' })).body.id
  payer = await app.twin.control.user({ balance_fen: 10_000_000 })
  const issuer = parseId('issuer', app.issuer.id)
  assert.ok(issuer)
  const [appid] = app.merchant.appids
  const openid = payer.openids[appid ?? '']
  assert.ok(appid && openid)
  const id = await app.flows.members.enter(bookOf(issuer, 'test'), { appid, openid })
  member = `mem_${id.replaceAll('-', '')}`
})
after(async () => {
  try {
    await assertBooks(app.database.owner.sql)
  } finally {
    await app.stop()
  }
})

async function begin(scene: string, more: object = {}) {
  const card = await app.makeCard(app.key, product, 1_250)
  orders += 1
  const made = await app.post(app.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: merchant,
    reference: `till-${orders}`,
    sources: [{ card_id: card.id }],
    rest: { method: 'wechat', scene, ...more },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  return { card: card.id as string, combined: made.body }
}

const look = async (id: string) => (await app.get(app.key, `/v1/combined_payments/${id}`)).body
const onCard = async (id: string) => (await app.get(app.key, `/v1/cards/${id}`)).body.balance
const numberOf = (id: string) =>
  outNumberOf('trade', id.slice(5).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
const atWechat = async (id: string) => {
  const all = await app.twin.control.orders(app.merchant.mchid)
  return all.find((one) => one.out_trade_no === numberOf(id))
}
const pay = (what: object) => app.twin.control.do(payer.id, 'pay', what as Record<string, unknown>)
const showCode = async () => (await app.twin.control.do(payer.id, 'show_code')).auth_code as string

async function timer(...seconds: number[]): Promise<void> {
  for (const some of seconds) {
    await app.advance(some)
    await lookAfterCombined({ ...app.flows, legLog: console }, 'test')
  }
}

async function until(id: string, status: string) {
  for (let tries = 0; tries < 100; tries += 1) {
    const now = await look(id)
    if (now.status === status) return now
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return look(id)
}

describe('at the local WeChat', () => {
  test('a scanned code is paid, and the notice takes both', async () => {
    const { card, combined } = await begin('native')
    assert.match(combined.invitation.code_url, /^weixin:/)
    await pay({ code_url: combined.invitation.code_url })
    const now = await until(combined.id, 'succeeded')
    assert.equal(now.status, 'succeeded')
    assert.equal((await onCard(card)).principal, 0)
  })

  test('a member pays on a page in WeChat', async () => {
    const { combined } = await begin('jsapi', { member_id: member })
    const prepay = combined.invitation.parameters.package.slice('prepay_id='.length)
    await pay({ prepay_id: prepay })
    assert.equal((await until(combined.id, 'succeeded')).status, 'succeeded')
  })

  test('a notice that never came is asked for', async () => {
    await app.twin.control.fault({ path: '*', times: 20 }, 'drop_notification')
    const { combined } = await begin('native')
    await pay({ code_url: combined.invitation.code_url })
    await app.twin.control.clearFaults()
    await timer(11)
    assert.equal((await look(combined.id)).status, 'succeeded')
  })

  test('a code that is shown pays at once', async () => {
    const { card, combined } = await begin('micropay', { auth_code: await showCode() })
    assert.equal(combined.status, 'succeeded', JSON.stringify(combined))
    assert.equal((await onCard(card)).principal, 0)
  })

  test('a password is waited for, and typed', async () => {
    const { auth_code } = await app.twin.control.do(payer.id, 'show_code', { password: true })
    const { combined } = await begin('micropay', { auth_code })
    if (combined.status === 'waiting') {
      await app.twin.control.do(payer.id, 'enter_password', { ok: true })
      await timer(5)
    }
    assert.equal((await look(combined.id)).status, 'succeeded')
  })

  test('the cash part fails, and the card is whole', async () => {
    const { card, combined } = await begin('micropay', { auth_code: '130000000000000000' })
    assert.equal(combined.status, 'failed', JSON.stringify(combined))
    assert.deepEqual(await onCard(card), { available: 1_250, held: 0, principal: 1_250, bonus: 0 })
  })

  test('the answer to a shown code is lost, and it is found to have paid', async () => {
    await app.twin.control.fault({ path: '/pay/micropay', times: 1 }, 'answer_500_after')
    const { combined } = await begin('micropay', { auth_code: await showCode() })
    await timer(6)
    assert.equal((await look(combined.id)).status, 'succeeded')
  })

  test('what nobody pays is closed there before the card is free', async () => {
    const { card, combined } = await begin('native')
    await timer(301)
    const now = await look(combined.id)
    assert.deepEqual([now.status, now.reason], ['failed', 'expired'])
    assert.equal((await atWechat(combined.id)).state, 'CLOSED')
    assert.equal((await onCard(card)).held, 0)
  })

  test('the till gives it up, and nobody can pay it any more', async () => {
    const { card, combined } = await begin('native')
    const { body } = await app.post(app.key, `/v1/combined_payments/${combined.id}/cancel`)
    assert.deepEqual([body.status, body.reason], ['failed', 'cancelled'])
    assert.equal((await onCard(card)).held, 0)
    await assert.rejects(pay({ code_url: combined.invitation.code_url }))
  })

  test('a shown code whose password never comes is taken back', async () => {
    const { auth_code } = await app.twin.control.do(payer.id, 'show_code', { password: true })
    const { card, combined } = await begin('micropay', { auth_code })
    assert.equal(combined.status, 'waiting', JSON.stringify(combined))
    await timer(6, 5, 5, 5, 5, 5, 5)
    const now = await look(combined.id)
    assert.equal(now.status, 'failed')
    assert.equal((await onCard(card)).held, 0)
  })

  test('both parts go back, each its own way', async () => {
    const { card, combined } = await begin('native')
    await pay({ code_url: combined.invitation.code_url })
    await until(combined.id, 'succeeded')
    const made = await app.post(app.key, `/v1/combined_payments/${combined.id}/refunds`, {
      reference: `back-${orders}`,
    })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    await timer(1, 16, 61, 301)
    const { body } = await app.get(app.key, `/v1/combined_refunds/${made.body.id}`)
    assert.equal(body.status, 'succeeded')
    assert.equal((await onCard(card)).principal, 1_250)
    assert.equal((await atWechat(combined.id)).state, 'REFUND')
  })

  test('what came by WeChat is what WeChat has', async () => {
    const [owed] = await app.database.owner.sql<{ net: bigint }[]>`
      select coalesce(sum(case when (('x' || right(debit_account::text, 4))::bit(16)::int >> 10) = 7
        then amount else 0 end)
        - sum(case when (('x' || right(credit_account::text, 4))::bit(16)::int >> 10) = 7
        then amount else 0 end), 0)::bigint as net
      from transfer`
    const all = await app.twin.control.orders(app.merchant.mchid)
    const paid = all.filter((one) => one.state === 'SUCCESS')
    const sum = paid.reduce((total, one) => total + one.total, 0)
    assert.equal(Number(owed?.net), sum)
  })
})
