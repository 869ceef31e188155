/** The connector of WeChat Pay against the local WeChat: combined orders, profit sharing, transfers and bills. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CombinedPrepay } from '../server/src/modules/wechat/index.ts'
import { credentialsOf, startPayConnector } from './harness/pay-connector.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

const appid = 'wxd678efh567hg6787'
let twin: TwinProcess
let connector: Awaited<ReturnType<typeof startPayConnector>>
let merchant: TwinMerchant
let shop: TwinMerchant
let account: ReturnType<typeof connector.put>
let buyer: TwinUser
let openid: string

before(async () => {
  twin = await startTwin()
  connector = await startPayConnector(twin)
  merchant = await twin.control.merchant()
  shop = await twin.control.merchant({ name: '示例茶铺' })
  account = connector.put(credentialsOf(merchant))
  buyer = await twin.control.user({ name: '李四' })
  // One order may be asked about once a second; that limit is the queue's to keep, not the connector's.
  await twin.control.settings({ rates: { 'sharing.order': 1_000 } })
  openid = buyer.openids[appid] ?? ''
})

after(async () => {
  await connector.stop()
  await twin.stop()
})

let made = 0
const number = (prefix: string) => {
  made += 1
  return `${prefix}${String(made).padStart(8, '0')}`
}
const inAnHour = () => Math.ceil(now / 1000) * 1000 + 3_600_000
let now = Date.now()
const advance = async (seconds: number) => {
  now += seconds * 1000
  await twin.control.clock({ advance_seconds: seconds })
}

async function lastRequest(path: string) {
  const [request] = await twin.control.requests(path, 1)
  return { ...request, json: request.body === '' ? undefined : JSON.parse(request.body) }
}

function done<T>(answer: { status: string; value?: T }): T {
  const said = JSON.stringify(answer, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  assert.equal(answer.status, 'done', said)
  return (answer as { value: T }).value
}

const codeOf = (answer: { status: string; code?: string }) =>
  answer.status === 'refused' ? answer.code : answer.status

async function payBy(invitation: object) {
  assert.ok('parameters' in invitation)
  const { package: packed } = invitation.parameters as Record<string, string>
  const prepay_id = packed?.replace('prepay_id=', '')
  return twin.control.do(buyer.id, 'pay', { prepay_id })
}

/** Paid, so that it can be shared. */
async function sharable(amount = 10_000n) {
  const outTradeNo = number('ORD')
  const order = {
    scene: 'jsapi' as const,
    outTradeNo,
    amount,
    description: '礼卡',
    expiresAt: inAnHour(),
    appid,
    openid,
    profitSharing: true,
    creditCards: true,
  }
  const { transaction_id } = await payBy(done(await connector.pay.prepay(account, order)))
  await advance(70)
  return { outTradeNo, transactionId: String(transaction_id) }
}

