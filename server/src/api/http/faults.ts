/** What Fastify and its plugins throw while a request is read, and what it means to the caller. */
import { type Refusal, refusal } from '@lika/contract'

/** A refusal on its way out of a place that can only throw: a content type parser. */
export class RefusedRequest extends Error {
  readonly refusal: Refusal

  constructor(refused: Refusal) {
    super(refused.detail)
    this.refusal = refused
  }
}

export const busy = refusal('busy', 'The database cannot be reached right now. Try again.', {
  retryAfterSeconds: 1,
})

const tooLarge = refusal('request.too_large', 'The body is larger than this route takes.')
const unsupported = refusal('media_type.unsupported', 'This route does not take this content type.')
const malformed = refusal('request.malformed', 'The request could not be read.')
const noRoute = refusal('route.not_found', 'The path is not a valid one.')

/** What the reader of multipart bodies throws at one that ends early, or whose boundary is none; it has no codes for that. */
const brokenMultipart = /unexpected end of multipart data|^Multipart: |^The needle cannot/i

/** undefined: a fault of ours. */
export function refusalOfError(error: unknown): Refusal | undefined {
  if (error instanceof RefusedRequest) return error.refusal
  if (error instanceof Error && brokenMultipart.test(error.message)) return malformed
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const code = 'code' in error ? error.code : undefined
  if (code === 'FST_ERR_BAD_URL') return noRoute
  switch (error.statusCode) {
    case 413:
      return tooLarge
    case 406:
    case 415:
      return unsupported
    case 400:
      return malformed
    default:
      return undefined
  }
}
