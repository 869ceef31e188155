/** The connector of WeChat Pay against the local WeChat: orders, refunds, keys, callbacks, and everything that goes wrong. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Prepay } from '../server/src/modules/wechat/index.ts'
import { credentialsOf, startPayConnector } from './harness/pay-connector.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

const appid = 'wxd678efh567hg6787'
let twin: TwinProcess
let connector: Awaited<ReturnType<typeof startPayConnector>>
let merchant: TwinMerchant
let account: ReturnType<typeof connector.put>
let buyer: TwinUser

before(async () => {
  twin = await startTwin()
  connector = await startPayConnector(twin)
  merchant = await twin.control.merchant({ h5_domains: ['shop.example'] })
  account = connector.put(credentialsOf(merchant))
  buyer = await twin.control.user({ name: '李四', balance_fen: 10_000_000 })
})

after(async () => {
  await connector.stop()
  await twin.stop()
})

let made = 0
const number = (prefix = 'ORD') => {
  made += 1
  return `${prefix}-x|${String(made).padStart(6, '0')}`
}

/** In an hour, in whole seconds of Shanghai. */
const inAnHour = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000
const shanghai = (at: number) => `${new Date(at + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`

function order(more: Partial<Prepay> = {}): Prepay {
  return {
    scene: 'jsapi',
    outTradeNo: number(),
    amount: 10_000n,
    description: '礼卡 100 元',
    expiresAt: inAnHour,
    appid,
    openid: buyer.openids[appid],
    creditCards: true,
    ...more,
  }
}

async function lastRequest(path: string) {
  const [request] = await twin.control.requests(path, 1)
  return { ...request, json: request.body === '' ? undefined : JSON.parse(request.body) }
}

