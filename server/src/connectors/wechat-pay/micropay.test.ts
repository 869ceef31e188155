/** Payment codes over the second protocol, against a WeChat that answers what it is told to. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { asId } from '@lika/contract'
import type { Micropay, PayCredentials } from '../../modules/wechat/index.ts'
import type { PayClient } from './client.ts'
import { micropay, queryMicropay, reverse } from './micropay.ts'
import { type CallV2, openWireV2 } from './wire-v2.ts'

const key = '192006250b4c09247ec02edce69f6a2d'
const mchid = '1900000001'
let arrived: { url: string; xml: string }[] = []
let answers: (Record<string, string> | number | 'break')[] = []
let host: string
let stop: () => void
let call: CallV2
const logged: string[] = []
const log = {
  debug: (line: unknown) => void logged.push(JSON.stringify(line)),
  warn: (line: unknown) => void logged.push(JSON.stringify(line)),
}

const credentials = {
  account: asId<'wechat_account'>('a'),
  book: asId<'book'>('b'),
  mchid,
  appids: ['wx1'],
  isActive: true,
  version: 1,
  algorithm: 'rsa',
  keyMode: 'certificate',
  certificateSerial: 'A',
  privateKeyPem: '',
  apiV3Key: 'k'.repeat(32),
  apiV2Key: key,
  publicKeyId: null,
  publicKeyPem: null,
  clientCertificatePem: null,
} satisfies PayCredentials
const client = { credentials } as unknown as PayClient

/** As the sheet says, counted here by itself: sorted, joined, HMAC, upper-case hex. */
function signed(fields: Record<string, string>, under = key): string {
  const text = Object.keys(fields)
    .sort()
    .filter((name) => fields[name] !== '' && name !== 'sign')
    .map((name) => `${name}=${fields[name]}`)
    .join('&')
  return createHmac('sha256', under).update(`${text}&key=${under}`).digest('hex').toUpperCase()
}

