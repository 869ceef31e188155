/** Routes of merchant numbers of WeChat Pay. Keys come in and never go out: what is shown tells them apart. */
import { formatId, formatInstant, refusal, refused } from '@lika/contract'
import {
  keyModes,
  type PayAccount,
  type PayAccountChange,
  payAccountStatuses,
  payAlgorithms,
} from '../../modules/wechat/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  type Static,
  shown,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Mchid = Type.String({ pattern: '^[0-9]{6,32}$' })
const Appid = Type.String({ pattern: '^[0-9A-Za-z_-]{1,32}$' })
const Appids = Type.Array(Appid, { minItems: 1, maxItems: 50, uniqueItems: true })
const Algorithm = oneOf(payAlgorithms, 'sm: SM2 with SM3, where WeChat has opened it; else rsa')
const KeyModeName = oneOf(
  keyModes,
  'with what WeChat signs: platform certificates, its public key, or either while it moves over',
)
const ApiKey = Type.String({
  pattern: '^[0-9A-Za-z]{32}$',
  description: '32 letters and digits, as set in the merchant console; never answered',
})
/** Lines of text; the database keeps no zero bytes, and a reader of keys would pass over them. */
const pemText = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$'
const Pem = (what: string) =>
  Type.String({
    minLength: 1,
    maxLength: 8000,
    pattern: pemText,
    description: `${what}, in PEM`,
  })
const Serial = Type.String({
  pattern: '^[0-9A-Fa-f]{8,40}$',
  description: "serial number of the merchant's API certificate, hex",
})
const PublicKeyId = Type.String({ pattern: '^PUB_KEY_ID_[0-9A-Za-z]{1,64}$' })
const Fingerprint = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the public half (SPKI)',
})
const Last4 = Type.String({ minLength: 4, maxLength: 4 })

const optionalKeys = {
  algorithm: Type.Optional(Algorithm),
  api_v2_key: Type.Optional(ApiKey),
  public_key_id: Type.Optional(PublicKeyId),
  public_key_pem: Type.Optional(Pem("WeChat's public key")),
  v2_client_certificate_pem: Type.Optional(Pem("the merchant's API certificate")),
}
const NewAccount = closed({
  mchid: Mchid,
  appids: Appids,
  api_v3_key: ApiKey,
  private_key_pem: Pem("the private key of the merchant's API certificate"),
  certificate_serial: Serial,
  key_mode: KeyModeName,
  ...optionalKeys,
  ...given,
})
const AccountPatch = closed({
  appids: Type.Optional(Appids),
  api_v3_key: Type.Optional(ApiKey),
  private_key_pem: Type.Optional(Pem("the private key of the merchant's API certificate")),
  certificate_serial: Type.Optional(Serial),
  key_mode: Type.Optional(KeyModeName),
  ...optionalKeys,
})
const AccountBody = closed({
  id: idOf('wechat_account'),
  mchid: Mchid,
  appids: Type.Array(Appid),
  algorithm: Algorithm,
  key_mode: KeyModeName,
  certificate_serial: Serial,
  private_key_fingerprint: Fingerprint,
  api_v3_key_last4: Last4,
  api_v2_key_last4: nullable(Last4),
  public_key_id: nullable(PublicKeyId),
  has_v2_client_certificate: Type.Boolean(),
  status: oneOf(payAccountStatuses),
  ...shown,
  created_at: Timestamp,
  changed_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  registerReads(app, deps)
  registerWrites(app, deps)
}

function registerWrites(app: LikaApp, { flows, bookNow }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/pay_accounts',
      summary: 'Connects a merchant number of WeChat Pay; its keys are checked against each other',
      access: 'wechat:write',
      body: NewAccount,
      responses: { 201: AccountBody },
      refusals: [
        'wechat_account.keys_invalid',
        'reference.already_used',
        'wechat_account.already_exists',
      ],
    },
    async ({ caller, body }) => {
      const result = await flows.payAccounts.create({
        book: caller.book,
        mchid: body.mchid,
        appids: body.appids,
        ...keysIn(body),
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
        at: bookNow(caller.mode),
      })
      if (!result.ok) return result
      if ('made' in result.value) return created(presentPayAccount(result.value.made))
      const { taken, existing } = result.value
      return refused(
        taken === 'reference' ? referenceTaken('wechat_account', existing) : isThere(existing),
      )
    },
  )

  app.route(
    {
      method: 'PATCH',
      path: '/v1/wechat/pay_accounts/{id}',
      summary: 'Gives a merchant number other keys or apps; what is left out stays',
      access: 'wechat:write',
      id: 'wechat_account',
      body: AccountPatch,
      responses: { 200: AccountBody },
      refusals: [
        'wechat_account.not_found',
        'wechat_account.disabled',
        'wechat_account.keys_invalid',
      ],
    },
    async ({ caller, id, body }) => {
      const now = bookNow(caller.mode)
      const result = await flows.payAccounts.change(caller.book, id, changeIn(body), now)
      return result.ok ? okay(presentPayAccount(result.value)) : result
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/pay_accounts/{id}/disable',
      summary: 'Takes no more orders over a merchant number; what was begun is finished',
      access: 'wechat:write',
      id: 'wechat_account',
      responses: { 200: AccountBody },
      refusals: ['wechat_account.not_found'],
    },
    async ({ caller, id }) => {
      const account = await flows.payAccounts.disable(caller.book, id, bookNow(caller.mode))
      return account === undefined
        ? refused(notFound('wechat_account'))
        : okay(presentPayAccount(account))
    },
  )
}

