/** Rebates as callers see them, made of the outcome alone. */
import { asId, fenToJson, formatId } from '@lika/contract'
import { type Body, fenIn, listIn, membersOf, textIn } from '../cards/facts.ts'

/** `rebates`, where the outcome has some; nothing else. */
export function presentRebates(body: Body) {
  if (body['rebates'] === undefined) return {}
  return {
    rebates: listIn(body, 'rebates').map((one) => {
      const members = membersOf(one)
      const voucher = members['voucherId']
      return {
        campaign_id: formatId('campaign', textIn(members, 'campaignId')),
        card_id: formatId('card', textIn(members, 'cardId')),
        form: textIn(members, 'form') === 'voucher' ? ('voucher' as const) : ('bonus' as const),
        amount: fenToJson(fenIn(members, 'amountFen')),
        set_off: fenToJson(fenIn(members, 'setOffFen')),
        voucher_id: typeof voucher === 'string' ? formatId('voucher', asId(voucher)) : null,
      }
    }),
  }
}

/** `rebates_taken_back`, where a refund took some back; nothing else. */
export function presentTakenBack(body: Body) {
  if (body['takenBack'] === undefined) return {}
  return {
    rebates_taken_back: listIn(body, 'takenBack').map((one) => {
      const members = membersOf(one)
      return {
        campaign_id: formatId('campaign', textIn(members, 'campaignId')),
        card_id: formatId('card', textIn(members, 'cardId')),
        amount: fenToJson(fenIn(members, 'amountFen')),
        from_rebate: fenToJson(fenIn(members, 'fromRebateFen')),
        deducted: fenToJson(fenIn(members, 'deductedFen')),
        owed: fenToJson(fenIn(members, 'owedFen')),
      }
    }),
  }
}
