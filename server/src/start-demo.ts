/**
 * The demo issuer of a first start: made through the routes that everybody uses, in test mode, and written down in
 * `demo.json`, so that the first thing to try is one paste away. A later start finds what is there and adds what is not.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scopes } from '@lika/contract'
import { CannotStart } from './platform/cannot-start.ts'
import { codeOf } from './platform/db-faults.ts'
import { newId } from './platform/ids.ts'

/** One request to our own routes. */
export type CallOwn = (request: {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  readonly key: string
  readonly body?: object
  readonly idempotencyKey?: string
}) => Promise<{ readonly status: number; readonly body: unknown }>

export interface Demo {
  readonly issuer_id: string
  readonly api_key: string
  readonly merchant_id: string
  readonly store_id: string
  readonly terminal_id: string
  readonly product_id: string
  readonly card: { readonly id: string; readonly number: string; readonly secret: string }
}

/**
 * The demo of this database, from the file where it still holds. What has a reference or an idempotency key is found
 * again under it, so that a start that was interrupted is continued.
 * @throws CannotStart `demo.impossible`, `demo_file.unusable`
 */
export async function ensureDemo(
  call: CallOwn,
  dataDir: string,
  operatorKey: string,
): Promise<Demo> {
  const file = join(dataDir, 'demo.json')
  const known = readDemo(file)
  if (known !== undefined && (await stillHolds(call, known))) return known
  const demo = await makeDemo(call, operatorKey, known?.api_key)
  writeDemo(file, demo)
  return demo
}

async function stillHolds(call: CallOwn, { api_key: key, card }: Demo): Promise<boolean> {
  const { status } = await call({ method: 'GET', path: `/v1/cards/${card.id}`, key })
  return status === 200
}

async function makeDemo(
  call: CallOwn,
  operatorKey: string,
  formerKey: string | undefined,
): Promise<Demo> {
  const issuerId = await makeNamed(call, operatorKey, '/v1/issuers', {
    name: '演示茶馆 Demo Tea House',
    legal_name: '演示茶馆有限公司',
    packs: ['open'],
    reference: 'lika-demo',
  })
  const key =
    formerKey !== undefined && (await isKeyOf(call, formerKey, issuerId))
      ? formerKey
      : await makeKey(call, operatorKey, issuerId)
  const make = (path: string, body: object) => makeNamed(call, key, path, body)
  const merchantId = await make('/v1/merchants', {
    name: '演示茶馆 Demo Tea House',
    category: 'tea',
    reference: 'demo-merchant',
  })
  const storeId = await make(`/v1/merchants/${merchantId}/stores`, {
    name: '湖滨店 Lakeside',
    district: '上城区',
    reference: 'demo-store',
  })
  const terminalId = await make(`/v1/stores/${storeId}/terminals`, {
    name: '收银台 1 Till 1',
    reference: 'demo-terminal',
  })
  const productId = await make('/v1/products', {
    name: '茶礼卡 Tea gift card',
    kind: 'gift',
    registered: false,
    carrier: 'virtual',
    face_range: { min: 100, max: 500_000 },
    validity_months: 36,
    reloadable: true,
    reference: 'demo-product',
  })
  await answered(call({ method: 'POST', path: `/v1/products/${productId}/publish`, key }))
  return {
    issuer_id: issuerId,
    api_key: key,
    merchant_id: merchantId,
    store_id: storeId,
    terminal_id: terminalId,
    product_id: productId,
    card: await makeCard(call, key, productId),
  }
}

async function makeCard(call: CallOwn, key: string, productId: string): Promise<Demo['card']> {
  const made = await answered(
    call({
      method: 'POST',
      path: '/v1/cards',
      key,
      idempotencyKey: 'demo-card',
      body: { product_id: productId, amount: 20_000, funding: { method: 'cash' } },
    }),
  )
  const id = textIn(made, 'id')
  const ask = (name: string, idempotencyKey: string) =>
    call({ method: 'POST', path: `/v1/cards/${id}/${name}`, key, idempotencyKey })
  // The sealed secret is gone ten minutes after it was first shown: then the card gets a new one.
  const shown = await ask('reveal', `demo-reveal-${id}`)
  const face = shown.status === 200 ? shown.body : await answered(ask('reset_secret', newId()))
  return { id, number: textIn(face, 'number'), secret: textIn(face, 'secret') }
}

async function isKeyOf(call: CallOwn, key: string, issuerId: string): Promise<boolean> {
  const { status } = await call({ method: 'GET', path: `/v1/issuers/${issuerId}`, key })
  return status === 200
}

async function makeKey(call: CallOwn, operatorKey: string, issuerId: string): Promise<string> {
  const body = { issuer_id: issuerId, mode: 'test', name: 'demo', owner: 'npm start', scopes }
  const made = await answered(call({ method: 'POST', path: '/v1/keys', key: operatorKey, body }))
  return textIn(made, 'secret')
}

/** The id of what is made, or of what stands under its reference already. */
async function makeNamed(call: CallOwn, key: string, path: string, body: object): Promise<string> {
  const made = await call({ method: 'POST', path, key, body })
  return made.status === 409 ? textIn(made.body, 'existing_id') : textIn(success(made), 'id')
}

async function answered(asked: ReturnType<CallOwn>): Promise<unknown> {
  return success(await asked)
}

function success({ status, body }: Awaited<ReturnType<CallOwn>>): unknown {
  if (status < 300) return body
  throw new CannotStart(
    'demo.impossible',
    `The demo issuer could not be made: ${textIn(body, 'detail')} Set LIKA_DEMO=0 to start without it.`,
  )
}

function textIn(body: unknown, member: string): string {
  const value = new Map<string, unknown>(Object.entries(body ?? {})).get(member)
  return typeof value === 'string' ? value : ''
}

const members = [
  'issuer_id',
  'api_key',
  'merchant_id',
  'store_id',
  'terminal_id',
  'product_id',
] as const

/** undefined: there is no file, or not one of ours. */
function readDemo(file: string): Demo | undefined {
  const content = parse(readIfThere(file))
  const card = new Map<string, unknown>(Object.entries(content ?? {})).get('card')
  const [issuer_id, api_key, merchant_id, store_id, terminal_id, product_id] = members.map((name) =>
    textIn(content, name),
  )
  const [id, number, secret] = ['id', 'number', 'secret'].map((name) => textIn(card, name))
  if (!(issuer_id && api_key && merchant_id && store_id && terminal_id && product_id))
    return undefined
  if (!(id && number && secret)) return undefined
  const face = { id, number, secret }
  return { issuer_id, api_key, merchant_id, store_id, terminal_id, product_id, card: face }
}

function parse(text: string | undefined): object | undefined {
  if (text === undefined) return undefined
  try {
    const content: unknown = JSON.parse(text)
    return typeof content === 'object' && content !== null ? content : undefined
  } catch {
    return undefined
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(file, error)
  }
}

/** Whole or not at all, and for its owner alone from the first byte on. */
function writeDemo(file: string, demo: Demo): void {
  const draft = `${file}.new`
  try {
    rmSync(draft, { force: true })
    writeFileSync(draft, `${JSON.stringify(demo, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, error: unknown): CannotStart {
  return new CannotStart(
    'demo_file.unusable',
    `${file} cannot be read or written (${codeOf(error) ?? 'unknown reason'}). Give Lika's user the right to do so, or set LIKA_DEMO=0.`,
    error,
  )
}
