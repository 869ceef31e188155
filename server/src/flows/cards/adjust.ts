/** Correcting a sub-balance by hand, against the issuer's account of adjustments. */
import {
  type CardId,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  formatYuan,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
  type SubBalance,
} from '@lika/contract'
import { checkCard } from '../../modules/cards/index.ts'
import { accountId } from '../../modules/ledger/index.ts'
import { checkCardBalance } from '../../modules/policy/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import type { CardCaller } from './caller.ts'
import {
  type Body,
  balanceBody,
  balanceFrom,
  currency,
  fenIn,
  presentBalance,
  textIn,
} from './facts.ts'
import { noteReason } from './freeze.ts'
import { type Law, lawOf } from './law.ts'
import {
  balanceOn,
  commandOnCard,
  holdsOf,
  nameRefusal,
  type OnCard,
  termsOfCard,
} from './on-card.ts'

export interface AdjustInput {
  readonly cardId: CardId
  /** Fen, negative to take away. */
  readonly amount: Fen
  readonly subBalance: SubBalance
  readonly reason: string
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Also for frozen and expired cards, and for lost ones to add: nothing leaves a lost card. Refusals: `card.not_found`,
 * `reference.already_used`, the states of a card, `card.lost` for less, `amount.out_of_range` for 0, `policy.card_limit` for more, `funds.insufficient` for less than is available there.
 */
export async function adjustCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: AdjustInput,
  key: string,
): Promise<Result<Command>> {
  const law = await lawOf(context, caller.issuerId)
  const { amount, subBalance, reason, reference, metadata } = input
  const name = reference === undefined ? undefined : { kind: nameKinds.adjustment, name: reference }
  const asked = { cardId, operation: 'adjustment.created', key, input, name }
  return commandOnCard(context, caller, asked, async (_, lane, nameState) => {
    const taken = await nameRefusal(context, nameState, 'adjustment')
    return (on) => {
      const { view, desk } = on
      if (taken !== undefined) return { ok: false, refusal: taken }
      const allowed = checkAdjustment(context, law, on, input)
      if (!allowed.ok) return allowed
      const ofCard = on[subBalance]
      const ofIssuer = accountId(caller.issuerId, 'adjustment', lane)
      desk.transfer(
        amount > 0n
          ? { debit: ofIssuer, credit: ofCard, amount }
          : { debit: ofCard, credit: ofIssuer, amount: -amount },
      )
      noteReason(on, 'adjustment', reason, {
        reference: reference ?? null,
        metadata: metadata ?? null,
      })
      const body = {
        adjustmentId: view.commandId,
        cardId,
        amountFen: String(amount),
        subBalance,
        balance: balanceBody(balanceOn(on)),
        ...holdsOf(on),
      }
      return { ok: true, value: { kind: 'adjustment.created', version: 1, body } }
    }
  })
}

function checkAdjustment(
  context: FlowContext,
  law: Law,
  on: OnCard,
  { amount, subBalance }: Pick<AdjustInput, 'amount' | 'subBalance'>,
): Result<void> {
  const allowed = checkCard(on.card, 'adjust', on.now, 'ignored')
  if (!allowed.ok) return allowed
  if (amount < 0n && on.card.state === 'lost') {
    return refused(refusal('card.lost', 'The card is reported lost: nothing is taken from it.'))
  }
  if (amount === 0n)
    return refused(refusal('amount.out_of_range', 'An adjustment of 0 changes nothing.'))
  if (amount > 0n) {
    const { registered } = termsOfCard(context, on.card)
    const { principal, bonus } = balanceOn(on)
    return checkCardBalance(law.at(on.now), {
      registered,
      carriedFen: principal + bonus,
      addedFen: amount,
    })
  }
  const available = on.desk.available(on[subBalance])
  if (available >= -amount) return ok(undefined)
  return refused(
    refusal('funds.insufficient', `${formatYuan(available)} yuan of ${subBalance} are available.`, {
      data: { available: fenToJson(available) },
    }),
  )
}

export function presentAdjustment(
  body: Body,
  at: Instant,
  { reason, reference, metadata }: Pick<AdjustInput, 'reason' | 'reference' | 'metadata'>,
) {
  return {
    id: formatId('adjustment', textIn(body, 'adjustmentId')),
    card_id: formatId('card', textIn(body, 'cardId')),
    amount: fenToJson(fenIn(body, 'amountFen')),
    currency,
    sub_balance:
      textIn(body, 'subBalance') === 'bonus' ? ('bonus' as const) : ('principal' as const),
    reason,
    balance: presentBalance(balanceFrom(body['balance'])),
    reference: reference ?? null,
    metadata: { ...metadata },
    created_at: formatInstant(at),
  }
}
