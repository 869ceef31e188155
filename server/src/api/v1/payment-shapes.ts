/** The shapes that payments, holds and refunds share: what tills send, and how it is read for the flows. */
import { channels, holdStates, ok, type Result, subBalances } from '@lika/contract'
import type { ChargeInput, SourceInput, TillCaller } from '../../flows/payments/till-caller.ts'
import type { KeyCaller } from '../../modules/access/index.ts'
import { contradiction, mostSources } from '../../modules/payments/index.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  Metadata,
  nullable,
  oneOf,
  Reference,
  readId,
  readInstant,
  type Static,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { GivenRebates } from './rebate-shapes.ts'

const Source = closed(
  {
    card_id: Type.Optional(idOf('card')),
    number: Type.Optional(text(64)),
    secret: Type.Optional(text(64)),
    pay_code: Type.Optional(text(64)),
    amount: Type.Optional(Amount),
  },
  { description: 'card_id, or number and secret, or pay_code; amount in all sources or in none.' },
)

const ChannelName = oneOf(channels, 'how the buyer came to the till; some products ask for it')

/** What payments and holds are made of. */
export const chargeMembers = {
  amount: Amount,
  currency: Currency,
  merchant_id: idOf('merchant'),
  store_id: Type.Optional(idOf('store')),
  terminal_id: Type.Optional(idOf('terminal')),
  channel: Type.Optional(ChannelName),
  reference: Reference,
  sources: Type.Array(Source, { minItems: 1, maxItems: mostSources }),
  metadata: Type.Optional(Metadata),
  dry_run: Type.Optional(Type.Boolean()),
  not_after: Type.Optional(Timestamp),
}
const ChargeMembers = closed(chargeMembers)

export const Allocations = Type.Array(
  closed({
    card_id: idOf('card'),
    sub_balance: oneOf([...subBalances, 'voucher']),
    voucher_id: Type.Optional(idOf('voucher')),
    amount: Amount,
    balance_after: AmountOrZero,
  }),
)

/** Of what stands at a till. */
const atTill = {
  merchant_id: idOf('merchant'),
  store_id: nullable(idOf('store')),
  terminal_id: nullable(idOf('terminal')),
  channel: Type.Optional(ChannelName),
  reference: Reference,
  metadata: Metadata,
  created_at: Timestamp,
}

export const paymentMembers = {
  status: oneOf(['succeeded', 'cancelled']),
  amount: Amount,
  currency: Currency,
  refunded_amount: AmountOrZero,
  hold_id: nullable(idOf('hold')),
  allocations: Allocations,
  ...atTill,
}

const paymentShown = {
  id: idOf('payment'),
  ...paymentMembers,
  receipt_number: Type.String(),
}
export const PaymentBody = closed(paymentShown)

/** With what campaigns gave for it. */
export const Paid = closed({ ...paymentShown, rebates: GivenRebates })

const holdMembers = {
  status: oneOf(holdStates),
  amount: Amount,
  currency: Currency,
  captured_amount: AmountOrZero,
  released_amount: AmountOrZero,
  allocations: Allocations,
  expires_in: Type.Integer({ description: 'seconds' }),
  expires_at: Timestamp,
  ...atTill,
}

export const HoldBody = closed({ id: idOf('hold'), ...holdMembers })

/** Of a dry run: it has no id, because nothing was made. */
export const PaymentPreview = closed({
  id: Type.Null(),
  ...paymentMembers,
  receipt_number: Type.Null(),
})
export const HoldPreview = closed({ id: Type.Null(), ...holdMembers })

export function tillCaller({ book, keyId }: KeyCaller, address: string): TillCaller {
  return { book, keyId, address }
}

/** Refusals: `sources.invalid` for a source that names not exactly one thing. */
export function readCharge(body: Static<typeof ChargeMembers>): Result<ChargeInput> {
  const sources: SourceInput[] = []
  for (const source of body.sources) {
    const known = readSource(source)
    if (known === undefined) return oneKindEach
    sources.push(known)
  }
  return ok({
    amount: BigInt(body.amount),
    merchantId: readId('merchant', body.merchant_id),
    storeId: body.store_id === undefined ? undefined : readId('store', body.store_id),
    terminalId: body.terminal_id === undefined ? undefined : readId('terminal', body.terminal_id),
    channel: body.channel,
    reference: body.reference,
    sources,
    metadata: body.metadata,
    notAfter: body.not_after === undefined ? undefined : readInstant(body.not_after),
  })
}

const oneKindEach = contradiction(
  'A source has either card_id, or number and secret, or pay_code, and nothing else.',
)

function readSource(source: Static<typeof Source>): SourceInput | undefined {
  const { card_id, number, secret, pay_code } = source
  const amount = source.amount === undefined ? undefined : BigInt(source.amount)
  const kinds = [card_id, number ?? secret, pay_code].filter((one) => one !== undefined)
  if (kinds.length !== 1) return undefined
  if (card_id !== undefined) return { kind: 'card', cardId: readId('card', card_id), amount }
  if (pay_code !== undefined) return { kind: 'pay_code', code: pay_code, amount }
  if (number === undefined || secret === undefined) return undefined
  return { kind: 'number', number, secret, amount }
}

/** What taking money, or setting it aside, can refuse. */
export const chargeRefusals = [
  'sources.invalid',
  'merchant.not_found',
  'store.not_found',
  'terminal.not_found',
  'card.not_found',
  'card.not_recognised',
  'pay_code.not_recognised',
  'command.too_late',
  'payment.cancelled',
  'reference.already_used',
  'merchant.suspended',
  'merchant.not_approved',
  'pay_code.already_used',
  'pay_code.expired',
  'card.replaced',
  'card.closed',
  'card.lost',
  'card.frozen',
  'card.sealed',
  'card.not_active',
  'card.expired',
  'merchant.not_in_scope',
  'channel.not_in_scope',
  'time.not_in_scope',
  'amount.out_of_range',
  'funds.insufficient',
] as const
