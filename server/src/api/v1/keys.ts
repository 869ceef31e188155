/** Routes of API keys. */
import {
  bookOf,
  formatId,
  formatInstant,
  type IssuerId,
  issuerOfBook,
  modeOfBook,
  ok,
  type Result,
  refused,
  scopes,
} from '@lika/contract'
import { type Caller, mayMakeKey, type StoredKey } from '../../modules/access/index.ts'
import { realNow } from '../../platform/clock.ts'
import type { Deps } from '../deps.ts'
import { created, noContent, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  ModeName,
  NoContent,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  readId,
  readInstant,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const Scopes = Type.Array(oneOf(scopes), { minItems: 1, maxItems: scopes.length })

const keyMembers = {
  id: idOf('key'),
  issuer_id: idOf('issuer'),
  mode: ModeName,
  name: text(100),
  owner: text(100),
  scopes: Scopes,
  last4: Type.String({ minLength: 4, maxLength: 4 }),
  ...shown,
  created_at: Timestamp,
  expires_at: nullable(Timestamp),
  revoked_at: nullable(Timestamp),
}
const KeyBody = closed(keyMembers)
const NewKeyBody = closed({ ...keyMembers, secret: Type.String() })

export function register(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/keys',
      summary: 'Makes a key; its secret is answered this once',
      access: { operatorOr: 'keys:write' },
      body: closed({
        issuer_id: Type.Optional(idOf('issuer')),
        name: text(100),
        owner: text(100),
        scopes: Scopes,
        mode: ModeName,
        expires_at: Type.Optional(Timestamp),
        ...given,
      }),
      responses: { 201: NewKeyBody },
      refusals: [
        'issuer.not_found',
        'auth.scope_not_held',
        'date.out_of_range',
        'reference.already_used',
      ],
    },
    async ({ caller, body }) => {
      const issuer = await issuerMeant(deps, caller, body.issuer_id)
      if (!issuer.ok) return issuer
      if (issuer.value === undefined) {
        const errors = [{ path: 'issuer_id', message: 'is required with the operator key' }]
        return refused(shapeRefusal(errors))
      }
      const expiresAt = body.expires_at === undefined ? null : readInstant(body.expires_at)
      const wanted = { mode: body.mode, scopes: [...new Set(body.scopes)], expiresAt }
      const allowed = mayMakeKey(caller, wanted, realNow())
      if (!allowed.ok) return allowed
      const made = await deps.access.makeKey({
        book: bookOf(issuer.value, body.mode),
        name: body.name,
        owner: body.owner,
        scopes: wanted.scopes,
        expiresAt,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
      })
      if ('existing' in made) return refused(referenceTaken('key', made.existing))
      return created({ ...presentKey(made.key), secret: made.token })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/keys',
      summary: 'Lists keys, the newest first; revoked ones too',
      access: { operatorOr: 'keys:read' },
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        issuer_id: Type.Optional(idOf('issuer')),
      }),
      responses: { 200: pageOf(KeyBody) },
      refusals: ['cursor.invalid', 'issuer.not_found'],
    },
    async ({ caller, query }) => {
      const asked = readPage('keys', [uuidPart], query)
      if (!asked.ok) return asked
      const issuer = await issuerMeant(deps, caller, query.issuer_id)
      if (!issuer.ok) return issuer
      const rows = await deps.access.keys({
        books: booksOf(caller, issuer.value),
        reference: query.reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('keys', asked.value, rows, ({ id }) => [id], presentKey))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/keys/{id}',
      summary: 'Shows a key, without its secret',
      access: { operatorOr: 'keys:read' },
      id: 'key',
      responses: { 200: KeyBody },
      refusals: ['key.not_found'],
    },
    async ({ caller, id }) => {
      const [key] = await deps.access.keys({ books: booksOf(caller), id })
      return key === undefined ? refused(notFound('key')) : okay(presentKey(key))
    },
  )

  app.route(
    {
      method: 'DELETE',
      path: '/v1/keys/{id}',
      summary: 'Revokes a key, at once and for good; it stays in the list',
      access: { operatorOr: 'keys:write' },
      id: 'key',
      responses: { 204: NoContent },
      refusals: ['key.not_found'],
    },
    async ({ caller, id }) => {
      const found = await deps.access.revoke({ books: booksOf(caller), id })
      return found ? noContent() : refused(notFound('key'))
    },
  )
}

/** The issuer that is named, or the caller's own; undefined: the operator named none. */
async function issuerMeant(
  deps: Deps,
  caller: Caller,
  named: string | undefined,
): Promise<Result<IssuerId | undefined>> {
  const own = caller.kind === 'key' ? caller.issuerId : undefined
  if (named === undefined) return ok(own)
  const id = readId('issuer', named)
  const isOthers = own !== undefined && own !== id
  const issuer = isOthers ? undefined : await deps.issuers.find(id)
  return issuer === undefined ? refused(notFound('issuer')) : ok(issuer.id)
}

/** Whose keys the caller may see: a key those of its own book, the operator all. */
function booksOf(caller: Caller, issuer?: IssuerId) {
  if (caller.kind === 'key') return [caller.book]
  return issuer === undefined ? undefined : [bookOf(issuer, 'test'), bookOf(issuer, 'live')]
}

function presentKey(key: StoredKey) {
  return {
    id: formatId('key', key.id),
    issuer_id: formatId('issuer', issuerOfBook(key.book)),
    mode: modeOfBook(key.book),
    name: key.name,
    owner: key.owner,
    scopes: [...key.scopes],
    last4: key.last4,
    reference: key.reference,
    metadata: { ...key.metadata },
    created_at: formatInstant(key.createdAt),
    expires_at: key.expiresAt === null ? null : formatInstant(key.expiresAt),
    revoked_at: key.revokedAt === null ? null : formatInstant(key.revokedAt),
  }
}