function xmlOf(fields: Record<string, string>): string {
  const sign = fields['sign'] ?? signed(fields)
  const members = Object.entries({ ...fields, sign }).map(
    ([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`,
  )
  return `<xml>${members.join('')}</xml>`
}

function fieldsOf(xml: string): Record<string, string> {
  const found = [...xml.matchAll(/<(\w+)>(?:<!\[CDATA\[([\s\S]*?)\]\]>|([^<]*))<\/\1>/g)]
  return Object.fromEntries(found.map(([, name = '', data, plain]) => [name, data ?? plain ?? '']))
}

before(async () => {
  const server = createServer((request, response) => {
    let xml = ''
    request.on('data', (chunk: Buffer) => (xml += chunk.toString()))
    request.on('end', () => {
      arrived.push({ url: request.url ?? '', xml })
      const answer = answers.shift() ?? 500
      if (answer === 'break') request.socket.destroy()
      else if (typeof answer === 'number') response.writeHead(answer).end()
      else response.end(xmlOf(answer))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  call = openWireV2(credentials, { url: host }, 1_000, log)
  stop = () => {
    server.closeAllConnections()
    server.close()
  }
})
after(() => stop())
beforeEach(() => {
  arrived = []
  answers = []
})

const order: Micropay = {
  outTradeNo: 'ORD-1|x*',
  amount: 1_750n,
  description: '茶 & 点心 <大> ]]> end',
  appid: 'wx1',
  authCode: '134512345678901234',
  clientIp: '203.0.113.9',
  creditCards: false,
}
const ok = { return_code: 'SUCCESS', mch_id: mchid, appid: 'wx1', nonce_str: 'n' }
const success = {
  ...ok,
  result_code: 'SUCCESS',
  openid: 'o1',
  trade_type: 'MICROPAY',
  total_fee: '1750',
  transaction_id: '4200000001',
  out_trade_no: order.outTradeNo,
  time_end: '20261125120000',
}
const failure = (err_code: string, more: Record<string, string> = {}) => ({
  ...ok,
  result_code: 'FAIL',
  err_code,
  err_code_des: 'why',
  ...more,
})

test('a code is shown with the members of the sheet, signed by HMAC, and what it paid comes back', async () => {
  answers = [success]
  const answer = await micropay(client, call, order)
  const fields = fieldsOf(arrived[0]?.xml ?? '')
  assert.equal(arrived[0]?.url, '/pay/micropay')
  assert.equal(fields['sign'], signed(fields))
  assert.deepEqual(
    { ...fields, nonce_str: '', sign: '' },
    {
      appid: 'wx1',
      mch_id: mchid,
      nonce_str: '',
      sign: '',
      sign_type: 'HMAC-SHA256',
      body: '茶 & 点心 <大>  end',
      out_trade_no: order.outTradeNo,
      total_fee: '1750',
      spbill_create_ip: '203.0.113.9',
      auth_code: order.authCode,
      limit_pay: 'no_credit',
    },
  )
  assert.deepEqual(answer, {
    status: 'done',
    value: {
      outTradeNo: order.outTradeNo,
      state: 'paid',
      mchid,
      appid: 'wx1',
      transactionId: '4200000001',
      openid: 'o1',
      amount: 1_750n,
      paidAt: Date.parse('2026-11-25T12:00:00+08:00'),
    },
  })
})

test('each outcome of showing a code: paying, certainly not paid, or to be asked about', async () => {
  const table: [string, (typeof answers)[number], string][] = [
    ['a password is typed', failure('USERPAYING'), 'done paying'],
    ['the code is over', failure('AUTHCODEEXPIRE'), 'refused AUTH_CODE_EXPIRED'],
    ['too little money', failure('NOTENOUGH'), 'refused NOT_ENOUGH'],
    ['paid before', failure('ORDERPAID'), 'refused ORDER_PAID'],
    ['WeChat is at a loss', failure('SYSTEMERROR'), 'unknown'],
    ['the bank is', failure('BANKERROR'), 'unknown'],
    ['a code that nobody knows', failure('SOMETHINGNEW'), 'unknown'],
    ['not understood, unsigned', { return_code: 'FAIL', return_msg: '签名失败' }, 'unknown'],
    ['under another key', { ...success, sign: signed(success, 'f'.repeat(32)) }, 'unknown'],
    ['changed on the way', { ...success, sign: signed({ ...success, total_fee: '1' }) }, 'unknown'],
    ['without a signature', { ...success, sign: '' }, 'unknown'],
    ['of another order', { ...success, out_trade_no: 'OTHER' }, 'unknown'],
    ['paid without a transaction', { ...success, transaction_id: '' }, 'unknown'],
    ['500', 500, 'unknown'],
  ]
  for (const [name, said, expected] of table) {
    answers = [said]
    const answer = await micropay(client, call, order)
    const more =
      answer.status === 'done' ? answer.value.state : answer.status === 'refused' ? answer.code : ''
    assert.equal(`${answer.status} ${more}`.trim(), expected, name)
  }
})

test('a lost connection is not shown the code again; a query is asked again', async () => {
  answers = ['break', success]
  assert.equal((await micropay(client, call, order)).status, 'unknown')
  assert.equal(arrived.length, 1)
  answers = ['break', { ...success, trade_state: 'SUCCESS' }]
  assert.equal((await queryMicropay(client, call, order.outTradeNo)).status, 'done')
  assert.equal(arrived.length, 3)
})

test('what is not a payment code, an account out of use and one without a key do not leave', async () => {
  const unused = { credentials: { ...credentials, isActive: false } } as unknown as PayClient
  const keyless = openWireV2({ ...credentials, apiV2Key: null }, { url: host }, 1_000, log)
  for (const [answer, code] of [
    [
      await micropay(client, call, { ...order, authCode: '990000000000000000' }),
      'AUTH_CODE_INVALID',
    ],
    [await micropay(unused, call, order), 'ACCOUNT_DISABLED'],
    [await micropay(client, keyless, order), 'API_V2_KEY_MISSING'],
  ] as const)
    assert.equal(answer.status === 'refused' && answer.code, code)
  assert.equal(arrived.length, 0)
})

test('a query tells the state; an order that there is not is refused', async () => {
  for (const [trade_state, state] of [
    ['SUCCESS', 'paid'],
    ['USERPAYING', 'paying'],
    ['NOTPAY', 'not_paid'],
    ['PAYERROR', 'failed'],
    ['REVOKED', 'revoked'],
    ['REFUND', 'refunded'],
  ] as const) {
    answers = [{ ...success, trade_state }]
    const answer = await queryMicropay(client, call, order.outTradeNo)
    assert.equal(answer.status === 'done' && answer.value.state, state)
  }
  const fields = fieldsOf(arrived[0]?.xml ?? '')
  assert.deepEqual(
    [arrived[0]?.url, fields['out_trade_no'], fields['appid']],
    ['/pay/orderquery', order.outTradeNo, 'wx1'],
  )
  answers = [failure('ORDERNOTEXIST')]
  const missing = await queryMicropay(client, call, order.outTradeNo)
  assert.equal(missing.status === 'refused' && missing.code, 'ORDER_NOT_EXIST')
})

test('a reversal is asked for until WeChat no longer asks for it, and not for ever', async () => {
  let pauses = 0
  const pause = async () => {
    pauses += 1
  }
  const again = failure('SYSTEMERROR', { recall: 'Y' })
  answers = [
    again,
    { ...ok, result_code: 'SUCCESS', recall: 'Y' },
    { ...ok, result_code: 'SUCCESS', recall: 'N' },
  ]
  assert.deepEqual(await reverse(client, call, order.outTradeNo, pause), {
    status: 'done',
    value: 'reversed',
  })
  assert.deepEqual([arrived.length, pauses], [3, 2])
  assert.equal(arrived[0]?.url, '/secapi/pay/reverse')
  answers = [again, again, again, again, again, again]
  assert.equal((await reverse(client, call, order.outTradeNo, pause)).status, 'unknown')
  assert.equal(arrived.length, 8)
  answers = [failure('ORDERREVERSED', { recall: 'N' })]
  assert.equal((await reverse(client, call, order.outTradeNo, pause)).status, 'done')
  answers = [failure('REVERSE_EXPIRE', { recall: 'N' })]
  assert.equal((await reverse(client, call, order.outTradeNo, pause)).status, 'unknown')
})

test('over https a reversal needs the client certificate', async () => {
  const secure = openWireV2(credentials, { url: 'https://127.0.0.1:9' }, 1_000, log)
  const answer = await reverse(client, secure, order.outTradeNo, async () => {})
  assert.equal(answer.status === 'refused' && answer.code, 'CLIENT_CERTIFICATE_MISSING')
})

test('no log line has the key, the code or the order’s words', () => {
  const text = logged.join('\n')
  for (const secret of [key, order.authCode, '点心', 'o1"'])
    assert.equal(text.includes(secret), false)
})