describe('combined orders', () => {
  const order = (more: Partial<CombinedPrepay> = {}): CombinedPrepay => ({
    scene: 'jsapi',
    outTradeNo: '',
    expiresAt: inAnHour(),
    appid,
    openid,
    creditCards: true,
    parts: [
      {
        mchid: merchant.mchid,
        outTradeNo: number('PA'),
        amount: 1_750n,
        description: '礼卡',
        attach: 'a',
      },
      {
        mchid: shop.mchid,
        outTradeNo: number('PB'),
        amount: 250n,
        description: '茶',
        attach: 'b',
        profitSharing: true,
      },
    ],
    ...more,
  })

  test('several orders are asked for as one, paid as one, and told of as one', async () => {
    const combinedNo = number('COMB')
    const asked = order()
    const invitation = done(await connector.pay.prepayCombined(account, combinedNo, asked))
    const { json } = await lastRequest('/v3/combine-transactions/jsapi')
    const [first, second] = asked.parts
    assert.deepEqual(json, {
      combine_appid: appid,
      combine_mchid: merchant.mchid,
      combine_out_trade_no: combinedNo,
      sub_orders: [
        {
          mchid: merchant.mchid,
          attach: 'a',
          amount: { total_amount: 1_750, currency: 'CNY' },
          out_trade_no: first?.outTradeNo,
          description: '礼卡',
        },
        {
          mchid: shop.mchid,
          attach: 'b',
          amount: { total_amount: 250, currency: 'CNY' },
          out_trade_no: second?.outTradeNo,
          description: '茶',
          settle_info: { profit_sharing: true },
        },
      ],
      combine_payer_info: { openid },
      time_expire: json.time_expire,
      notify_url: `${connector.callbackUrl}/${account}`,
    })
    assert.match(json.time_expire, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/)
    await payBy(invitation)
    const trades = done(await connector.pay.queryCombined(account, combinedNo))
    assert.deepEqual(
      trades.map(({ outTradeNo, mchid, state, amount, openid: payer }) => ({
        outTradeNo,
        mchid,
        state,
        amount,
        payer,
      })),
      asked.parts.map(({ outTradeNo, mchid, amount }) => ({
        outTradeNo,
        mchid,
        amount,
        state: 'paid',
        payer: openid,
      })),
    )
    assert.equal(new Set(trades.map(({ transactionId }) => transactionId)).size, 2)
    await twin.control.settle()
    const told = connector.heard.find(({ read }) => read?.kind === 'combined')
    assert.ok(told?.read?.kind === 'combined')
    assert.deepEqual(told.read.trades, trades)
  })

  test('one is closed with all its parts; other scenes are asked for alike', async () => {
    for (const scene of ['native', 'h5'] as const) {
      const combinedNo = number('COMB')
      const asked = order({ scene, openid: undefined, clientIp: '203.0.113.9' })
      done(await connector.pay.prepayCombined(account, combinedNo, asked))
      const { json } = await lastRequest(`/v3/combine-transactions/${scene}`)
      assert.equal('combine_payer_info' in json, false)
      const parts = asked.parts.map(({ mchid, outTradeNo }) => ({ mchid, outTradeNo }))
      assert.equal(
        done(await connector.pay.closeCombined(account, combinedNo, parts, appid)),
        'closed',
      )
      const close = await lastRequest('/v3/combine-transactions/out-trade-no/')
      assert.deepEqual(close.json, {
        combine_appid: appid,
        sub_orders: parts.map(({ mchid, outTradeNo }) => ({ mchid, out_trade_no: outTradeNo })),
      })
      const [first] = done(await connector.pay.queryCombined(account, combinedNo))
      assert.equal(first?.state, 'closed')
    }
  })

  test('where credit cards have to be kept out there is no combined order', async () => {
    const answer = await connector.pay.prepayCombined(
      account,
      number('COMB'),
      order({ creditCards: false }),
    )
    assert.equal(codeOf(answer), 'NOT_SUPPORTED')
  })
})

