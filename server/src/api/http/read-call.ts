/** Makes a call out of a request: idempotency key, query, body and id, in the order in which they are refused. */
import {
  formatId,
  type Id,
  type IdKind,
  idPrefixes,
  parseId,
  type Refusal,
  type RefusalCode,
  refusal,
} from '@lika/contract'
import { queryReader } from './query.ts'
import { closed } from './schemas.ts'
import { type Check, compileCheck, type PathError, shapeRefusal } from './shapes.ts'
import type { AnySpec } from './spec.ts'

/** What arrived, from a connection or from inside a bulk. */
export interface Arrived {
  readonly idempotencyKey: string | string[] | undefined
  readonly query: unknown
  readonly body: unknown
  readonly id: string | undefined
}

export interface Understood {
  readonly idempotencyKey: string | undefined
  readonly query: unknown
  readonly body: unknown
  readonly id: Id | undefined
}

export type CallReader = (arrived: Arrived) => Understood | { readonly refusal: Refusal }

const nothing = closed({})

/**
 * Refusals: `idempotency.key_missing`, `request.invalid` (key, then query and body together), `<noun>.not_found`.
 */
export function callReader(spec: AnySpec): CallReader {
  const readQuery = queryReader(spec.query ?? nothing)
  const checkQuery = compileCheck(spec.query ?? nothing)
  const checkBody = bodyCheck(spec)
  return ({ idempotencyKey, query, body, id }) => {
    const key = spec.idempotent === true ? readKey(idempotencyKey) : undefined
    if (typeof key === 'object') return { refusal: key }
    const asked = readQuery(query)
    const errors = checkQuery(asked)
    const bodyErrors = checkBody(body)
    if (errors !== undefined || bodyErrors !== undefined)
      return { refusal: shapeRefusal([...(errors ?? []), ...(bodyErrors ?? [])]) }
    const understood = { idempotencyKey: key, query: asked, body: body ?? {} }
    if (spec.id === undefined) return { ...understood, id: undefined }
    const known = parseId(spec.id, id ?? '')
    return known === undefined ? { refusal: notFound(spec.id) } : { ...understood, id: known }
  }
}

function bodyCheck(spec: AnySpec): Check {
  if (spec.upload !== undefined || spec.method === 'GET') return () => undefined
  if (spec.body !== undefined) {
    const check = compileCheck(spec.body)
    // Nothing at all is as good as an object without members, where that will do.
    const ofNothing = check({}) === undefined ? undefined : noBody
    return (body) => (body === undefined ? ofNothing : check(body))
  }
  // Nothing, or an object without members.
  const check = compileCheck(nothing)
  return (body) => (body === undefined || body === null ? undefined : check(body))
}

const noBody: PathError[] = [{ path: '', message: 'needs a JSON body' }]

function readKey(header: string | string[] | undefined): string | Refusal {
  if (header === undefined || header === '')
    return refusal('idempotency.key_missing', 'Send a new Idempotency-Key for each new operation.')
  if (typeof header === 'string' && /^[\x20-\x7e]{1,255}$/.test(header)) return header
  return refusal(
    'request.invalid',
    'Idempotency-Key must have 1 to 255 visible ASCII characters.',
    {
      errors: [{ path: 'Idempotency-Key', message: 'must have 1 to 255 visible ASCII characters' }],
    },
  )
}

/** Nouns whose refusals are called otherwise than the kind of id. */
const notFoundCodes = {
  issuer: 'issuer.not_found',
  key: 'key.not_found',
  product: 'product.not_found',
  merchant: 'merchant.not_found',
  contract: 'contract.not_found',
  document: 'document.not_found',
  store: 'store.not_found',
  terminal: 'terminal.not_found',
  card: 'card.not_found',
  load: 'load.not_found',
  adjustment: 'card.not_found',
  payment: 'payment.not_found',
  hold: 'hold.not_found',
  refund: 'refund.not_found',
  redemption: 'redemption.not_found',
  charter: 'charter.not_found',
  campaign: 'campaign.not_found',
  rebate: 'rebate.not_found',
  voucher: 'voucher.not_found',
  load_refund: 'load.not_found',
  presale: 'presale.not_found',
  batch: 'job.not_found',
  import: 'import.not_found',
  job: 'job.not_found',
  event: 'event.not_found',
  endpoint: 'webhook_endpoint.not_found',
  delivery: 'webhook_endpoint.not_found',
  account: 'account.not_found',
  entry: 'entry.not_found',
  settlement: 'settlement.not_found',
  settlement_adjustment: 'settlement_adjustment.not_found',
  payout: 'payout.not_found',
  payout_batch: 'payout_batch.not_found',
  custody: 'custody.not_found',
  movement: 'movement.not_found',
  guarantee: 'guarantee.not_found',
  bank_statement: 'bank_statement.not_found',
  case: 'case.not_found',
  filing: 'filing.not_found',
  correction: 'correction.not_found',
  wechat_account: 'wechat_account.not_found',
  wechat_app: 'wechat_app.not_found',
  card_consume: 'card_consume.not_found',
  member: 'member.not_found',
  order: 'order.not_found',
  combined_payment: 'combined_payment.not_found',
  combined_refund: 'combined_refund.not_found',
  red_packet: 'red_packet.not_found',
} as const satisfies Record<IdKind, RefusalCode>

/** The one answer for an id that is malformed, unknown, of another issuer or of the other mode. */
export function notFound(kind: IdKind): Refusal {
  return refusal(notFoundCodes[kind], `No ${kind} has this id here (${idPrefixes[kind]}_…).`)
}

/** What every create route answers when the caller's own number stands for something else already. */
export function referenceTaken(kind: IdKind, existing: string): Refusal {
  return refusal('reference.already_used', 'This reference stands for something else already.', {
    data: { existing_id: formatId(kind, existing) },
  })
}