/** @throws unless it is done. */
function done<T>(answer: { status: string; value?: T }): T {
  assert.equal(
    answer.status,
    'done',
    JSON.stringify(answer, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
  )
  return (answer as { value: T }).value
}

async function paid(more: Partial<Prepay> = {}) {
  const asked = order(more)
  const invitation = done(await connector.pay.prepay(account, asked))
  assert.ok('parameters' in invitation)
  const packed = invitation.parameters['package'] ?? ''
  const { transaction_id } = await twin.control.do(buyer.id, 'pay', {
    prepay_id: packed.replace('prepay_id=', ''),
  })
  return { asked, transactionId: String(transaction_id) }
}

describe('orders', () => {
  test('an order of a page in WeChat has the body of the sheet, and its buyer is asked under our signature', async () => {
    const asked = order({
      attach: 'ord',
      profitSharing: true,
      creditCards: false,
      clientIp: '203.0.113.9',
    })
    const invitation = done(await connector.pay.prepay(account, asked))
    const { json, headers } = await lastRequest('/v3/pay/transactions/jsapi')
    assert.deepEqual(json, {
      appid,
      mchid: merchant.mchid,
      description: '礼卡 100 元',
      out_trade_no: asked.outTradeNo,
      time_expire: shanghai(inAnHour),
      attach: 'ord',
      notify_url: `${connector.callbackUrl}/${account}`,
      limit_pay: ['no_credit'],
      amount: { total: 10_000, currency: 'CNY' },
      payer: { openid: buyer.openids[appid] },
      scene_info: { payer_client_ip: '203.0.113.9' },
      settle_info: { profit_sharing: true },
    })
    assert.equal(headers['authorization'], 'WECHATPAY2-SHA256-RSA2048')
    assert.equal(headers['wechatpay-serial'], merchant.platform_certificates[0]?.serial_no)
    assert.ok('parameters' in invitation)
    assert.deepEqual(Object.keys(invitation.parameters).sort(), [
      'appId',
      'nonceStr',
      'package',
      'paySign',
      'signType',
      'timeStamp',
    ])
    // The phone of the local WeChat takes it, signature and all.
    await twin.control.do(buyer.id, 'pay', {
      prepay_id: String(invitation.parameters['package']).replace('prepay_id=', ''),
    })
  })

  test('a mini-program is asked without the appid, an order by code and one outside WeChat by their links', async () => {
    const program = done(await connector.pay.prepay(account, order({ scene: 'mini_program' })))
    assert.ok('parameters' in program && !('appId' in program.parameters))
    const code = done(await connector.pay.prepay(account, order({ scene: 'native' })))
    assert.match('codeUrl' in code ? code.codeUrl : '', /^weixin:\/\//)
    const native = await lastRequest('/v3/pay/transactions/native')
    assert.equal('payer' in native.json, false)
    const page = done(
      await connector.pay.prepay(account, order({ scene: 'h5', clientIp: '203.0.113.9' })),
    )
    assert.match('url' in page ? page.url : '', /^https?:\/\//)
    const h5 = await lastRequest('/v3/pay/transactions/h5')
    assert.deepEqual(h5.json.scene_info, {
      payer_client_ip: '203.0.113.9',
      h5_info: { type: 'Wap' },
    })
  })

  test('what WeChat would refuse anyway does not leave: no payer, no address, an account out of use', async () => {
    const before = (await twin.control.requests('/v3/pay', 1_000)).length
    const disabled = connector.put(credentialsOf(merchant, { isActive: false }))
    for (const [id, asked, code] of [
      [account, order({ openid: undefined }), 'PARAM_ERROR'],
      [account, order({ scene: 'h5' }), 'PARAM_ERROR'],
      [disabled, order(), 'ACCOUNT_DISABLED'],
    ] as const) {
      const answer = await connector.pay.prepay(id, asked)
      assert.equal(answer.status === 'refused' && answer.code, code)
    }
    assert.equal((await twin.control.requests('/v3/pay', 1_000)).length, before)
  })

  test('a description keeps to the characters that WeChat takes', async () => {
    const asked = order({ description: `🎁礼卡\n${'长'.repeat(200)}` })
    done(await connector.pay.prepay(account, asked))
    const { json } = await lastRequest('/v3/pay/transactions/jsapi')
    assert.equal(json.description, `礼卡${'长'.repeat(125)}`)
  })

  test('an order is unpaid, then paid with everything that is compared, then partly refunded', async () => {
    const { outTradeNo, ...rest } = order()
    const asked = { outTradeNo, ...rest }
    done(await connector.pay.prepay(account, asked))
    const unpaid = done(await connector.pay.query(account, outTradeNo))
    assert.deepEqual([unpaid.state, unpaid.amount, unpaid.openid], ['not_paid', 10_000n, undefined])
    const query = await lastRequest('/v3/pay/transactions/out-trade-no/')
    assert.equal(
      decodeURIComponent(query.path).endsWith(`/${outTradeNo}`),
      true,
      'as it is, not dashed',
    )
    assert.equal(query.query, `?mchid=${merchant.mchid}`)
    const { transactionId, asked: bought } = await paid()
    const trade = done(await connector.pay.query(account, bought.outTradeNo))
    assert.ok(trade.paidAt !== undefined && Math.abs(trade.paidAt - Date.now()) < 60_000)
    assert.deepEqual(
      { ...trade, paidAt: undefined },
      {
        outTradeNo: bought.outTradeNo,
        state: 'paid',
        mchid: merchant.mchid,
        appid,
        transactionId,
        openid: buyer.openids[appid],
        amount: 10_000n,
        paidAt: undefined,
      },
    )
    const back = {
      outTradeNo: bought.outTradeNo,
      outRefundNo: number('RF@'),
      amount: 2_500n,
      total: 10_000n,
      reason: '冷静期',
    }
    const refund = done(await connector.pay.refund(account, back))
    assert.deepEqual([refund.state, refund.amount], ['processing', 2_500n])
    const { json } = await lastRequest('/v3/refund/domestic/refunds')
    assert.deepEqual(json, {
      out_trade_no: bought.outTradeNo,
      out_refund_no: back.outRefundNo,
      reason: '冷静期',
      notify_url: `${connector.callbackUrl}/${account}`,
      amount: { refund: 2_500, total: 10_000, currency: 'CNY' },
    })
    const again = done(await connector.pay.refund(account, back))
    assert.equal(again.refundId, refund.refundId, 'the same number refunds once')
    assert.equal(
      done(await connector.pay.queryRefund(account, back.outRefundNo)).refundId,
      refund.refundId,
    )
    assert.equal(done(await connector.pay.query(account, bought.outTradeNo)).state, 'refunded')
  })

  test('closing: done and again done, refused for what was paid and for what never was', async () => {
    const open = order()
    done(await connector.pay.prepay(account, open))
    assert.equal(done(await connector.pay.close(account, open.outTradeNo)), 'closed')
    assert.equal(done(await connector.pay.close(account, open.outTradeNo)), 'closed')
    const { json } = await lastRequest('/v3/pay/transactions/out-trade-no/')
    assert.deepEqual(json, { mchid: merchant.mchid })
    const { asked } = await paid()
    const late = await connector.pay.close(account, asked.outTradeNo)
    assert.equal(late.status === 'refused' && late.code, 'ORDER_PAID')
    const never = await connector.pay.query(account, number('NO'))
    assert.equal(never.status === 'refused' && never.code, 'ORDER_NOT_EXIST')
  })

  test('codes of older pages are told in the spelling of today', async () => {
    await twin.control.settings({ spelling: 'older' })
    const never = await connector.pay.query(account, number('NO'))
    await twin.control.settings({ spelling: 'current' })
    assert.equal(never.status === 'refused' && never.code, 'ORDER_NOT_EXIST')
  })
})

describe('callbacks', () => {
  const heardOf = (outTradeNo: string) =>
    connector.heard.filter(
      ({ read }) => read?.kind === 'trade' && read.trade.outTradeNo === outTradeNo,
    )

  test('a payment is told once it is verified and opened, in the words of the query', async () => {
    const { asked, transactionId } = await paid()
    await twin.control.settle()
    const [heard] = heardOf(asked.outTradeNo)
    assert.ok(heard?.read?.kind === 'trade')
    assert.equal(heard.read.trade.transactionId, transactionId)
    assert.deepEqual(heard.read.trade, done(await connector.pay.query(account, asked.outTradeNo)))
  })

  test('a refund is told with its state', async () => {
    const { asked } = await paid()
    const outRefundNo = number('RF')
    const back = { outTradeNo: asked.outTradeNo, outRefundNo, amount: 10_000n, total: 10_000n }
    done(await connector.pay.refund(account, back))
    await twin.control.clock({ advance_seconds: 40 })
    await twin.control.settle()
    const told = connector.heard.find(
      ({ read }) => read?.kind === 'refund' && read.refund.outRefundNo === outRefundNo,
    )
    assert.ok(told?.read?.kind === 'refund')
    assert.equal(told.read.refund.state, 'succeeded')
    assert.ok(told.read.refund.succeededAt !== undefined)
  })

  test('a refund that the payer’s account cannot take is told as abnormal, and stays so', async () => {
    const { asked } = await paid()
    const outRefundNo = number('RF')
    await twin.control.fault({ path: '/v3/refund/domestic/refunds' }, 'refund_abnormal')
    const back = { outTradeNo: asked.outTradeNo, outRefundNo, amount: 10_000n, total: 10_000n }
    done(await connector.pay.refund(account, back))
    await twin.control.clock({ advance_seconds: 40 })
    await twin.control.settle()
    const told = connector.heard.find(
      ({ read }) => read?.kind === 'refund' && read.refund.outRefundNo === outRefundNo,
    )
    assert.equal(told?.read?.kind === 'refund' && told.read.refund.state, 'abnormal')
    assert.equal(done(await connector.pay.queryRefund(account, outRefundNo)).state, 'abnormal')
  })

  test('an abnormal refund goes to a card of the payer, whose number and name nobody else reads', async () => {
    const { asked } = await paid()
    const outRefundNo = number('RF')
    await twin.control.fault({ path: '/v3/refund/domestic/refunds' }, 'refund_abnormal')
    const back = { outTradeNo: asked.outTradeNo, outRefundNo, amount: 10_000n, total: 10_000n }
    const { refundId } = done(await connector.pay.refund(account, back))
    const card = { bankType: 'ICBC_DEBIT', bankAccount: '6222020200012345678', realName: '李四' }
    const apply = () =>
      connector.pay.applyAbnormalRefund(account, { outRefundNo, refundId, ...card })
    const early = await apply()
    assert.equal(early.status === 'refused' && early.code, 'INVALID_REQUEST', 'not abnormal yet')
    await twin.control.clock({ advance_seconds: 40 })
    assert.equal(done(await apply()).state, 'processing')
    const { json, headers, path } = await lastRequest('/v3/refund/domestic/refunds/')
    assert.equal(path, `/v3/refund/domestic/refunds/${refundId}/apply-abnormal-refund`)
    const { bank_account, real_name, ...open } = json
    assert.deepEqual(open, {
      out_refund_no: outRefundNo,
      type: 'USER_BANK_CARD',
      bank_type: 'ICBC_DEBIT',
    })
    for (const sealed of [bank_account, real_name]) assert.match(sealed, /^[A-Za-z0-9+/]{342}==$/)
    assert.equal(headers['wechatpay-serial'], merchant.platform_certificates[0]?.serial_no)
    const again = await apply()
    assert.equal(again.status === 'refused' && again.code, 'INVALID_REQUEST', 'under way')
    await twin.control.clock({ advance_seconds: 40 })
    assert.equal(done(await connector.pay.queryRefund(account, outRefundNo)).state, 'succeeded')
    const logged = connector.lines.join('')
    for (const secret of [card.bankAccount, card.realName]) assert.ok(!logged.includes(secret))
  })

  test('an application whose answer is lost is not sent a second time by itself', async () => {
    const { asked } = await paid()
    const outRefundNo = number('RF')
    await twin.control.fault({ path: '/v3/refund/domestic/refunds' }, 'refund_abnormal')
    const back = { outTradeNo: asked.outTradeNo, outRefundNo, amount: 10_000n, total: 10_000n }
    const { refundId } = done(await connector.pay.refund(account, back))
    await twin.control.clock({ advance_seconds: 40 })
    const path = `/v3/refund/domestic/refunds/${refundId}/apply-abnormal-refund`
    const card = { bankType: 'ICBC_DEBIT', bankAccount: '6222020200012345678', realName: '李四' }
    const apply = () =>
      connector.pay.applyAbnormalRefund(account, { outRefundNo, refundId, ...card })
    const stateNow = async () => done(await connector.pay.queryRefund(account, outRefundNo)).state
    await twin.control.fault({ path, times: 1 }, 'close_before')
    assert.deepEqual([(await apply()).status, await stateNow()], ['unknown', 'abnormal'])
    await twin.control.fault({ path, times: 1 }, 'answer_500_after')
    assert.deepEqual([(await apply()).status, await stateNow()], ['unknown', 'processing'])
  })

  test('a probe and a wrong signature are refused, and the true one that follows is taken', async () => {
    for (const effect of ['probe_signature', 'bad_signature']) {
      await twin.control.fault({ path: 'TRANSACTION.SUCCESS' }, effect)
      const before = connector.heard.length
      const { asked } = await paid()
      await twin.control.settle()
      await twin.control.clock({ advance_seconds: 20 })
      await twin.control.settle()
      const since = connector.heard.slice(before)
      assert.ok(
        since.some(({ status }) => status === 401),
        effect,
      )
      assert.equal(heardOf(asked.outTradeNo).length, 1, effect)
    }
  })

  test('one that was changed, is old, or belongs to another account is nothing', async () => {
    const { asked } = await paid()
    await twin.control.settle()
    const raw = heardOf(asked.outTradeNo)[0]?.raw
    assert.ok(raw)
    assert.ok(await connector.pay.readNotice(account, raw), 'as it came it is read')
    const body = Buffer.from(raw.body)
    const changed = Buffer.from(
      body.toString().replace('TRANSACTION.SUCCESS', 'TRANSACTION.SUCCESZ'),
    )
    assert.equal(await connector.pay.readNotice(account, { ...raw, body: changed }), undefined)
    const spaced = Buffer.concat([body, Buffer.from(' ')])
    assert.equal(await connector.pay.readNotice(account, { ...raw, body: spaced }), undefined)
    for (const name of [
      'wechatpay-signature',
      'wechatpay-nonce',
      'wechatpay-serial',
      'wechatpay-timestamp',
    ]) {
      const headers: Record<string, string | undefined> = { ...raw.headers, [name]: undefined }
      assert.equal(await connector.pay.readNotice(account, { ...raw, headers }), undefined, name)
    }
    try {
      // Five minutes, and what passed since it was signed.
      for (const ms of [330_000, -330_000]) {
        connector.skew(ms)
        assert.equal(await connector.pay.readNotice(account, raw), undefined, `${ms}`)
      }
    } finally {
      connector.skew(0)
    }
    const other = connector.put(credentialsOf(await twin.control.merchant()))
    assert.equal(await connector.pay.readNotice(other, raw), undefined)
    const otherKey = connector.put(
      credentialsOf(merchant, {
        apiV3Key: 'f'.repeat(32),
        keyMode: 'both',
        publicKeyId: null,
        publicKeyPem: null,
      }),
    )
    assert.equal(await connector.pay.readNotice(otherKey, raw), undefined)
  })
})

describe('keys', () => {
  test('certificates are fetched once for many calls at the same time', async () => {
    const fresh = connector.put(credentialsOf(merchant))
    const before = (await twin.control.requests('/v3/certificates', 2_000)).length
    await Promise.all(Array.from({ length: 20 }, () => connector.pay.query(fresh, number('NO'))))
    assert.equal((await twin.control.requests('/v3/certificates', 2_000)).length, before + 1)
  })

  test('a certificate that changes in the middle of calls and callbacks loses none of them', async () => {
    const turning = await twin.control.merchant()
    const id = connector.put(credentialsOf(turning))
    const asked = order()
    const first = done(await connector.pay.prepay(id, asked))
    await twin.control.call('POST', `/merchants/${turning.mchid}/rotate`, {
      what: 'certificate',
      lead_seconds: 0,
    })
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => connector.pay.query(id, asked.outTradeNo)),
    )
    for (const answer of answers) assert.equal(done(answer).state, 'not_paid')
    assert.ok('parameters' in first)
    await twin.control.do(buyer.id, 'pay', {
      prepay_id: String(first.parameters['package']).replace('prepay_id=', ''),
    })
    await twin.control.settle()
    assert.equal(
      connector.heard.filter(
        ({ read }) => read?.kind === 'trade' && read.trade.outTradeNo === asked.outTradeNo,
      ).length,
      1,
    )
  })

  test('a merchant number with the public key only is served, and while it moves over both kinds are', async () => {
    const modern = await twin.control.merchant({ key_mode: 'public_key' })
    const id = connector.put(credentialsOf(modern, { keyMode: 'public_key' }))
    const { outTradeNo } = order()
    done(await connector.pay.prepay(id, order({ outTradeNo })))
    const asked = await lastRequest('/v3/pay/transactions/jsapi')
    assert.equal(asked.headers['wechatpay-serial'], modern.public_key?.id)
    assert.equal(
      (await twin.control.requests('/v3/certificates', 2_000)).some(
        ({ headers: h }) => h['wechatpay-serial'] === modern.public_key?.id,
      ),
      false,
    )

    const moving = await twin.control.merchant({ key_mode: 'mixed', share_percent: 50 })
    const both = connector.put(credentialsOf(moving, { keyMode: 'both' }))
    const before = connector.heard.length
    for (let at = 0; at < 12; at += 1) {
      const invitation = done(await connector.pay.prepay(both, order()))
      assert.ok('parameters' in invitation)
      await twin.control.do(buyer.id, 'pay', {
        prepay_id: String(invitation.parameters['package']).replace('prepay_id=', ''),
      })
    }
    await twin.control.settle()
    const since = connector.heard.slice(before)
    const serials = new Set(
      since.map(({ raw }) => raw.headers['wechatpay-serial']?.startsWith('PUB_KEY_ID_')),
    )
    assert.equal(
      since.every(({ status }) => status === 204),
      true,
    )
    assert.equal(serials.size, 2, 'both kinds of key signed')
  })

  test('an answer under a key that is not known even after asking is not believed', async () => {
    const modern = await twin.control.merchant({ key_mode: 'public_key' })
    const wrongId = connector.put(
      credentialsOf(modern, { keyMode: 'public_key', publicKeyPem: merchant.public_key_pem }),
    )
    const answer = await connector.pay.query(wrongId, number('NO'))
    assert.equal(answer.status, 'unknown')
  })
})

describe('what goes wrong', () => {
  /** A new order whose call meets the fault; then what WeChat has of it. */
  async function meeting(effect: Parameters<typeof twin.control.fault>[1], times = 1) {
    const asked = order()
    await twin.control.fault({ path: '/v3/pay/transactions/jsapi', times }, effect)
    const answer = await connector.pay.prepay(account, asked)
    await twin.control.clearFaults()
    const known = await connector.pay.query(account, asked.outTradeNo)
    return { answer, isThere: known.status === 'done', asked }
  }

  test('500 before the work and after it are alike not known, and the same number may be sent again', async () => {
    for (const [effect, isThere] of [
      ['answer_500_before', false],
      ['answer_500_after', true],
    ] as const) {
      const met = await meeting(effect)
      assert.equal(met.answer.status, 'unknown', effect)
      assert.equal(met.isThere, isThere, effect)
      done(await connector.pay.prepay(account, met.asked))
    }
  })

  test('no answer after the work is not known', async () => {
    const met = await meeting('hang_after')
    assert.equal(met.answer.status, 'unknown')
    assert.equal(met.isThere, true)
  })

  test('a broken connection is tried again once, since the number makes it safe', async () => {
    assert.equal((await meeting('close_before')).answer.status, 'done')
    assert.equal((await meeting('close_before', 2)).answer.status, 'unknown')
  })

  test('an answer with a wrong signature or a probe is not known, whatever it says', async () => {
    for (const effect of ['bad_signature', 'probe_signature']) {
      const met = await meeting(effect)
      assert.equal(met.answer.status, 'unknown', effect)
      assert.equal(met.isThere, true, effect)
    }
  })

  test('429 and 403 are refusals with their code of today, 502 is not known', async () => {
    for (const [http, code, status] of [
      [429, 'RATELIMIT_EXCEEDED', 'refused'],
      [403, 'RULELIMIT', 'refused'],
      [502, 'SERVICE_UNAVAILABLE', 'unknown'],
    ] as const) {
      const { answer } = await meeting({ name: 'status', http, code })
      assert.equal(answer.status, status, code)
      if (answer.status === 'refused')
        assert.equal(answer.code, http === 429 ? 'FREQUENCY_LIMITED' : 'RULE_LIMIT')
    }
  })

  test('where nobody listens the spare host is asked, for payments by code too', async () => {
    const away = await startPayConnector(twin, {
      hostsOf: () => ({ url: 'http://127.0.0.1:9', spareUrl: twin.url }),
    })
    const id = away.put(credentialsOf(merchant))
    assert.equal((await away.pay.prepay(id, order())).status, 'done')
    await away.stop()
    const nowhere = await startPayConnector({ url: 'http://127.0.0.1:9' })
    const other = nowhere.put(credentialsOf(merchant))
    assert.equal((await nowhere.pay.prepay(other, order())).status, 'unknown')
    await nowhere.stop()
  })

  test('no log line has a key, a signature, an OpenID or a body', () => {
    const log = connector.lines.join('\n')
    assert.match(log, /request_id/)
    for (const secret of [
      merchant.api_v3_key,
      merchant.api_v2_key,
      merchant.private_key_pem.split('\n')[1] ?? '',
      buyer.openids[appid] ?? '',
      'signature=',
      '礼卡',
    ])
      assert.equal(log.includes(secret), false, secret.slice(0, 6))
  })
})
