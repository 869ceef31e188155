/** Money that comes onto a card from outside: how it was paid, whether the law takes it, which accounts it moves. */
import {
  type AccountId,
  asId,
  type CardId,
  type CharterId,
  type Fen,
  type Instant,
  type IssuerId,
  type Lane,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
  type Uuid,
  withKindAndLane,
} from '@lika/contract'
import { type Buyer, type FundingRow, fundings, recordBuyer } from '../../modules/cards/index.ts'
import { type AccountKindName, accountId, type LedgerDesk } from '../../modules/ledger/index.ts'
import {
  checkCardBalance,
  checkCash,
  checkIdentity,
  type Policy,
} from '../../modules/policy/index.ts'
import { canonical, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { type CardCaller, claimedInput } from './caller.ts'

export interface Funding {
  readonly method: FundingRow['method']
  /** The number of the payment: of the bank, the acquirer, WeChat, the receipt. */
  readonly reference?: string | undefined
  /** Not face to face. */
  readonly remote?: boolean | undefined
}

/** What is bought: principal is paid, bonus is given. Fen. */
export interface Purchase {
  readonly amount: Fen
  readonly bonus: Fen
  readonly funding: Funding
  readonly buyer?: Buyer | undefined
  /** Who acts for the buyer. */
  readonly agent?: Buyer | undefined
}

export const accountOfMethod = {
  bank_transfer: 'bank',
  cash: 'cash',
  card: 'card_acquirer',
  wechat: 'wechat',
  none: 'unfunded',
} as const satisfies Record<Funding['method'], AccountKindName>

export const fundingMethods = ['cash', 'bank_transfer', 'card', 'wechat', 'none'] as const

/** Methods whose payment has a number by which accountants find it. */
const numbered: readonly Funding['method'][] = ['bank_transfer', 'card', 'wechat']

/** Refusals: `funding.reference_missing`. */
export function checkFunding({ method, reference }: Funding): Result<void> {
  if (reference !== undefined || !numbered.includes(method)) return ok(undefined)
  return refused(
    refusal('funding.reference_missing', `A payment by ${method} needs funding.reference.`),
  )
}

/**
 * Whether the law lets this buyer put that much on this card this way. `carried`: what is on the card before.
 * Refusals: `policy.card_limit`, `policy.identity_required`, `policy.cash_not_allowed`.
 */
export function checkPurchase(
  policy: Policy,
  card: { registered: boolean; carried: Fen },
  { amount, bonus, funding, buyer, agent }: Purchase,
): Result<void> {
  const { registered } = card
  const limit = checkCardBalance(policy, {
    registered,
    carriedFen: card.carried,
    addedFen: amount + bonus,
  })
  if (!limit.ok) return limit
  const identity = checkIdentity(policy, { registered, purchaseFen: amount, buyer, agent })
  if (!identity.ok) return identity
  return checkCash(policy, {
    purchaseFen: amount,
    method: funding.method,
    buyerKind: buyer?.kind,
    remote: funding.remote === true,
  })
}

export interface Posting extends Purchase {
  readonly cardId: CardId
  readonly issuerId: IssuerId
  readonly at: Instant
  readonly batchId?: string | null
  /** What the buyer was shown. */
  readonly charterId: CharterId | null
  /** The caller's own number and data for a load. */
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Under which the buyer is on record, where it is not the command's own id. */
  readonly personId?: Uuid | null
}

/** Moves the money and records how it was paid. */
export function postPurchase(view: View, lane: Lane, desk: LedgerDesk, posting: Posting): void {
  const { amount, bonus, funding, cardId, issuerId } = posting
  const own = (kind: AccountKindName): AccountId => accountId(issuerId, kind, lane)
  const ofCard = (kind: AccountKindName): AccountId => accountId(cardId, kind, lane)
  if (amount > 0n) {
    const debit = own(accountOfMethod[funding.method])
    desk.transfer({ debit, credit: ofCard('card_principal'), amount })
  }
  if (bonus > 0n) {
    desk.transfer({ debit: own('bonus_expense'), credit: ofCard('card_bonus'), amount: bonus })
  }
  view.put(fundings, lane, {
    id: view.commandId,
    bookId: view.bookId,
    cardId,
    batchId: posting.batchId ?? null,
    method: funding.method,
    reference: funding.reference ?? null,
    ownReference: posting.reference ?? null,
    personId: posting.personId ?? (posting.buyer === undefined ? null : view.commandId),
    agentId: posting.agent === undefined ? null : agentIdOf(view.commandId),
    charterId: posting.charterId,
    amount,
    bonus,
    at: posting.at,
    metadata: posting.metadata ?? null,
  })
}

/** The record of who acts for the buyer lies beside that of the buyer, which has the id of the command. */
export function agentIdOf(commandId: View['commandId']): Uuid {
  return asId(withKindAndLane(commandId, 1, laneOfId(commandId)))
}

/** The purchase as it goes into the digest of a claim: of people a keyed digest, which tells nobody anything. */
export function claimedPurchase<Input extends Pick<Purchase, 'buyer' | 'agent'>>(
  context: Pick<FlowContext, 'keyring'>,
  caller: CardCaller,
  { buyer, agent, ...input }: Input,
) {
  return {
    ...input,
    ...(buyer !== undefined && { buyer: claimedPerson(context, caller, buyer) }),
    ...(agent !== undefined && { agent: claimedPerson(context, caller, agent) }),
  }
}

export function claimedPerson(
  { keyring }: Pick<FlowContext, 'keyring'>,
  { book }: CardCaller,
  person: object,
): string {
  return keyring.nameDigest(book, 0, canonical(claimedInput(person))).toString('hex')
}

/** Records who buys and who acts for him, before the round: under the id of the command, so that a repeat changes nothing. */
export async function recordPeopleOf(
  { database, keyring, engine }: FlowContext,
  { book: bookId, mode }: CardCaller,
  id: View['commandId'],
  { buyer, agent }: Pick<Purchase, 'buyer' | 'agent'>,
): Promise<void> {
  const at = engine.now(mode)
  if (buyer !== undefined)
    await recordBuyer(database.sql, keyring, { id: asId(id), bookId, buyer, at })
  if (agent !== undefined)
    await recordBuyer(database.sql, keyring, { id: agentIdOf(id), bookId, buyer: agent, at })
}
