import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { join } from 'node:path'
import { after, test } from 'node:test'
import WxPay from 'wechatpay-node-v3'
import { startTwin, type TwinMerchant } from './harness/twin.ts'

// The twin against clients that are not ours: wechatpay-node-v3 signs, decrypts and verifies by its own code, and the
// openssl command line does the same once more by nothing but openssl.
const twin = await startTwin()
const came: { headers: IncomingHttpHeaders; body: string }[] = []
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    came.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(204).end()
  })
}).listen(0, '127.0.0.1')
await once(receiver, 'listening')
after(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await twin.stop()
})
const { port } = receiver.address() as { port: number }
const notify_url = `http://127.0.0.1:${port}/wechat/notify`
const merchant = await twin.control.merchant()
const user = await twin.control.user()
const [appid = ''] = merchant.appids

// Its host is fixed, so that it gets a transport of ours, and it says its serial in lower case.
const answers: { headers: Headers; text: string }[] = []
async function carryTo(
  twinUrl: string,
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: object,
) {
  const response = await fetch(url.replace('https://api.mch.weixin.qq.com', twinUrl), {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  answers.push({ headers: response.headers, text })
  return { status: response.status, data: text === '' ? undefined : JSON.parse(text) }
}
function clientOf(twinUrl: string, of: TwinMerchant) {
  const client = new WxPay({
    appid,
    mchid: of.mchid,
    publicKey: Buffer.from(of.public_key_pem),
    privateKey: Buffer.from(of.private_key_pem),
    serial_no: of.serial.toLowerCase(),
    key: of.api_v3_key,
  })
  client.createHttp({
    get: (url, headers) => carryTo(twinUrl, 'GET', url, headers),
    post: (url, body, headers) => carryTo(twinUrl, 'POST', url, headers, body),
    upload: () => Promise.reject(new Error('nothing is uploaded here')),
  })
  return client
}
const pay = clientOf(twin.url, merchant)
const carry = (method: string, url: string, headers: Record<string, string>, body: object) =>
  carryTo(twin.url, method, url, headers, body)

/** Verified by wechatpay-node-v3, with the certificate that it fetches from the twin itself. */
const isVerified = (headers: (name: string) => string, body: string) =>
  pay.verifySign({
    timestamp: headers('wechatpay-timestamp'),
    nonce: headers('wechatpay-nonce'),
    serial: headers('wechatpay-serial'),
    signature: headers('wechatpay-signature'),
    body,
  })
async function lastIsVerified(): Promise<boolean> {
  const last = answers.at(-1)
  return isVerified((name) => last?.headers.get(name) ?? '', last?.text ?? '')
}

const order = {
  description: '礼品卡',
  out_trade_no: `T${randomBytes(8).toString('hex')}`,
  notify_url,
  amount: { total: 100 },
  payer: { openid: user.openids[appid] ?? '' },
}

test('wechatpay-node-v3 orders, and the twin’s phone takes the paySign that it makes', async () => {
  const made = await pay.transactions_jsapi(order)
  assert.equal(made.status, 200)
  const parameters = made.data
  assert.match(parameters.package, /^prepay_id=wx/)
  const paid = await twin.control.do(user.id, 'pay', { parameters })
  assert.match(paid.transaction_id, /^\d{28}$/)
  assert.ok(await lastIsVerified())
})

test('it queries by both numbers, and verifies the answers', async () => {
  const byNumber = await pay.query({ out_trade_no: order.out_trade_no })
  assert.ok(await lastIsVerified())
  assert.equal(byNumber.data.trade_state, 'SUCCESS')
  const byId = await pay.query({ transaction_id: byNumber.data.transaction_id })
  assert.ok(await lastIsVerified())
  assert.deepEqual(byId.data, byNumber.data)
})

test('it verifies and decrypts the notification', async () => {
  await twin.control.settle()
  const [one] = came
  assert.ok(one !== undefined)
  assert.ok(await isVerified((name) => String(one.headers[name]), one.body))
  assert.ok(!(await isVerified((name) => String(one.headers[name]), `${one.body} `)))
  const { resource } = JSON.parse(one.body)
  const plain = pay.decipher_gcm<Record<string, unknown>>(
    resource.ciphertext,
    resource.associated_data,
    resource.nonce,
    merchant.api_v3_key,
  )
  const query = await pay.query({ out_trade_no: order.out_trade_no })
  assert.deepEqual(plain, query.data)
})

test('it refunds and asks for the refund', async () => {
  const out_refund_no = 'R1'
  const made = await pay.refunds({
    out_trade_no: order.out_trade_no,
    out_refund_no,
    notify_url,
    amount: { refund: 40, total: 100, currency: 'CNY' },
  })
  assert.equal(made.data?.status, 'PROCESSING')
  assert.ok(await lastIsVerified())
  await twin.control.clock({ advance_seconds: 31 })
  assert.equal((await pay.find_refunds(out_refund_no)).data?.status, 'SUCCESS')
  assert.ok(await lastIsVerified())
})

test('it orders by Native and H5, and closes: the empty answer verifies too', async () => {
  const { payer: _, ...body } = order
  const native = { ...body, out_trade_no: `${body.out_trade_no}N` }
  assert.match((await pay.transactions_native(native)).data?.code_url, /^weixin:/)
  const scene_info = {
    payer_client_ip: '203.0.113.9',
    h5_info: { type: 'Wap', app_name: '礼卡', app_url: 'https://example.com' },
  }
  const h5 = { ...body, out_trade_no: `${body.out_trade_no}H`, scene_info }
  assert.match((await pay.transactions_h5(h5)).data?.h5_url, /prepay_id=/)
  assert.equal((await pay.close(native.out_trade_no)).status, 204)
  assert.ok(await lastIsVerified())
  const closed = await pay.query({ out_trade_no: native.out_trade_no })
  assert.equal(closed.data.trade_state, 'CLOSED')
})

test('it encrypts a sensitive member that the twin can read', async () => {
  const [certificate] = await pay.get_certificates(merchant.api_v3_key)
  assert.ok(certificate !== undefined)
  await twin.control.do(user.id, 'change', { account: 'blocked' })
  const out_trade_no = `${order.out_trade_no}E`
  const made = await pay.transactions_jsapi({ ...order, out_trade_no })
  await twin.control.do(user.id, 'pay', { parameters: made.data })
  const amount = { refund: 1, total: 100, currency: 'CNY' }
  const refund = await pay.refunds({ out_trade_no, out_refund_no: 'R2', amount })
  await twin.control.clock({ advance_seconds: 31 })
  const path = `/v3/refund/domestic/refunds/${refund.data?.refund_id}/apply-abnormal-refund`
  const url = `https://api.mch.weixin.qq.com${path}`
  const secret = (text: string) => pay.publicEncrypt(text, Buffer.from(certificate.publicKey ?? ''))
  const body = {
    out_refund_no: 'R2',
    type: 'USER_BANK_CARD',
    bank_type: 'ICBC_DEBIT',
    bank_account: secret('6222020200012345678'),
    real_name: secret('张三'),
  }
  const authorization = pay['buildAuthorization']('POST', url, body)
  const headers = { 'Content-Type': 'application/json', 'Wechatpay-Serial': certificate.serial_no }
  const sent = await carry('POST', url, pay['getHeaders'](authorization, headers), body)
  assert.equal(sent.status, 200)
  assert.equal(sent.data.user_received_account, 'ICBC_DEBIT5678')
})

const openssl = spawnSync('openssl', ['version']).status === 0
const skip = openssl ? false : 'this machine has no openssl command'
const file = (name: string, content: string | Buffer) => {
  const path = join(twin.folder, name)
  writeFileSync(path, content)
  return path
}
const run = (...given: string[]) =>
  execFileSync('openssl', given, { stdio: ['pipe', 'pipe', 'pipe'] })

test('openssl reads the platform certificate, and finds its authority’s signature good', {
  skip,
}, async () => {
  const [{ serial_no, pem } = { serial_no: '', pem: '' }] = merchant.platform_certificates
  const certificate = file('platform.pem', pem)
  const { authority_pem } = await twin.control.call('GET', `/merchants/${merchant.mchid}`)
  const authority = file('authority.pem', authority_pem)
  assert.equal(
    run('x509', '-in', certificate, '-noout', '-serial').toString().trim(),
    `serial=${serial_no}`,
  )
  assert.match(run('verify', '-CAfile', authority, certificate).toString(), /OK/)
  const text = run('x509', '-in', certificate, '-noout', '-text').toString()
  assert.match(text, /Signature Algorithm: sha256WithRSAEncryption/)
  assert.match(text, /Public-Key: \(2048 bit\)/)
})

test('openssl verifies the signature under an answer', { skip }, async () => {
  await pay.query({ out_trade_no: order.out_trade_no })
  const { headers, text } = answers.at(-1) ?? { headers: new Headers(), text: '' }
  const [certificate] = merchant.platform_certificates
  const key = file(
    'platform.pub',
    run('x509', '-in', file('p.pem', certificate?.pem ?? ''), '-noout', '-pubkey'),
  )
  const of = (name: string) => headers.get(`wechatpay-${name}`) ?? ''
  const signature = file('signature', Buffer.from(of('signature'), 'base64'))
  const message = file('message', `${of('timestamp')}\n${of('nonce')}\n${text}\n`)
  const said = run('dgst', '-sha256', '-verify', key, '-signature', signature, message).toString()
  assert.match(said, /Verified OK/)
  const forged = file('forged', `${of('timestamp')}\n${of('nonce')}\n${text}\n\n`)
  assert.throws(() => run('dgst', '-sha256', '-verify', key, '-signature', signature, forged))
})

test('the twin takes a call that openssl has signed', { skip }, async () => {
  const target = `/v3/pay/transactions/out-trade-no/${order.out_trade_no}?mchid=${merchant.mchid}`
  const [timestamp, nonce] = [Math.floor(Date.now() / 1000), randomBytes(16).toString('hex')]
  const message = file('request', `GET\n${target}\n${timestamp}\n${nonce}\n\n`)
  const key = file('merchant.key', merchant.private_key_pem)
  const signature = run('dgst', '-sha256', '-sign', key, message).toString('base64')
  const response = await fetch(`${twin.url}${target}`, {
    headers: {
      accept: 'application/json',
      'user-agent': 'openssl',
      authorization: `WECHATPAY2-SHA256-RSA2048 mchid="${merchant.mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${merchant.serial}",signature="${signature}"`,
    },
  })
  assert.equal(response.status, 200)
})

test('openssl encrypts a sensitive member that the twin can read', { skip }, async () => {
  const [certificate] = merchant.platform_certificates
  const pem = file('encrypt.pem', certificate?.pem ?? '')
  const secret = (text: string) =>
    run(
      ...'pkeyutl -encrypt -certin -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1'.split(
        ' ',
      ),
      ...`-inkey ${pem} -in ${file('plain', text)}`.split(' '),
    ).toString('base64')
  const body = {
    ...order,
    appid,
    mchid: merchant.mchid,
    out_trade_no: `${order.out_trade_no}I`,
    payer: {
      ...order.payer,
      identity: { type: 'IDCARD', number: secret('11010519491231002X'), name: secret('张三') },
    },
  }
  const url = 'https://api.mch.weixin.qq.com/v3/pay/transactions/jsapi'
  const authorization = pay['buildAuthorization']('POST', url, body)
  const headers = {
    'Content-Type': 'application/json',
    'Wechatpay-Serial': certificate?.serial_no ?? '',
  }
  assert.equal(
    (await carry('POST', url, pay['getHeaders'](authorization, headers), body)).status,
    200,
  )
})

test('a strict twin notifies by https whom an authority vouches for, and nobody else', {
  skip,
}, async () => {
  const self = (name: string) => {
    const [key, cert] = [join(twin.folder, `${name}.key`), join(twin.folder, `${name}.crt`)]
    run(
      ...'req -x509 -newkey rsa:2048 -nodes -days 2 -addext subjectAltName=IP:127.0.0.1'.split(' '),
      ...`-subj /CN=${name} -keyout ${key} -out ${cert}`.split(' '),
    )
    return { key, cert }
  }
  const [known, stranger] = [self('known'), self('stranger')]
  const reached: string[] = []
  const open = async (name: string, { key, cert }: { key: string; cert: string }) => {
    const server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      reached.push(name)
      request.resume()
      response.writeHead(204).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  const servers = [await open('known', known), await open('stranger', stranger)]
  const strict = await startTwin({ profile: 'strict', env: { NODE_EXTRA_CA_CERTS: known.cert } })
  const shop = await strict.control.merchant()
  const buyer = await strict.control.user()
  const client = clientOf(strict.url, shop)
  for (const server of servers) {
    const { port } = server.address() as { port: number }
    const { payer: _, ...body } = order
    const made = await client.transactions_native({
      ...body,
      out_trade_no: `${body.out_trade_no}${port}`,
      notify_url: `https://127.0.0.1:${port}/wechat/notify`,
    })
    await strict.control.do(buyer.id, 'pay', { code_url: made.data?.code_url })
  }
  await strict.control.settle()
  assert.deepEqual(reached, ['known'])
  await strict.stop()
  for (const server of servers) server.close()
})
