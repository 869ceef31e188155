/** The connector of WeChat Pay against a local WeChat, without a server around it: an account from memory, callbacks heard. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asId, bookOf, type IssuerId, type WechatAccountId } from '@lika/contract'
import type { WechatPayNeeds } from '../../server/src/connectors/wechat-pay/accounts.ts'
import { wechatPay } from '../../server/src/connectors/wechat-pay/wechat-pay.ts'
import type { PayCredentials, PayNotice, RawNotice } from '../../server/src/modules/wechat/index.ts'
import { openSm } from '../../server/src/platform/crypto/sm.ts'
import { newId } from '../../server/src/platform/ids.ts'
import { openLog } from '../../server/src/platform/log.ts'
import type { TwinMerchant, TwinProcess } from './twin.ts'

export type HeardNotice = { raw: RawNotice; read: PayNotice | undefined; status: number }

/** What the merchant knows about itself at WeChat; give what should be other than it is. */
export function credentialsOf(
  merchant: TwinMerchant,
  more: Partial<PayCredentials> = {},
): PayCredentials {
  const issuer: IssuerId = asId(newId())
  return {
    account: asId<'wechat_account'>(newId()),
    book: bookOf(issuer, 'test'),
    mchid: merchant.mchid,
    appids: merchant.appids,
    isActive: true,
    version: 1,
    algorithm: 'rsa',
    keyMode: 'certificate',
    certificateSerial: merchant.serial,
    privateKeyPem: merchant.private_key_pem,
    apiV3Key: merchant.api_v3_key,
    apiV2Key: merchant.api_v2_key,
    publicKeyId: merchant.public_key?.id ?? null,
    publicKeyPem: merchant.public_key?.pem ?? null,
    clientCertificatePem: null,
    ...more,
  }
}

/** Accounts by id; change the map and the next look sees it. Callbacks are answered 204 when they could be read, else 401. */
export async function startPayConnector(
  twin: Pick<TwinProcess, 'url'>,
  options: Partial<WechatPayNeeds> = {},
) {
  const accounts = new Map<WechatAccountId, PayCredentials>()
  const lines: string[] = []
  const heard: HeardNotice[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void answer())
    async function answer() {
      const account = asId<'wechat_account'>(request.url?.split('/')[1] ?? '')
      const headers = request.headers as Record<string, string>
      const raw = { headers, body: Buffer.concat(chunks) }
      const read = await pay.readNotice(account, raw)
      const status = read === undefined ? 401 : 204
      heard.push({ raw, read, status })
      response.writeHead(status).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let offset = 0
  const needs: WechatPayNeeds = {
    accounts: { credentials: async (id) => accounts.get(id) },
    hostsOf: () => ({ url: twin.url }),
    notifyUrlOf: (account) => `${url}/${account}`,
    log: openLog('debug', { write: (line) => void lines.push(line) }),
    now: () => Date.now() + offset,
    sm: openSm(),
    timeoutMs: 2_000,
    ...options,
  }
  const pay = wechatPay(needs)
  return {
    pay,
    needs,
    lines,
    heard,
    callbackUrl: url,
    /** Also changes an account that is there. */
    put: (credentials: PayCredentials) => {
      accounts.set(credentials.account, credentials)
      return credentials.account
    },
    /** How far our real time is wrong. */
    skew: (ms: number) => {
      offset = ms
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
