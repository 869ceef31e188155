/** Routes of the files that merchants show of themselves. */
import { asId, formatId, formatInstant, refusal, refused } from '@lika/contract'
import {
  documentKinds,
  documentTypeOf,
  documentTypes,
  type KeptDocument,
} from '../../modules/merchants/index.ts'
import { newId } from '../../platform/ids.ts'
import type { Deps } from '../deps.ts'
import { created, file } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, oneOf, Timestamp, Type, text } from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'
import { Digest } from './onboarding-shapes.ts'

const mostBytes = 4 * 1024 * 1024
const mostBase64 = Math.ceil(mostBytes / 3) * 4

const DocumentBody = closed({
  id: idOf('document'),
  merchant_id: idOf('merchant'),
  kind: oneOf(documentKinds),
  name: text(200),
  media_type: oneOf(documentTypes),
  digest: Digest,
  size: Type.Integer({ minimum: 1, description: 'bytes' }),
  created_at: Timestamp,
})

export function register(app: LikaApp, { merchants, bookNow }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/merchants/{id}/documents',
      summary: 'Keeps a file of a merchant, encrypted; an application names it by its digest',
      access: 'merchants:write',
      id: 'merchant',
      bodyLimit: mostBase64 + 65_536,
      body: closed({
        kind: oneOf(documentKinds),
        name: text(200),
        content: Type.String({
          minLength: 4,
          maxLength: mostBase64,
          pattern: '^[A-Za-z0-9+/]+={0,2}$',
          description: 'PDF, PNG or JPEG of up to 4 MiB, base64',
        }),
      }),
      responses: { 201: DocumentBody },
      refusals: ['merchant.not_found', 'document.bad_file'],
      rate: { calls: 60, perSeconds: 60 },
    },
    async ({ caller, id, body }) => {
      const { kind, name, content } = body
      const bytes = Buffer.from(content, 'base64')
      if (bytes.toString('base64') !== content) return refused(shapeRefusal(notBase64))
      const mediaType = documentTypeOf(bytes)
      if (mediaType === undefined) return refused(badFile)
      const merchant = await merchants.findMerchant(caller.book, id)
      if (merchant === undefined) return refused(notFound('merchant'))
      const by = { keyId: caller.keyId, owner: caller.owner, at: bookNow(caller.mode) }
      const document = { id: asId<'document'>(newId()), book: caller.book, merchantId: id }
      const kept = await merchants.keepDocument({ ...document, kind, name, mediaType }, bytes, by)
      return created(presentDocument(kept))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/merchant_documents/{id}/file',
      summary: 'Gives out the file of a merchant to those who decide',
      access: 'merchants:write',
      id: 'document',
      responses: {},
      files: documentTypes,
      refusals: ['document.not_found'],
    },
    async ({ caller, id }) => {
      const opened = await merchants.openDocument(caller.book, id)
      if (opened === undefined) return refused(notFound('document'))
      // Whatever is in it, a browser that shows it runs nothing of it.
      return file(opened.mediaType, opened.file, {
        'content-disposition': 'attachment',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
      })
    },
  )
}

const notBase64 = [{ path: 'content', message: 'is not base64' }]
const badFile = refusal('document.bad_file', 'The file is neither a PDF nor a PNG nor a JPEG.', {
  data: { allowed_types: [...documentTypes] },
})

function presentDocument(document: KeptDocument) {
  return {
    id: formatId('document', document.id),
    merchant_id: formatId('merchant', document.merchantId),
    kind: document.kind,
    name: document.name,
    media_type: document.mediaType,
    digest: document.digest,
    size: document.size,
    created_at: formatInstant(document.createdAt),
  }
}
