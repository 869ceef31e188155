/** The connector over TLS, as against WeChat itself: the strict local WeChat behind a proxy that wants to see certificates. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { selfSigned } from './harness/certificates.ts'
import { credentialsOf } from './harness/pay-connector.ts'
import { temporaryFolder } from './harness/server.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

const appid = 'wxd678efh567hg6787'
const program = fileURLToPath(new URL('./harness/pay-over-tls.ts', import.meta.url))
let folder: string
let twin: TwinProcess
let merchant: TwinMerchant
let buyer: TwinUser
let proxy: Server
let url: string

before(async () => {
  folder = temporaryFolder('lika-pay-tls-')
  twin = await startTwin({ profile: 'strict' })
  merchant = await twin.control.merchant()
  buyer = await twin.control.user()
  const { pem, keyPem } = selfSigned(undefined, { altNames: 'IP:127.0.0.1' })
  writeFileSync(join(folder, 'authority.pem'), pem)
  proxy = createServer(
    { cert: pem, key: keyPem, requestCert: true, rejectUnauthorized: false },
    (incoming, response) => {
      const shown = (incoming.socket as TLSSocket).getPeerCertificate()
      const headers = {
        ...incoming.headers,
        ...('serialNumber' in shown && {
          'x-ssl-client-verify': 'SUCCESS',
          'x-ssl-client-serial': shown.serialNumber,
        }),
      }
      const { method = 'GET', url: path = '/' } = incoming
      const onward = httpRequest(`${twin.url}${path}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      incoming.pipe(onward)
    },
  )
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  url = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`
})
after(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await twin.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** What the connector says of the four calls, trusting the proxy's authority or nobody but the usual ones. */
async function called(clientCertificatePem: string | null, number: string, trusts = true) {
  const { auth_code } = await twin.control.do(buyer.id, 'show_code')
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      ...(trusts && { NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const shared = { amount: '1750', description: '礼卡', appid, creditCards: true }
  child.stdin.end(
    JSON.stringify({
      url,
      credentials: credentialsOf(merchant, { clientCertificatePem }),
      order: {
        ...shared,
        scene: 'native',
        outTradeNo: `ORD-${number}`,
        expiresAt: Date.now() + 3_600_000,
      },
      micropay: {
        ...shared,
        outTradeNo: `TILL-${number}`,
        authCode: auth_code,
        clientIp: '203.0.113.9',
      },
    }),
  )
  const said = await text(child.stdout)
  return JSON.parse(said)
}

test('orders go out, and a reversal shows the certificate of the merchant', async () => {
  const { pem } = selfSigned(merchant.private_key_pem, { serial: merchant.serial })
  const { prepaid, asked, shown, reversed } = await called(pem, 'ONE')
  assert.equal(prepaid.status, 'done', JSON.stringify(prepaid))
  assert.match(prepaid.value.codeUrl, /^weixin:/)
  assert.deepEqual([asked.status, asked.value?.state], ['done', 'not_paid'])
  assert.deepEqual([shown.status, shown.value?.state], ['done', 'paid'])
  assert.deepEqual(reversed, { status: 'done', value: 'reversed' })
})

test('without its certificate a reversal does not leave, and everything else does', async () => {
  const { prepaid, shown, reversed } = await called(null, 'TWO')
  assert.equal(prepaid.status, 'done')
  assert.equal(shown.status, 'done')
  assert.equal(reversed.code, 'CLIENT_CERTIFICATE_MISSING')
})

test('who answers under an authority that nobody trusts is told nothing', async () => {
  const before = (await twin.control.requests('/', 2_000)).length
  const { prepaid, asked, shown } = await called(null, 'THREE', false)
  for (const answer of [prepaid, asked, shown]) assert.equal(answer.status, 'unknown')
  assert.equal((await twin.control.requests('/', 2_000)).length, before)
})
