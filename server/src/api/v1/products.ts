/** Routes of card products. */
import { fenToJson, formatId, formatInstant, refused, subBalances } from '@lika/contract'
import { draftProduct, publishProduct, reviseProduct } from '../../flows/offer-product.ts'
import {
  acceptanceModels,
  carriers,
  type FaceValues,
  type Product,
  productKinds,
  type Terms,
} from '../../modules/programs/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  Amount,
  Currency,
  closed,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  type Static,
  SubBalanceName,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'
import {
  AcceptanceGiven,
  AcceptanceShown,
  acceptanceIn,
  presentAcceptance,
} from './acceptance-shapes.ts'

const Faces = Type.Array(Amount, { minItems: 1, maxItems: 100 })
const FaceRange = closed({ min: Amount, max: Amount })
/** Up to a month; null: as usual for cards that are sold by an order. */
const CoolingOffHours = nullable(Type.Integer({ minimum: 0, maximum: 720 }))
/** 100 years: what still is a date in every calendar that prints cards. */
const ValidityMonths = nullable(Type.Integer({ minimum: 1, maximum: 1200 }))
const ConsumeOrder = Type.Array(SubBalanceName, { minItems: 1, maxItems: 2 })

const termMembers = {
  name: text(100),
  kind: oneOf(productKinds),
  registered: Type.Boolean(),
  carrier: oneOf(carriers),
  validity_months: ValidityMonths,
  reloadable: Type.Boolean(),
}
const optionalTerms = {
  faces: Type.Optional(Faces),
  face_range: Type.Optional(FaceRange),
  /** Whose merchants take it: the issuer's own, partners', or both. */
  model: Type.Optional(oneOf(acceptanceModels)),
  acceptance: Type.Optional(AcceptanceGiven),
  consume_order: Type.Optional(ConsumeOrder),
  /** By how much a card is prolonged by itself when its time is over. */
  renewal_months: Type.Optional(ValidityMonths),
  /** For how long a card that was sold by an order is sealed, so that its buyer may change his mind. */
  cooling_off_hours: Type.Optional(CoolingOffHours),
}

const ProductBody = closed({
  id: idOf('product'),
  version: Type.Integer({ minimum: 1 }),
  status: oneOf(['draft', 'published']),
  ...termMembers,
  renewal_months: ValidityMonths,
  cooling_off_hours: CoolingOffHours,
  faces: Type.Optional(Faces),
  face_range: Type.Optional(FaceRange),
  model: oneOf(acceptanceModels),
  acceptance: AcceptanceShown,
  consume_order: ConsumeOrder,
  currency: Currency,
  ...shown,
  created_at: Timestamp,
})

const NewProduct = closed({ ...termMembers, ...optionalTerms, ...given })
const ProductPatch = Type.Object(
  {
    name: Type.Optional(termMembers.name),
    kind: Type.Optional(termMembers.kind),
    registered: Type.Optional(termMembers.registered),
    carrier: Type.Optional(termMembers.carrier),
    validity_months: Type.Optional(termMembers.validity_months),
    reloadable: Type.Optional(termMembers.reloadable),
    ...optionalTerms,
    metadata: given.metadata,
  },
  { additionalProperties: false, minProperties: 1 },
)

export function register(app: LikaApp, deps: Deps): void {
  registerChanges(app, deps)
  registerReads(app, deps)
}

function registerChanges(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/products',
      summary: 'Drafts a product',
      access: 'products:write',
      body: NewProduct,
      responses: { 201: ProductBody },
      refusals: [
        'merchant.not_found',
        'store.not_found',
        'product.terms_invalid',
        'reference.already_used',
      ],
    },
    async ({ caller, body }) => {
      const faces = facesIn(body)
      if (faces === undefined) return refused(shapeRefusal(facesOrRange))
      const made = await draftProduct(deps, {
        book: caller.book,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
        createdAt: deps.bookNow(caller.mode),
        terms: {
          name: body.name,
          kind: body.kind,
          registered: body.registered,
          carrier: body.carrier,
          faces,
          validityMonths: body.validity_months,
          renewalMonths: body.renewal_months ?? null,
          coolingOffHours: body.cooling_off_hours ?? null,
          reloadable: body.reloadable,
          model: body.model ?? 'mixed',
          acceptance: acceptanceIn(body.acceptance ?? {}),
          consumeOrder: body.consume_order ?? subBalances,
        },
      })
      if (!made.ok) return made
      if ('existing' in made.value) return refused(referenceTaken('product', made.value.existing))
      return created(presentProduct(made.value.made))
    },
  )

  app.route(
    {
      method: 'PATCH',
      path: '/v1/products/{id}',
      summary: 'Makes a new version; of a published product it is sold from now on',
      access: 'products:write',
      id: 'product',
      body: ProductPatch,
      responses: { 200: ProductBody },
      refusals: [
        'product.not_found',
        'merchant.not_found',
        'store.not_found',
        'policy.expiry_not_allowed',
        'policy.validity_too_short',
        'product.terms_invalid',
      ],
    },
    async ({ caller, id, body }) => {
      if (body.faces !== undefined && body.face_range !== undefined)
        return refused(shapeRefusal(facesOrRange))
      const change = { terms: changedBy(body), metadata: body.metadata }
      const now = deps.bookNow(caller.mode)
      const revised = await reviseProduct(deps, caller.book, id, change, now)
      return revised.ok ? okay(presentProduct(revised.value)) : revised
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/products/{id}/publish',
      summary: 'Publishes a draft, so that its cards can be sold; again is no harm',
      access: 'products:write',
      id: 'product',
      responses: { 200: ProductBody },
      refusals: ['product.not_found', 'policy.expiry_not_allowed', 'policy.validity_too_short'],
    },
    async ({ caller, id }) => {
      const now = deps.bookNow(caller.mode)
      const published = await publishProduct(deps, caller.book, id, now)
      return published.ok ? okay(presentProduct(published.value)) : published
    },
  )
}

