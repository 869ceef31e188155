/**
 * The connector as a process of its own, because which authorities Node trusts is settled when it starts: calls what it is
 * told to over TLS and prints what came of it.
 *
 *   NODE_EXTRA_CA_CERTS=<file> node tests/harness/pay-over-tls.ts < {url, credentials, order, micropay}
 */
import { text } from 'node:stream/consumers'
import { wechatPay } from '../../server/src/connectors/wechat-pay/wechat-pay.ts'

const { url, credentials, order, micropay } = JSON.parse(await text(process.stdin))
const { account } = credentials
const quiet = () => {}
const pay = wechatPay({
  accounts: { credentials: async () => credentials },
  hostsOf: () => ({ url }),
  notifyUrlOf: () => 'https://shop.example/wechat/pay/notifications',
  log: { debug: quiet, info: quiet, warn: quiet },
  now: () => Date.now(),
  sm: undefined,
  timeoutMs: 5_000,
})
const prepaid = await pay.prepay(account, { ...order, amount: BigInt(order.amount) })
const asked = await pay.query(account, order.outTradeNo)
const shown = await pay.micropay(account, { ...micropay, amount: BigInt(micropay.amount) })
const reversed = await pay.reverse(account, micropay.outTradeNo)
const said = { prepaid, asked, shown, reversed }
process.stdout.write(
  JSON.stringify(said, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
)
