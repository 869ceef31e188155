/** A membership card as WeChat wants it told, from what an issuer says of it. */

export interface MemberCard {
  readonly title: string
  readonly brandName: string
  readonly logoUrl: string
  readonly color: string
  readonly notice: string
  readonly servicePhone: string
  readonly description: string
  readonly prerogative: string
  readonly quantity: number
  /** Shows a balance: for issuers on file for prepaid cards only. */
  readonly showsBalance: boolean
  readonly showsBonus: boolean
}

/** The member `card` of `/card/create`: valid for ever, one for each person, a barcode, active by our word alone. */
export function memberCardForWechat(card: MemberCard): Readonly<Record<string, unknown>> {
  return {
    card_type: 'MEMBER_CARD',
    member_card: {
      base_info: {
        logo_url: card.logoUrl,
        code_type: 'CODE_TYPE_BARCODE',
        brand_name: card.brandName,
        title: card.title,
        color: card.color,
        notice: card.notice,
        service_phone: card.servicePhone,
        description: card.description,
        date_info: { type: 'DATE_TYPE_PERMANENT' },
        sku: { quantity: card.quantity },
        get_limit: 1,
        can_give_friend: false,
      },
      supply_bonus: card.showsBonus,
      supply_balance: card.showsBalance,
      prerogative: card.prerogative,
      auto_activate: false,
    },
  }
}
