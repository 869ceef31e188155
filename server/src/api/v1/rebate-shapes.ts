/** How answers tell what campaigns gave with something, and what was taken back with something else. */
import { Amount, AmountOrZero, closed, idOf, nullable, oneOf, Type } from '../http/schemas.ts'

export const GivenRebates = Type.Optional(
  Type.Array(
    closed({
      campaign_id: idOf('campaign'),
      card_id: idOf('card'),
      form: oneOf(['bonus', 'voucher']),
      amount: Amount,
      set_off: AmountOrZero,
      voucher_id: nullable(idOf('voucher')),
    }),
    { description: 'What campaigns gave with it; set_off: of it, what the holder owed.' },
  ),
)

export const TakenBackRebates = Type.Optional(
  Type.Array(
    closed({
      campaign_id: idOf('campaign'),
      card_id: idOf('card'),
      amount: AmountOrZero,
      from_rebate: AmountOrZero,
      deducted: AmountOrZero,
      owed: AmountOrZero,
    }),
    {
      description:
        'amount = from_rebate + deducted + owed: out of what was left of the rebate, out of the money given back, and set off against the next rebates',
    },
  ),
)
