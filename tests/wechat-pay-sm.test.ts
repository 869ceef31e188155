/** A merchant number under SM2, SM3 and SM4 against the local WeChat. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { credentialsOf, startPayConnector } from './harness/pay-connector.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

const appid = 'wxd678efh567hg6787'
let twin: TwinProcess
let connector: Awaited<ReturnType<typeof startPayConnector>>
let merchant: TwinMerchant
let shop: TwinMerchant
let account: ReturnType<typeof connector.put>
let buyer: TwinUser
const serial = `6${randomBytes(20).toString('hex').slice(1).toUpperCase()}`
const { privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'SM2',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

before(async () => {
  twin = await startTwin()
  connector = await startPayConnector(twin)
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const sm = { serial, public_key_hex: der.subarray(-65).toString('hex') }
  merchant = await twin.control.merchant({ sm })
  shop = await twin.control.merchant({ name: '示例茶铺' })
  const own = { algorithm: 'sm', certificateSerial: serial, privateKeyPem: privateKey } as const
  account = connector.put(credentialsOf(merchant, own))
  buyer = await twin.control.user({ name: '赵六' })
})
after(async () => {
  await connector.stop()
  await twin.stop()
})

let made = 0
const order = (scene: 'native' | 'jsapi') => {
  made += 1
  return {
    scene,
    outTradeNo: `SM-${String(made).padStart(6, '0')}`,
    amount: 10_000n,
    description: '礼卡',
    expiresAt: Date.now() + 3_600_000,
    appid,
    openid: scene === 'jsapi' ? buyer.openids[appid] : undefined,
    profitSharing: true,
    creditCards: true,
  }
}

function done<T>(answer: { status: string; value?: T }): T {
  const text = JSON.stringify(answer, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  assert.equal(answer.status, 'done', text)
  return (answer as { value: T }).value
}

test('orders are signed by SM2, their answers too, and the callback is opened by SM4', async () => {
  const asked = order('native')
  const invitation = done(await connector.pay.prepay(account, asked))
  assert.ok('codeUrl' in invitation)
  const [request] = await twin.control.requests('/v3/pay/transactions/native', 1)
  assert.equal(request.headers.authorization, 'WECHATPAY2-SM2-WITH-SM3')
  const [certificates] = await twin.control.requests('/v3/certificates', 1)
  assert.equal(certificates.query, '?algorithm_type=ALL')
  await twin.control.do(buyer.id, 'pay', { code_url: invitation.codeUrl })
  await twin.control.settle()
  const heard = connector.heard.find(({ read }) => read?.kind === 'trade')
  assert.ok(heard?.read?.kind === 'trade')
  assert.match(Buffer.from(heard.raw.body).toString(), /AEAD_SM4_GCM/)
  assert.equal(heard.raw.headers['wechatpay-signature-type'], 'WECHATPAY2-SM2-WITH-SM3')
  const trade = done(await connector.pay.query(account, asked.outTradeNo))
  assert.deepEqual(heard.read.trade, trade)
})

test('a name is encrypted by SM2 for the certificate of SM that is named with it', async () => {
  const receiver = { type: 'MERCHANT_ID', account: shop.mchid, name: '示例茶铺' } as const
  done(await connector.pay.addReceiver(account, appid, { ...receiver, relation: 'STORE' }))
  const [request] = await twin.control.requests('/v3/profitsharing/receivers/add', 1)
  assert.match(request.headers['wechatpay-serial'], /^6/)
})

test('a page in WeChat is not asked to pay, and nothing is ordered for it', async () => {
  const answer = await connector.pay.prepay(account, order('jsapi'))
  assert.equal(answer.status === 'refused' && answer.code, 'NOT_SUPPORTED')
})

test('without SM in this process such an account is a fault, and RSA accounts work', async () => {
  const without = await startPayConnector(twin, { sm: undefined })
  const own = { algorithm: 'sm', certificateSerial: serial, privateKeyPem: privateKey } as const
  const id = without.put(credentialsOf(merchant, own))
  await assert.rejects(without.pay.query(id, 'SM-000000'), /self-test/)
  const rsa = without.put(credentialsOf(shop))
  const answer = await without.pay.query(rsa, 'SM-000000')
  assert.equal(answer.status === 'refused' && answer.code, 'ORDER_NOT_EXIST')
  await without.stop()
})
