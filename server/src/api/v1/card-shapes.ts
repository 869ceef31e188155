/** The shapes that the routes of cards share, and how their requests become the input of flows. */
import type { Result } from '@lika/contract'
import { factsOf, type Given, presentCard } from '../../flows/cards/facts.ts'
import { findCard } from '../../flows/cards/find.ts'
import { type Funding, fundingMethods } from '../../flows/cards/purchase.ts'
import { executeOnCards } from '../../flows/cards/repeat.ts'
import type { KeyCaller } from '../../modules/access/index.ts'
import type { CardView } from '../../modules/cards/index.ts'
import { type Buyer, idTypes } from '../../modules/cards/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import type { Deps } from '../deps.ts'
import type { Done } from '../http/answers.ts'
import {
  AmountOrZero,
  CardStatusName,
  Currency,
  closed,
  idOf,
  nullable,
  oneOf,
  Reference,
  type Static,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import type { Refused } from '../http/spec.ts'

export const Balance = closed(
  { available: AmountOrZero, held: AmountOrZero, principal: AmountOrZero, bonus: AmountOrZero },
  { description: 'fen; principal + bonus = available + held' },
)

export const Card = closed({
  id: idOf('card'),
  number_last4: Type.String(),
  product_id: idOf('product'),
  product_version: Type.Integer({ minimum: 1 }),
  status: CardStatusName,
  balance: Balance,
  currency: Currency,
  expires_at: nullable(Timestamp),
  parent_id: nullable(idOf('card')),
  replaces: nullable(idOf('card')),
  replaced_by: nullable(idOf('card')),
  batch_id: nullable(idOf('batch')),
  charter_id: nullable(idOf('charter')),
  ...shown,
  created_at: Timestamp,
  activated_at: nullable(Timestamp),
  sealed_until: nullable(Timestamp),
})

const person = {
  kind: oneOf(['person', 'unit']),
  name: Type.Optional(text(100)),
  id_type: Type.Optional(oneOf(idTypes)),
  id_number: Type.Optional(text(40)),
  phone: Type.Optional(text(40)),
}

export const BuyerGiven = closed(person, {
  description: 'Who buys; kept encrypted and answered nowhere. Policies say when it is needed.',
})

export const HolderGiven = closed(person, {
  description: 'Whoever brings the card, where it is not the buyer on record; kept like the buyer.',
})

export const AgentGiven = closed(person, {
  description: 'Who acts for the buyer; identified and kept like the buyer.',
})

export const FundingGiven = closed({
  method: oneOf(fundingMethods),
  reference: Type.Optional(Reference),
  remote: Type.Optional(Type.Boolean({ description: 'not face to face' })),
})

export const FundingShown = closed({
  method: oneOf(fundingMethods),
  reference: nullable(Reference),
})

export function buyerFrom(given: Static<typeof BuyerGiven> | undefined): Buyer | undefined {
  if (given === undefined) return undefined
  const { kind, name, id_type: idType, id_number: idNumber, phone } = given
  return { kind, name, idType, idNumber, phone }
}

export function fundingFrom({ method, reference, remote }: Static<typeof FundingGiven>): Funding {
  return {
    method,
    ...(reference !== undefined && { reference }),
    ...(remote !== undefined && { remote }),
  }
}

/** What every action on a card can be refused with by the card's state. */
export const stateRefusals = [
  'card.not_found',
  'card.replaced',
  'card.closed',
  'card.lost',
  'card.frozen',
  'card.not_active',
  'card.already_active',
  'card.sealed',
] as const

export const purchaseRefusals = [
  'funding.reference_missing',
  'policy.sale_stopped',
  'policy.charter_missing',
  'policy.card_limit',
  'policy.identity_required',
  'policy.cash_not_allowed',
] as const

export function presentView({ card, balance }: CardView, now: number) {
  return presentCard(factsOf(card, balance), card, now)
}

interface CommandCall {
  execute(command: Command): Promise<Executed>
}

/**
 * Runs the command of a flow and answers what `present` makes of its outcome: with the status of the first time, also
 * when it is a repeat.
 */
export async function runOnCard<S extends 200 | 201, B>(
  call: CommandCall,
  command: Result<Command>,
  status: S,
  present: (done: Done) => B | Promise<B>,
): Promise<{ status: S; body: B; replayed: boolean } | Refused> {
  if (!command.ok) return command
  const result = await executeOnCards((one) => call.execute(one), command.value)
  const { replayed } = result
  if (result.status === 'refused') return { ok: false, refusal: result.refusal, replayed }
  return { status, body: await present(result), replayed }
}

/** What the card was given when it was made; it never changes. */
export async function givenOf(
  { flows }: Deps,
  caller: KeyCaller,
  cardId: Parameters<typeof findCard>[2],
): Promise<Given> {
  const found = await findCard(flows, caller, cardId)
  return found.ok ? found.value.card : {}
}
