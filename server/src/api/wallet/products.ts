/** What a shop of an issuer sells, for whoever looks: nobody has to log in to look. */
import { type BookId, fenToJson, formatId, issuerOfBook, modeOfBook, refused } from '@lika/contract'
import {
  carriers,
  type Product,
  type Programs,
  productKinds,
} from '../../modules/programs/index.ts'
import type { App, WechatApp } from '../../modules/wechat/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  Currency,
  closed,
  idOf,
  ModeName,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  Type,
  text,
} from '../http/schemas.ts'

const OnSale = closed({
  id: idOf('product'),
  version: Type.Integer({ minimum: 1 }),
  name: text(100),
  kind: oneOf(productKinds),
  carrier: oneOf(carriers),
  faces: Type.Optional(Type.Array(Amount)),
  face_range: Type.Optional(closed({ min: Amount, max: Amount })),
  validity_months: nullable(Type.Integer({ minimum: 1 })),
  reloadable: Type.Boolean(),
  currency: Currency,
})

const Shop = closed({
  id: idOf('wechat_app'),
  kind: oneOf(['official_account', 'mini_program']),
  mode: ModeName,
  local_wechat: nullable(
    Type.String({ description: 'in test mode beside a local WeChat: where its phone is' }),
  ),
  issuer: closed({ id: idOf('issuer'), name: Type.String(), legal_name: Type.String() }),
})

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/products',
      summary: 'Lists what is on sale, the newest first',
      access: 'anyone',
      query: closed({ ...paging, app_id: idOf('wechat_app') }),
      responses: { 200: pageOf(OnSale) },
      refusals: ['wechat_app.not_found', 'cursor.invalid'],
    },
    async ({ query }) => {
      const asked = readPage('wallet-products', [uuidPart], query)
      if (!asked.ok) return asked
      const known = await flows.wechatApps.known(readId('wechat_app', query.app_id))
      if (known === undefined) return refused(notFound('wechat_app'))
      const { limit, afterId } = asked.value
      const rows = await onSale(flows.programs, known.book, limit + 1, afterId)
      return okay(presentPage('wallet-products', asked.value, rows, ({ id }) => [id], present))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/shops/{id}',
      summary: 'Says whose shop it is',
      access: 'anyone',
      id: 'wechat_app',
      responses: { 200: Shop },
      refusals: ['wechat_app.not_found'],
    },
    async ({ id }) => {
      const known = await flows.wechatApps.known(id)
      const issuer = known && (await flows.issuers.find(issuerOfBook(known.book)))
      if (known === undefined || issuer === undefined) return refused(notFound('wechat_app'))
      return okay({
        id: formatId('wechat_app', known.id),
        kind: known.kind,
        mode: modeOfBook(known.book),
        local_wechat: await localWechat(flows.wechatApp, known),
        issuer: {
          id: formatId('issuer', issuer.id),
          name: issuer.name,
          legal_name: issuer.legalName,
        },
      })
    },
  )
}

/** WeChat itself has no phone to look at; live mode has no other. */
async function localWechat(
  wechatApp: Pick<WechatApp, 'authorizeUrl'>,
  { id, book }: Pick<App, 'id' | 'book'>,
): Promise<string | null> {
  if (modeOfBook(book) === 'live') return null
  const asked = { redirectUri: '', scope: 'snsapi_base', state: '' } as const
  const { origin, hostname } = new URL(await wechatApp.authorizeUrl(id, asked))
  return hostname.endsWith('.weixin.qq.com') ? null : origin
}

const atOnce = 200

/** Published and without a plastic card to be sent. */
async function onSale(
  programs: Pick<Programs, 'list'>,
  book: BookId,
  wanted: number,
  after: string | undefined,
): Promise<Product[]> {
  const found: Product[] = []
  let before = after
  while (found.length < wanted) {
    const rows = await programs.list(book, { before, limit: atOnce })
    found.push(...rows.filter((one) => one.status === 'published' && isVirtual(one)))
    if (rows.length < atOnce) break
    before = rows.at(-1)?.id
  }
  return found.slice(0, wanted)
}

function isVirtual({ terms }: Product): boolean {
  return terms.carrier === 'virtual'
}

function present({ id, version, terms }: Product) {
  const { faces } = terms
  return {
    id: formatId('product', id),
    version,
    name: terms.name,
    kind: terms.kind,
    carrier: terms.carrier,
    ...('values' in faces
      ? { faces: faces.values.map(fenToJson) }
      : { face_range: { min: fenToJson(faces.min), max: fenToJson(faces.max) } }),
    validity_months: terms.validityMonths,
    reloadable: terms.reloadable,
    currency: 'CNY' as const,
  }
}