function registerReads(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/pay_accounts',
      summary: 'Lists merchant numbers of WeChat Pay, the newest first',
      access: 'wechat:read',
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        mchid: Type.Optional(Mchid),
        status: Type.Optional(oneOf(payAccountStatuses)),
      }),
      responses: { 200: pageOf(AccountBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('wechat_accounts', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const { reference, mchid, status } = query
      const filter = { reference, mchid, status, before: afterId, limit: limit + 1 }
      const rows = await flows.payAccounts.list(caller.book, filter)
      return okay(
        presentPage('wechat_accounts', asked.value, rows, ({ id }) => [id], presentPayAccount),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/pay_accounts/{id}',
      summary: 'Shows a merchant number of WeChat Pay, without its keys',
      access: 'wechat:read',
      id: 'wechat_account',
      responses: { 200: AccountBody },
      refusals: ['wechat_account.not_found'],
    },
    async ({ caller, id }) => {
      const account = await flows.payAccounts.find(caller.book, id)
      return account === undefined
        ? refused(notFound('wechat_account'))
        : okay(presentPayAccount(account))
    },
  )
}

function isThere(existing: string) {
  return refusal(
    'wechat_account.already_exists',
    'The merchant number is connected already; change that account, or disable it first.',
    { data: { existing_id: formatId('wechat_account', existing) } },
  )
}

function keysIn(body: Static<typeof NewAccount>) {
  return {
    algorithm: body.algorithm ?? 'rsa',
    keyMode: body.key_mode,
    certificateSerial: body.certificate_serial.toUpperCase(),
    privateKeyPem: body.private_key_pem,
    apiV3Key: body.api_v3_key,
    apiV2Key: body.api_v2_key ?? null,
    publicKeyId: body.public_key_id ?? null,
    publicKeyPem: body.public_key_pem ?? null,
    clientCertificatePem: body.v2_client_certificate_pem ?? null,
  }
}

function changeIn(body: Static<typeof AccountPatch>): PayAccountChange {
  return {
    appids: body.appids,
    algorithm: body.algorithm,
    keyMode: body.key_mode,
    certificateSerial: body.certificate_serial?.toUpperCase(),
    privateKeyPem: body.private_key_pem,
    apiV3Key: body.api_v3_key,
    apiV2Key: body.api_v2_key,
    publicKeyId: body.public_key_id,
    publicKeyPem: body.public_key_pem,
    clientCertificatePem: body.v2_client_certificate_pem,
  }
}

function presentPayAccount(account: PayAccount) {
  return {
    id: formatId('wechat_account', account.id),
    mchid: account.mchid,
    appids: [...account.appids],
    algorithm: account.algorithm,
    key_mode: account.keyMode,
    certificate_serial: account.certificateSerial,
    private_key_fingerprint: Buffer.from(account.privateKeyFingerprint).toString('hex'),
    api_v3_key_last4: account.apiV3KeyLast4,
    api_v2_key_last4: account.apiV2KeyLast4,
    public_key_id: account.publicKeyId,
    has_v2_client_certificate: account.hasClientCertificate,
    status: account.status,
    reference: account.reference,
    metadata: { ...account.metadata },
    created_at: formatInstant(account.createdAt),
    changed_at: formatInstant(account.changedAt),
  }
}
