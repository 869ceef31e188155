/**
 * A process that delivers webhooks and does nothing else. Takes its options as JSON in the first argument, says `ready`,
 * stops in good order when its input ends.
 */
import { once } from 'node:events'
import { webhookSender } from '../../server/src/connectors/webhook-sender.ts'
import { openWebhooks } from '../../server/src/modules/webhooks/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { appRole, connect } from '../../server/src/platform/db.ts'

export type WebhookProcessOptions = {
  url: string
  lanes: number[]
  leaseMs: number
  attemptMs: number
}

/** The same for every process of a test. */
export const testKeyring = keyringOf(Buffer.alloc(32, 7))

if (import.meta.main) {
  const options: WebhookProcessOptions = JSON.parse(process.argv[2] ?? '{}')
  const { url, lanes, leaseMs, attemptMs } = options
  const database = await connect(url, { applicationName: 'webhooks', role: appRole, pool: 3 })
  const webhooks = openWebhooks({
    database,
    keyring: testKeyring,
    sender: webhookSender({ allowPrivate: true, timeoutMs: attemptMs - 50 }),
    lanesOf: () => lanes,
    lanes: () => lanes,
    log: { error: (details, sentence) => console.error(sentence, details) },
    tuning: { leaseMs, attemptMs, pollMs: 20, backOff: { firstMs: 5, longestMs: 40 } },
  })
  webhooks.start()
  console.log('ready')
  process.stdin.resume()
  await once(process.stdin, 'end')
  await webhooks.stop()
  await database.close()
}
