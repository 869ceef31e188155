/**
 * The demo's side of WeChat: a merchant number, an official account and a mini-program that the local WeChat knows, and
 * that the demo issuer has connected. What one side has lost is made anew on both.
 */
import { CannotStart } from './platform/cannot-start.ts'
import { newRsaKeys } from './platform/crypto/pem-keys.ts'
import { randomBytes } from './platform/crypto/random.ts'
import type { CallOwn } from './start-demo.ts'

const mchid = '1900000109'
const apps = [
  { appid: 'wxdemo0fficial0001', kind: 'official_account' },
  { appid: 'wxdemominiprog0001', kind: 'mini_program' },
] as const

interface Both {
  readonly call: CallOwn
  readonly key: string
  readonly twinUrl: string
}

/** Answers the id of the official account, by which its shop is found. @throws CannotStart `demo.impossible` */
export async function ensureDemoAtWechat(both: Both): Promise<string | undefined> {
  const account = await ownId(both, '/v1/wechat/pay_accounts', 'mchid', mchid)
  if (account === undefined || !(await isKnown(both, `/merchants/${mchid}`)))
    await connectMerchant(both, account)
  for (const { appid, kind } of apps) {
    const app = await ownId(both, '/v1/wechat/apps', 'appid', appid)
    if (app === undefined || !(await isKnown(both, `/apps/${appid}`)))
      await connectApp(both, appid, kind, app)
  }
  return ownId(both, '/v1/wechat/apps', 'appid', apps[0].appid)
}

async function connectMerchant(both: Both, account: string | undefined): Promise<void> {
  const { privateKey, publicKey } = newRsaKeys()
  const serial = `4${randomBytes(20).toString('hex').slice(1).toUpperCase()}`
  const keys = {
    api_v3_key: randomBytes(16).toString('hex'),
    api_v2_key: randomBytes(16).toString('hex'),
  }
  const appids = apps.map(({ appid }) => appid)
  await tellTwin(both, '/merchants', {
    mchid,
    name: '演示茶馆',
    appids,
    serial,
    public_key_pem: publicKey,
    key_mode: 'certificate',
    ...keys,
  })
  const own = { appids, private_key_pem: privateKey, certificate_serial: serial, ...keys }
  await tellOurselves(both, '/v1/wechat/pay_accounts', account, {
    ...own,
    key_mode: 'certificate',
    ...(account === undefined && { mchid, reference: 'demo-wechat' }),
  })
}

async function connectApp(
  both: Both,
  appid: string,
  kind: (typeof apps)[number]['kind'],
  app: string | undefined,
): Promise<void> {
  const secrets = {
    secret: randomBytes(16).toString('hex'),
    token: randomBytes(12).toString('hex'),
    encoding_aes_key: newEncodingAesKey(),
  }
  // We first: the local WeChat has the address of the callbacks prove that it knows the token.
  const told = await tellOurselves(both, '/v1/wechat/apps', app, {
    ...secrets,
    ...(app === undefined && { appid, kind }),
  })
  const known = {
    appid,
    kind,
    ...secrets,
    subject: 'lika-demo',
    redirect_hosts: ['127.0.0.1', 'localhost'],
  }
  const callbacks = {
    callback_url: membersOf(told).get('callback_url'),
    message_mode: 'safe',
  }
  // Behind a certificate of its own, or at an address for others, the local WeChat does not reach us: then without events.
  const answer = await askTwin(both, '/apps', { ...known, ...callbacks })
  if (!answer.ok) await tellTwin(both, '/apps', known)
}

/** 43 letters and digits that stand for 32 bytes. */
function newEncodingAesKey(): string {
  const text = randomBytes(64)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
  // The last one stands for four bits and two that are not used.
  return `${text.slice(0, 42)}A`
}

/** The id of what the issuer has under that name. */
async function ownId(
  { call, key }: Both,
  path: string,
  member: string,
  name: string,
): Promise<string | undefined> {
  const { body } = await call({ method: 'GET', path: `${path}?limit=200`, key })
  const rows = membersOf(body).get('data')
  const found = Array.isArray(rows) && rows.find((row) => membersOf(row).get(member) === name)
  const id = found ? membersOf(found).get('id') : undefined
  return typeof id === 'string' ? id : undefined
}

async function tellOurselves(
  { call, key }: Both,
  path: string,
  id: string | undefined,
  body: object,
): Promise<unknown> {
  const answer =
    id === undefined
      ? await call({ method: 'POST', path, key, body })
      : await call({ method: 'PATCH', path: `${path}/${id}`, key, body })
  if (answer.status >= 300) throw impossible(JSON.stringify(answer.body))
  return answer.body
}

async function isKnown({ twinUrl }: Both, path: string): Promise<boolean> {
  return (await fetch(`${twinUrl}/_twin${path}`)).ok
}

async function tellTwin(both: Both, path: string, body: object): Promise<void> {
  const answer = await askTwin(both, path, body)
  if (!answer.ok) throw impossible(await answer.text())
}

function askTwin({ twinUrl }: Both, path: string, body: object): Promise<Response> {
  return fetch(`${twinUrl}/_twin${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

function membersOf(body: unknown): Map<string, unknown> {
  return new Map<string, unknown>(Object.entries(body ?? {}))
}

function impossible(why: string): CannotStart {
  return new CannotStart(
    'demo.impossible',
    `The demo issuer could not be connected to the local WeChat: ${why} Set LIKA_DEMO=0 to start without it.`,
  )
}
