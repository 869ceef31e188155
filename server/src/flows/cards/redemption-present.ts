/** A redemption as it is answered, from the body of its entry or from its row: always the same. */
import { fenToJson, formatId, formatInstant, type Instant } from '@lika/contract'
import { payoutMethods, redemptionReasons } from '../../modules/cards/index.ts'
import { type Body, currency, fenIn, type Given, listIn, membersOf, textIn } from './facts.ts'
import { fundingMethods } from './purchase.ts'

export function presentRedemption(body: Body, at: Instant, { reference, metadata }: Given) {
  const formula = membersOf(body['formula'])
  const amount = (members: Body, name: string) => fenToJson(fenIn(members, name))
  return {
    id: formatId('redemption', textIn(body, 'redemptionId')),
    card_id: formatId('card', textIn(body, 'cardId')),
    reason: oneIn(redemptionReasons, body, 'reason'),
    principal_returned: amount(body, 'principalReturnedFen'),
    bonus_forfeited: amount(body, 'bonusForfeitedFen'),
    fee: amount(body, 'feeFen'),
    currency,
    payout: {
      method: oneIn(payoutMethods, body, 'payoutMethod'),
      routes: listIn(body, 'routes').map((one) => {
        const route = membersOf(one)
        return {
          method: oneIn(fundingMethods, route, 'method'),
          amount: amount(route, 'amountFen'),
        }
      }),
      pay_by: typeof body['payBy'] === 'string' ? body['payBy'] : null,
    },
    formula: {
      articles: textIn(formula, 'articles'),
      sold_at: formatInstant(Number(body['soldAt'])),
      paid: amount(formula, 'paidFen'),
      bonus_given: amount(formula, 'bonusGivenFen'),
      consumed: amount(formula, 'consumedFen'),
      consumed_value: amount(formula, 'consumedValueFen'),
      due: amount(formula, 'dueFen'),
      principal_on_card: amount(formula, 'principalFen'),
      owed_beyond_card: amount(formula, 'owedBeyondCardFen'),
      bonus_charged: amount(formula, 'bonusChargedFen'),
      kept: amount(formula, 'keptFen'),
    },
    interest: presentInterest(formula['interest'] ?? null),
    reference: reference ?? null,
    metadata: { ...metadata },
    created_at: formatInstant(at),
  }
}

function presentInterest(interest: Body[string] | null) {
  if (interest === null) return null
  const members = membersOf(interest)
  return {
    table: textIn(members, 'table'),
    rate_bp: Number(members['rateBp']),
    rate_confirmed: members['rateConfirmed'] === true,
    days: Number(members['days']),
    amount: fenToJson(fenIn(members, 'amountFen')),
  }
}

/** @throws for a body that this code did not make. */
function oneIn<T extends string>(names: readonly T[], body: Body, member: string): T {
  const text = textIn(body, member)
  const name = names.find((one) => one === text)
  if (name === undefined) throw new Error(`${member} of the entry is ${text}`)
  return name
}
