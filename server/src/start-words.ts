/** What a start says at its end: where everything is, and what to try first. */
import { isAbsolute, join, relative } from 'node:path'
import type { Config } from './platform/config.ts'
import type { Demo } from './start-demo.ts'

const standardUrl = 'http://127.0.0.1:8080'

/** The addresses of a running server, one a line. */
export function addresses(
  url: string,
  operatorKeyFile: string,
  twinUrl: string | undefined,
  shop: string | undefined,
): string[] {
  return [
    `API        ${url}/v1`,
    `Reference  ${url}/docs`,
    `Health     ${url}/readyz`,
    `Operator   the key in ${operatorKeyFile}`,
    ...(twinUrl === undefined ? [] : [`WeChat     a local one, with its phone, at ${twinUrl}`]),
    ...(shop === undefined ? [] : [`Shop       ${url}/h5/${shop}`]),
  ]
}

/** Three commands that work when they are pasted into a shell in this folder. */
export function toTry(url: string, { dataDir }: Pick<Config, 'dataDir'>, demo: Demo): string[] {
  const { card, merchant_id: merchant } = demo
  const file = quoted(shortened(join(dataDir, 'demo.json')))
  const key = `$(sed -n 's/.*"api_key": "\\(.*\\)".*/\\1/p' ${file})`
  const order = `try-${card.id.slice(-8)}`
  const payment = {
    amount: 1280,
    currency: 'CNY',
    merchant_id: merchant,
    reference: order,
    sources: [{ card_id: card.id }],
  }
  const settings = [
    ...(url === standardUrl ? [] : [`LIKA_URL=${url}`]),
    ...(shortened(dataDir) === '.lika' ? [] : [`LIKA_DATA=${quoted(shortened(dataDir))}`]),
  ]
  const lika = [...settings, 'npx lika'].join(' ')
  return [
    `The demo issuer is in ${join(dataDir, 'demo.json')} (test mode). To try:`,
    `  curl -s ${url}/v1/cards/${card.id} -H "Authorization: Bearer ${key}"`,
    `  curl -s ${url}/v1/payments -H "Authorization: Bearer ${key}" -H 'Idempotency-Key: ${order}' -H 'Content-Type: application/json' -d '${JSON.stringify(payment)}'`,
    `  ${lika} cards statement ${card.id}`,
  ]
}

function shortened(path: string): string {
  const short = relative('', path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
