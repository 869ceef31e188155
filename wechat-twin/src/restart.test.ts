/** What waits on the virtual clock outlasts the process: shares, transfers, combined orders, passwords, URLs of bills. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Hash, Transformer } from 'wechatpay-axios-plugin'
import { formatDay, startOfDay } from './kernel/time.ts'
import { Twin } from './kernel/twin.ts'
import { registers } from './routes.ts'
import { appid, openWorld } from './testing/world.ts'

const world = await openWorld()
const { twin } = world
const copies: { twin: Twin; folder: string }[] = []
after(async () => {
  for (const copy of copies) {
    await copy.twin.stop()
    rmSync(copy.folder, { recursive: true })
  }
  await world.close()
})

/** As if the process had been killed now, and started again. */
async function again(): Promise<Twin> {
  twin.store.flush()
  const folder = mkdtempSync(join(tmpdir(), 'twin-copy-'))
  cpSync(world.data, folder, { recursive: true })
  const copy = new Twin({ data: folder, profile: 'local' })
  await copy.start(registers, 0)
  copies.push({ twin: copy, folder })
  return copy
}

function advance(of: Twin, seconds: number): void {
  of.clock.setOffset(of.clock.offset + seconds * 1000)
  of.schedule.run()
}

const merchant = await world.merchant()
const shop = await world.merchant({ name: '门店' })
const user = world.user({ balance_fen: 1_000_000 })

/** A paid order that may be shared, a minute old. */
async function pay(out_trade_no: string): Promise<string> {
  const { body } = await world.v3(merchant, 'POST', '/v3/pay/transactions/jsapi', {
    appid,
    mchid: merchant.mchid,
    description: '礼卡',
    out_trade_no,
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total: 10_000 },
    settle_info: { profit_sharing: true },
    payer: { openid: world.openid(user) },
  })
  const paid = twin.prepays.pay(body.prepay_id, user)
  assert.ok(paid.paid)
  world.advance(60)
  return paid.transaction_id
}

test('a share that was accepted is worked off after a restart, once', async () => {
  const { value, headers } = world.secret(merchant, shop.name)
  const receiver = {
    appid,
    type: 'MERCHANT_ID',
    account: shop.mchid,
    name: value,
    relation_type: 'STORE',
  }
  await world.v3(merchant, 'POST', '/v3/profitsharing/receivers/add', receiver, headers)
  const transaction_id = await pay('RESTART1')
  const shared = await world.v3(merchant, 'POST', '/v3/profitsharing/orders', {
    appid,
    transaction_id,
    out_order_no: 'S1',
    receivers: [
      { type: 'MERCHANT_ID', account: shop.mchid, amount: 1_000, description: '分给门店' },
    ],
    unfreeze_unsplit: false,
  })
  assert.equal(shared.body.state, 'PROCESSING')
  const copy = await again()
  // All of it is still promised or waits to be shared.
  assert.equal(copy.trades.spendable(merchant.mchid), 0)
  assert.equal(copy.trades.balanceOf(shop.mchid), 0)
  advance(copy, 5)
  assert.equal(copy.trades.balanceOf(shop.mchid), 1_000)
  assert.equal(copy.trades.balanceOf(merchant.mchid), 10_000 - 60 - 1_000)
  copy.schedule.run()
  assert.equal(copy.trades.balanceOf(shop.mchid), 1_000)
  world.advance(5)
})

test('a transfer whose day ends after a restart comes back', async () => {
  await world.control('POST', `/merchants/${merchant.mchid}/recharge`, { fen: 500 })
  const before = twin.trades.balanceOf(merchant.mchid)
  const { outcome } = await world.v3(merchant, 'POST', '/v3/fund-app/mch-transfer/transfer-bills', {
    appid,
    out_bill_no: 'B1',
    transfer_scene_id: '1002',
    openid: world.openid(user),
    transfer_amount: 500,
    transfer_remark: '补贴',
    transfer_scene_report_infos: [{ info_type: '补贴类型', info_content: '餐补' }],
  })
  assert.equal(outcome, '200')
  const copy = await again()
  assert.equal(copy.trades.balanceOf(merchant.mchid), before - 500)
  advance(copy, 86_400)
  assert.equal(copy.trades.balanceOf(merchant.mchid), before)
})

test('a combined order that was placed is paid after a restart', async () => {
  const { body } = await world.v3(merchant, 'POST', '/v3/combine-transactions/native', {
    combine_appid: appid,
    combine_mchid: merchant.mchid,
    combine_out_trade_no: 'RESTARTC1',
    sub_orders: [merchant, shop].map(({ mchid }) => ({
      mchid,
      attach: 'a',
      amount: { total_amount: 100, currency: 'CNY' },
      out_trade_no: `RESTARTC1${mchid}`,
      description: '礼卡',
    })),
    notify_url: 'http://127.0.0.1:9/notify',
  })
  const copy = await again()
  assert.ok(copy.prepays.pay(body.code_url, user).paid)
  assert.equal(copy.trades.find(shop.mchid, `RESTARTC1${shop.mchid}`)?.state, 'SUCCESS')
})

test('the URL of a bill answers the same file after a restart, and runs out', async () => {
  const start = startOfDay(formatDay(twin.clock.now())) ?? 0
  const date = formatDay(twin.clock.now())
  world.advance(Math.ceil((start + 34 * 3_600_000 - twin.clock.now()) / 1000))
  const { body } = await world.v3(merchant, 'GET', `/v3/bill/fundflowbill?bill_date=${date}`)
  const { pathname, search } = new URL(body.download_url)
  const copy = await again()
  const before = await world.v3Bytes(merchant, pathname + search)
  const later = await world.v3Bytes(merchant, pathname + search, copy.url)
  assert.equal(later.status, 200)
  assert.deepEqual(later.bytes, before.bytes)
  advance(copy, 301)
  assert.equal((await world.v3Bytes(merchant, pathname + search, copy.url)).status, 400)
})

test('a password that was asked for before a restart is entered after it, or runs out', async () => {
  const { auth_code } = await world.control('POST', `/users/${user.id}/do`, {
    action: 'show_code',
    password: true,
  })
  const order = {
    appid,
    mch_id: merchant.mchid,
    nonce_str: 'a',
    body: 'a',
    out_trade_no: 'RESTARTM1',
    total_fee: '100',
    spbill_create_ip: '1.2.3.4',
    auth_code,
  }
  const sign = Hash.sign('MD5', order, merchant.api_v2_key ?? '')
  const body = Transformer.toXml({ ...order, sign })
  const asked = await fetch(`${world.url}/pay/micropay`, { method: 'POST', body })
  assert.match(await asked.text(), /USERPAYING/)
  const [entered, over] = [await again(), await again()]
  const path = `${entered.url}/_twin/users/${user.id}/do`
  const yes = JSON.stringify({ action: 'enter_password', ok: true })
  const done = await fetch(path, { method: 'POST', body: yes })
  assert.deepEqual(await done.json(), { trade_state: 'SUCCESS' })
  advance(over, 30)
  assert.equal(over.trades.find(merchant.mchid, 'RESTARTM1')?.state, 'PAYERROR')
})
