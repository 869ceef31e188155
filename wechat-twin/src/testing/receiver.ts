/** For tests: a merchant's address for notifications, which keeps what came and answers as it is told. */
import { createDecipheriv, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { TestMerchant } from './world.ts'

export interface Received {
  at: number
  headers: IncomingHttpHeaders
  body: string
}

/** What to answer: a status, or nothing at all. */
type Reply = number | 'nothing'

export async function openReceiver(
  reply: (received: Received, count: number) => Reply = () => 204,
) {
  const received: Received[] = []
  let decide = reply
  let isDropping = false
  const server = createServer((request, response) => {
    if (isDropping) {
      isDropping = false
      request.socket.resetAndDestroy()
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const one = { at: Date.now(), headers: request.headers, body }
      received.push(one)
      const status = decide(one, received.length)
      if (status !== 'nothing') response.writeHead(status).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/wechat/notify`,
    received,
    answer: (next: typeof reply) => {
      decide = next
    },
    /** Ends the connections that are kept at the moment at which the next call comes in over one of them. */
    dropConnections: () => {
      isDropping = true
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whether the signature holds under the key that it names. */
export function isSigned(merchant: TestMerchant, { headers, body }: Received): boolean {
  const serial = headers['wechatpay-serial']
  const certificate = merchant.platform_certificates.find(({ serial_no }) => serial_no === serial)
  const pem = certificate?.keys.public_pem ?? merchant.public_key?.keys.public_pem ?? ''
  const message = `${String(headers['wechatpay-timestamp'])}\n${String(headers['wechatpay-nonce'])}\n${body}\n`
  const signature = Buffer.from(String(headers['wechatpay-signature']), 'base64')
  return verify('sha256', Buffer.from(message), pem, signature)
}

/** What the resource of a notification holds. */
export function opened(merchant: TestMerchant, { body }: Received) {
  const { resource } = JSON.parse(body)
  const bytes = Buffer.from(resource.ciphertext, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', merchant.api_v3_key, resource.nonce)
  decipher.setAAD(Buffer.from(resource.associated_data))
  decipher.setAuthTag(bytes.subarray(-16))
  return JSON.parse(
    `${decipher.update(bytes.subarray(0, -16), undefined, 'utf8')}${decipher.final('utf8')}`,
  )
}