function registerReads(app: LikaApp, { programs }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/products',
      summary: 'Lists products, the newest first',
      access: 'products:read',
      query: closed({ ...paging, reference: Type.Optional(Reference) }),
      responses: { 200: pageOf(ProductBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('products', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const filter = { reference: query.reference, before: afterId, limit: limit + 1 }
      const rows = await programs.list(caller.book, filter)
      return okay(presentPage('products', asked.value, rows, ({ id }) => [id], presentProduct))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/products/{id}',
      summary: 'Shows a product with the terms of its latest version',
      access: 'products:read',
      id: 'product',
      responses: { 200: ProductBody },
      refusals: ['product.not_found'],
    },
    async ({ caller, id }) => {
      const product = await programs.find(caller.book, id)
      return product === undefined ? refused(notFound('product')) : okay(presentProduct(product))
    },
  )
}

const facesOrRange = [{ path: 'faces', message: 'needs either faces or face_range' }]

/** undefined: neither or both were given. */
function facesIn(body: Pick<Static<typeof NewProduct>, 'faces' | 'face_range'>) {
  const { faces, face_range: range } = body
  if (faces !== undefined) return range === undefined ? { values: faces.map(BigInt) } : undefined
  return range && { min: BigInt(range.min), max: BigInt(range.max) }
}

/** What is left out stays as it is; an acceptance that is given replaces the former whole. */
function changedBy(patch: Static<typeof ProductPatch>): (latest: Terms) => Terms {
  return (latest) => ({
    name: patch.name ?? latest.name,
    kind: patch.kind ?? latest.kind,
    registered: patch.registered ?? latest.registered,
    carrier: patch.carrier ?? latest.carrier,
    faces: facesIn(patch) ?? latest.faces,
    validityMonths:
      patch.validity_months === undefined ? latest.validityMonths : patch.validity_months,
    coolingOffHours:
      patch.cooling_off_hours === undefined
        ? (latest.coolingOffHours ?? null)
        : patch.cooling_off_hours,
    renewalMonths:
      patch.renewal_months === undefined ? (latest.renewalMonths ?? null) : patch.renewal_months,
    reloadable: patch.reloadable ?? latest.reloadable,
    model: patch.model ?? latest.model,
    acceptance: patch.acceptance === undefined ? latest.acceptance : acceptanceIn(patch.acceptance),
    consumeOrder: patch.consume_order ?? latest.consumeOrder,
  })
}

function presentProduct(product: Product) {
  const { terms } = product
  return {
    id: formatId('product', product.id),
    version: product.version,
    status: product.status,
    name: terms.name,
    kind: terms.kind,
    registered: terms.registered,
    carrier: terms.carrier,
    ...presentFaces(terms.faces),
    validity_months: terms.validityMonths,
    renewal_months: terms.renewalMonths ?? null,
    cooling_off_hours: terms.coolingOffHours ?? null,
    reloadable: terms.reloadable,
    model: terms.model,
    acceptance: presentAcceptance(terms.acceptance),
    consume_order: [...terms.consumeOrder],
    currency: 'CNY' as const,
    reference: product.reference,
    metadata: { ...product.metadata },
    created_at: formatInstant(product.createdAt),
  }
}

function presentFaces(faces: FaceValues) {
  return 'values' in faces
    ? { faces: faces.values.map(fenToJson) }
    : { face_range: { min: fenToJson(faces.min), max: fenToJson(faces.max) } }
}
