/** Routes of charters: the texts under which cards are sold, published in versions that stay. */
import { createHash } from 'node:crypto'
import { asId, formatId, formatInstant, refused } from '@lika/contract'
import {
  type Charter,
  publishCharter,
  selectCharter,
  selectCharters,
} from '../../modules/charters/index.ts'
import { newId } from '../../platform/ids.ts'
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
  type Static,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the text, hex' })
const Document = Type.String({ minLength: 1, maxLength: 60_000, pattern: '^[^\\u0000]*$' })

const NewCharter = closed({
  title: text(200),
  text_digest: Type.Optional(Digest),
  document: Type.Optional(Document),
  ...given,
})

const CharterBody = closed({
  id: idOf('charter'),
  version: Type.Integer({ minimum: 1 }),
  title: text(200),
  text_digest: Digest,
  document: nullable(Document),
  ...shown,
  published_at: Timestamp,
})

export function register(app: LikaApp, { database, bookNow }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'POST',
      path: '/v1/charters',
      summary: 'Publishes the next version of the charter; cards sold from now on link to it',
      access: 'products:write',
      body: NewCharter,
      responses: { 201: CharterBody },
      refusals: ['reference.already_used'],
    },
    async ({ caller, body }) => {
      const digest = digestOf(body)
      if (digest === undefined) return refused(shapeRefusal(eitherOr))
      const made = await publishCharter(sql, {
        id: asId(newId()),
        bookId: caller.book,
        title: body.title,
        digest,
        document: body.document ?? null,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
        publishedAt: bookNow(caller.mode),
      })
      return 'existing' in made
        ? refused(referenceTaken('charter', made.existing))
        : created(presentCharter(made.published))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/charters',
      summary: 'Lists charters, the newest first',
      access: 'products:read',
      query: closed({ ...paging, reference: Type.Optional(Reference) }),
      responses: { 200: pageOf(CharterBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('charters', [uuidPart], query)
      if (!asked.ok) return asked
      const rows = await selectCharters(sql, caller.book, {
        reference: query.reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('charters', asked.value, rows, ({ id }) => [id], presentCharter))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/charters/{id}',
      summary: 'Shows a charter',
      access: 'products:read',
      id: 'charter',
      responses: { 200: CharterBody },
      refusals: ['charter.not_found'],
    },
    async ({ caller, id }) => {
      const charter = await selectCharter(sql, caller.book, id)
      return charter === undefined ? refused(notFound('charter')) : okay(presentCharter(charter))
    },
  )
}

const eitherOr = [{ path: 'document', message: 'is given, or text_digest: one of them, not both' }]

/** undefined: not exactly one of the two was given. */
function digestOf({ document, text_digest: digest }: Static<typeof NewCharter>) {
  if ((document === undefined) === (digest === undefined)) return undefined
  return document === undefined
    ? Buffer.from(digest ?? '', 'hex')
    : createHash('sha256').update(document).digest()
}

function presentCharter(charter: Charter) {
  return {
    id: formatId('charter', charter.id),
    version: charter.version,
    title: charter.title,
    text_digest: Buffer.from(charter.digest).toString('hex'),
    document: charter.document,
    reference: charter.reference,
    metadata: { ...charter.metadata },
    published_at: formatInstant(charter.publishedAt),
  }
}