describe('profit sharing', () => {
  const name = '示例茶铺'

  test('a receiver is added with its name encrypted, shared with, asked about, and gives back', async () => {
    const receiver = { type: 'MERCHANT_ID', account: shop.mchid, name } as const
    done(await connector.pay.addReceiver(account, appid, { ...receiver, relation: 'STORE' }))
    const added = await lastRequest('/v3/profitsharing/receivers/add')
    assert.match(added.json.name, /^[A-Za-z0-9+/]{342}==$/)
    assert.deepEqual(
      { ...added.json, name: '' },
      { appid, type: 'MERCHANT_ID', account: shop.mchid, name: '', relation_type: 'STORE' },
    )
    assert.equal(added.headers['wechatpay-serial'], merchant.platform_certificates[0]?.serial_no)
    done(await connector.pay.addReceiver(account, appid, { ...receiver, relation: 'STORE' }))

    const { transactionId } = await sharable()
    const outOrderNo = number('SH')
    const asked = {
      appid,
      transactionId,
      outOrderNo,
      receivers: [{ ...receiver, amount: 1_000n, description: '服务费' }],
      unfreezeRest: false,
    }
    const share = done(await connector.pay.share(account, asked))
    const { json } = await lastRequest('/v3/profitsharing/orders')
    assert.deepEqual(
      { ...json, receivers: [{ ...json.receivers[0], name: '' }] },
      {
        appid,
        transaction_id: transactionId,
        out_order_no: outOrderNo,
        receivers: [
          {
            type: 'MERCHANT_ID',
            account: shop.mchid,
            name: '',
            amount: 1_000,
            description: '服务费',
          },
        ],
        unfreeze_unsplit: false,
      },
    )
    assert.equal(share.state, 'processing')
    assert.equal(
      done(await connector.pay.share(account, asked)).orderId,
      share.orderId,
      'the same number shares once',
    )
    await advance(10)
    const finished = done(await connector.pay.queryShare(account, outOrderNo, transactionId))
    assert.equal(finished.state, 'finished')
    assert.deepEqual(
      finished.receivers.map(({ account: of, amount, result }) => ({ of, amount, result })),
      [{ of: shop.mchid, amount: 1_000n, result: 'success' }],
    )
    const query = await lastRequest('/v3/profitsharing/orders/')
    assert.equal(query.query, `?transaction_id=${transactionId}`)

    const outReturnNo = number('RT')
    const back = {
      outOrderNo,
      outReturnNo,
      returnMchid: shop.mchid,
      amount: 400n,
      description: '退',
    }
    assert.equal(done(await connector.pay.returnShare(account, back)).state, 'succeeded')
    const returned = await lastRequest('/v3/profitsharing/return-orders')
    assert.deepEqual(returned.json, {
      out_order_no: outOrderNo,
      out_return_no: outReturnNo,
      return_mchid: shop.mchid,
      amount: 400,
      description: '退',
    })
    const asking = (no: string) => connector.pay.queryShareReturn(account, no, outOrderNo)
    assert.deepEqual(done(await asking(outReturnNo)), {
      outReturnNo,
      state: 'succeeded',
      failReason: undefined,
    })
    const question = await lastRequest(`/v3/profitsharing/return-orders/${outReturnNo}`)
    assert.deepEqual([question.method, question.query], ['GET', `?out_order_no=${outOrderNo}`])
    assert.equal(codeOf(await asking(number('RT'))), 'RESOURCE_NOT_EXISTS')

    const unfrozen = done(
      await connector.pay.unfreeze(account, {
        transactionId,
        outOrderNo: number('UF'),
        description: '解冻',
      }),
    )
    assert.equal(unfrozen.transactionId, transactionId)
    const unfreeze = await lastRequest('/v3/profitsharing/orders/unfreeze')
    assert.deepEqual(unfreeze.json, {
      transaction_id: transactionId,
      out_order_no: unfrozen.outOrderNo,
      description: '解冻',
    })
  })

  test('more than the merchant may share is refused, and a share nobody knows of is not there', async () => {
    const { transactionId } = await sharable()
    const receivers = [
      { type: 'MERCHANT_ID', account: shop.mchid, name, amount: 9_000n, description: 'x' },
    ] as const
    const asked = { appid, transactionId, outOrderNo: number('SH'), receivers, unfreezeRest: true }
    const answer = await connector.pay.share(account, asked)
    assert.equal(answer.status, 'refused')
    const missing = await connector.pay.queryShare(account, number('NO'), transactionId)
    assert.equal(codeOf(missing), 'RESOURCE_NOT_EXISTS')
  })
})

