/** Routes of issuers, made and listed by the operator. */
import { formatId, formatInstant, type IssuerId, issuerOfBook, refused } from '@lika/contract'
import { makeIssuer } from '../../flows/make-issuer.ts'
import type { Caller } from '../../modules/access/index.ts'
import {
  type Issuer,
  type SaleSwitch,
  selectSaleSwitch,
  turnSaleSwitch,
} from '../../modules/issuers/index.ts'
import { realNow } from '../../platform/clock.ts'
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
  pageOf,
  paging,
  Reference,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const PackNames = Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,64}$' }), { maxItems: 20 })

const IssuerBody = closed({
  id: idOf('issuer'),
  name: text(100),
  legal_name: text(200),
  packs: PackNames,
  number_prefix: Type.String({ pattern: '^[0-9]{4}$' }),
  ...shown,
  created_at: Timestamp,
})

const SaleBody = closed({
  issuer_id: idOf('issuer'),
  stopped: Type.Boolean(),
  reason: nullable(text(500)),
  since: nullable(Timestamp),
})

export function register(app: LikaApp, deps: Deps): void {
  registerIssuers(app, deps)
  registerSale(app, deps)
}

function registerIssuers(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/issuers',
      summary: 'Makes an issuer, with the model charter published; its own may follow',
      access: 'operator',
      body: closed({ name: text(100), legal_name: text(200), packs: PackNames, ...given }),
      responses: { 201: IssuerBody },
      refusals: ['policy.unknown_pack', 'reference.already_used'],
    },
    async ({ body }) => {
      const made = await makeIssuer(deps, {
        name: body.name,
        legalName: body.legal_name,
        packs: body.packs,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
        createdAt: realNow(),
      })
      if (!made.ok) return made
      if ('existing' in made.value) return refused(referenceTaken('issuer', made.value.existing))
      return created(presentIssuer(made.value))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/issuers',
      summary: 'Lists issuers, the newest first',
      access: 'operator',
      query: closed({ ...paging, reference: Type.Optional(Reference) }),
      responses: { 200: pageOf(IssuerBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ query }) => {
      const asked = readPage('issuers', [uuidPart], query)
      if (!asked.ok) return asked
      const rows = await deps.issuers.list({
        reference: query.reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('issuers', asked.value, rows, ({ id }) => [id], presentIssuer))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/issuers/{id}',
      summary: 'Shows an issuer; a key sees its own',
      access: { operatorOr: 'issuers:read' },
      id: 'issuer',
      responses: { 200: IssuerBody },
      refusals: ['issuer.not_found'],
    },
    async ({ caller, id }) => {
      const issuer = await visible(deps, caller, id)
      return issuer === undefined ? refused(notFound('issuer')) : okay(presentIssuer(issuer))
    },
  )
}

/** A key sees its own issuer. */
async function visible(
  { issuers }: Deps,
  caller: Caller,
  id: IssuerId,
): Promise<Issuer | undefined> {
  const isOthers = caller.kind === 'key' && issuerOfBook(caller.book) !== id
  return isOthers ? undefined : issuers.find(id)
}

function registerSale(app: LikaApp, deps: Deps): void {
  const { sql } = deps.database

  app.route(
    {
      method: 'POST',
      path: '/v1/issuers/{id}/sale',
      summary: 'Stops the sale of cards and loads in both modes, or lets it go on',
      access: 'operator',
      id: 'issuer',
      body: closed({ stopped: Type.Boolean(), reason: text(500) }),
      responses: { 200: SaleBody },
      refusals: ['issuer.not_found'],
    },
    async ({ id, body }) => {
      if ((await deps.issuers.find(id)) === undefined) return refused(notFound('issuer'))
      const turned = { ...body, at: realNow() }
      await turnSaleSwitch(sql, id, turned)
      return okay(presentSale(id, turned))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/issuers/{id}/sale',
      summary: 'Shows whether an issuer may sell; a key sees its own',
      access: { operatorOr: 'issuers:read' },
      id: 'issuer',
      responses: { 200: SaleBody },
      refusals: ['issuer.not_found'],
    },
    async ({ caller, id }) => {
      const issuer = await visible(deps, caller, id)
      if (issuer === undefined) return refused(notFound('issuer'))
      return okay(presentSale(id, await selectSaleSwitch(sql, id)))
    },
  )
}

function presentSale(id: IssuerId, turned: SaleSwitch | undefined) {
  return {
    issuer_id: formatId('issuer', id),
    stopped: turned?.stopped === true,
    reason: turned?.reason ?? null,
    since: turned === undefined ? null : formatInstant(turned.at),
  }
}

function presentIssuer(issuer: Issuer) {
  return {
    id: formatId('issuer', issuer.id),
    name: issuer.name,
    legal_name: issuer.legalName,
    packs: [...issuer.packs],
    number_prefix: issuer.numberPrefix,
    reference: issuer.reference,
    metadata: { ...issuer.metadata },
    created_at: formatInstant(issuer.createdAt),
  }
}