describe('transfers', () => {
  const bill = (more: object = {}) => ({
    outBillNo: number('TR'),
    appid,
    openid,
    amount: 500n,
    sceneId: '1000',
    sceneReport: [
      { type: '活动名称', content: '新会员有礼' },
      { type: '奖励说明', content: '注册红包' },
    ],
    remark: '红包',
    ...more,
  })

  before(() =>
    twin.control.call('POST', `/merchants/${merchant.mchid}/recharge`, { fen: 1_000_000 }),
  )

  test('a red packet waits for its person, is confirmed, and told of', async () => {
    const asked = bill()
    const first = done(await connector.pay.transfer(account, asked))
    const { json } = await lastRequest('/v3/fund-app/mch-transfer/transfer-bills')
    assert.deepEqual(json, {
      appid,
      out_bill_no: asked.outBillNo,
      transfer_scene_id: '1000',
      openid,
      transfer_amount: 500,
      transfer_remark: '红包',
      notify_url: `${connector.callbackUrl}/${account}`,
      transfer_scene_report_infos: [
        { info_type: '活动名称', info_content: '新会员有礼' },
        { info_type: '奖励说明', info_content: '注册红包' },
      ],
    })
    assert.equal(first.state, 'waiting_for_user')
    assert.ok(first.packageInfo)
    assert.equal(
      done(await connector.pay.transfer(account, asked)).transferBillNo,
      first.transferBillNo,
    )
    await twin.control.do(buyer.id, 'confirm_transfer', { package_info: first.packageInfo })
    await advance(5)
    await twin.control.settle()
    assert.equal(
      done(await connector.pay.queryTransfer(account, asked.outBillNo)).state,
      'succeeded',
    )
    const told = connector.heard.find(
      ({ read }) => read?.kind === 'transfer' && read.bill.outBillNo === asked.outBillNo,
    )
    assert.equal(told?.read?.kind === 'transfer' && told.read.bill.state, 'succeeded')
  })

  test('one is cancelled before it is confirmed', async () => {
    const asked = bill()
    done(await connector.pay.transfer(account, asked))
    assert.equal(
      done(await connector.pay.cancelTransfer(account, asked.outBillNo)).state,
      'cancelling',
    )
    const cancel = await lastRequest('/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/')
    assert.equal(cancel.body, '')
    await advance(5)
    assert.equal(
      done(await connector.pay.queryTransfer(account, asked.outBillNo)).state,
      'cancelled',
    )
  })

  test('from 2,000 yuan on the name goes with it, encrypted, and without one nothing is sent', async () => {
    const nameless = await connector.pay.transfer(account, bill({ amount: 200_000n }))
    assert.equal(codeOf(nameless), 'PARAM_ERROR')
    const named = bill({ amount: 200_000n, userName: '李四' })
    done(await connector.pay.transfer(account, named))
    const { json } = await lastRequest('/v3/fund-app/mch-transfer/transfer-bills')
    assert.match(json.user_name, /^[A-Za-z0-9+/]{342}==$/)
    const again = done(await connector.pay.transfer(account, named))
    assert.equal(again.outBillNo, named.outBillNo, 'the same again, although it is encrypted anew')
  })

  test('the same number with another amount is refused', async () => {
    const asked = bill()
    done(await connector.pay.transfer(account, asked))
    assert.equal(
      (await connector.pay.transfer(account, { ...asked, amount: 600n })).status,
      'refused',
    )
  })
})

describe('bills', () => {
  const dayOf = (at: number) => new Date(at + 8 * 3_600_000).toISOString().slice(0, 10)
  let day: string

  before(async () => {
    await sharable(4_321n)
    day = dayOf(now)
    await advance(36 * 3600)
  })

  test('a trade bill has a row for every payment of its day, its digest held', async () => {
    const read = done(await connector.pay.bill(account, { kind: 'trade', date: day, type: 'ALL' }))
    const asked = await lastRequest('/v3/bill/tradebill')
    assert.equal(asked.query, `?bill_date=${day}&bill_type=ALL&tar_type=GZIP`)
    const amounts = read.rows.map((row) => row['订单金额'] ?? row['应结订单金额'])
    assert.ok(amounts.includes('43.21'), JSON.stringify(read.rows[0]))
    assert.equal(
      read.rows.every((row) => row['商户号'] === merchant.mchid),
      true,
    )
    assert.equal(Number(read.summary['总交易单数']), read.rows.length)
  })

  test('bills of funds and of sharing are read alike', async () => {
    const fund = done(
      await connector.pay.bill(account, { kind: 'fund', date: day, account: 'BASIC' }),
    )
    assert.ok(fund.rows.length > 0)
    const sharing = done(await connector.pay.bill(account, { kind: 'sharing', date: day }))
    assert.ok(sharing.rows.length > 0)
  })

  test('a day without anything, one that is not ready, and a file that is not the announced one', async () => {
    const asked = { kind: 'trade', date: day, type: 'ALL' } as const
    const empty = await connector.pay.bill(account, {
      ...asked,
      date: dayOf(now - 20 * 86_400_000),
    })
    assert.equal(codeOf(empty), 'NO_STATEMENT_EXIST')
    await twin.control.fault({ path: '/v3/bill/tradebill' }, 'bill_not_ready')
    assert.equal(codeOf(await connector.pay.bill(account, asked)), 'STATEMENT_CREATING')
    await twin.control.fault({ path: '/v3/bill/tradebill' }, 'corrupt_bill_hash')
    assert.equal((await connector.pay.bill(account, asked)).status, 'unknown')
    await twin.control.fault({ path: '/v3/billdownload/file' }, 'answer_500_before')
    assert.equal((await connector.pay.bill(account, asked)).status, 'unknown')
    assert.equal((await connector.pay.bill(account, asked)).status, 'done')
  })
})
