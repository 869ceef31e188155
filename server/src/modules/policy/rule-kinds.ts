/** The catalogue: every rule that the engine knows, with what it means. What it says stands in the packs. */
import { reserveRules } from './reserve-rules.ts'
import type { RuleKind } from './rule-kind.ts'

/** Every rule that the engine knows. The reason for the winning side stands above each group. */
export const ruleKinds = {
  // A lower cap keeps less of the holder's money at the issuer's risk.
  card_limit_registered_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '记名卡余额上限',
    en: 'highest balance of a registered card',
  },
  card_limit_anonymous_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '不记名卡余额上限',
    en: 'highest balance of an anonymous card',
  },
  // Never expiring and expiring later favour the holder.
  registered_card_may_expire: {
    unit: 'switch',
    wins: 'lower',
    zh: '记名卡可设有效期',
    en: 'a registered card may have an expiry',
  },
  validity_min_anonymous_months: {
    unit: 'months',
    wins: 'higher',
    zh: '不记名卡最短有效期',
    en: 'shortest validity of an anonymous card',
  },
  // Duties: the lower threshold is the stricter one. The threshold itself is included.
  identity_from_registered_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '购买记名卡的实名起点(含)',
    en: 'purchase of registered cards from which the buyer must be identified',
  },
  identity_from_anonymous_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '一次性购买不记名卡的实名起点(含)',
    en: 'single purchase of anonymous cards from which the buyer must be identified',
  },
  no_cash_from_unit_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '单位购卡不得使用现金的起点(含)',
    en: 'single purchase by a unit from which cash is not allowed',
  },
  no_cash_from_person_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '个人购卡不得使用现金的起点(含)',
    en: 'single purchase by a person from which cash is not allowed',
  },
  no_cash_from_remote_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '非现场购卡不得使用现金的起点(含)',
    en: 'purchase not made face to face from which cash is not allowed',
  },
  // A shallow family of cards can be followed by its holder and cannot hide a large one.
  split_depth_max: {
    unit: 'levels',
    wins: 'lower',
    always: true,
    zh: '拆分层数上限',
    en: 'most generations of split cards below the first',
  },
  // A smaller batch puts less at stake when a print file is lost.
  batch_size_max: {
    unit: 'cards',
    wins: 'lower',
    always: true,
    zh: '每批卡数上限',
    en: 'most cards in one batch',
  },
  batch_value_max_fen: {
    unit: 'fen',
    wins: 'lower',
    always: true,
    zh: '每批总额上限',
    en: 'highest total of one batch',
  },
  // A code seen over a shoulder dies sooner; a hold gives the holder's money back sooner.
  pay_code_life_seconds: {
    unit: 'seconds',
    wins: 'lower',
    always: true,
    zh: '付款码有效时间',
    en: 'life of a pay code',
  },
  hold_life_max_seconds: {
    unit: 'seconds',
    wins: 'lower',
    always: true,
    zh: '预授权最长时间',
    en: 'longest life of a hold',
  },
  // The longer the holder can be given money back, and can prove it, the better.
  refund_window_days: {
    unit: 'days',
    wins: 'higher',
    always: true,
    zh: '可退款期限',
    en: 'days after a payment in which it can be refunded',
  },
  retention_buyer_years: {
    unit: 'years',
    wins: 'higher',
    always: true,
    zh: '购卡人信息保存年限',
    en: 'years for which buyer records are kept',
  },
  retention_transactions_years: {
    unit: 'years',
    wins: 'higher',
    always: true,
    zh: '交易信息保存年限',
    en: 'years for which transaction records are kept',
  },
  // Who buys can read before what he agrees to; who may not go on taking money does not.
  sale_may_precede_charter: {
    unit: 'switch',
    wins: 'lower',
    zh: '未公示章程即可售卡',
    en: 'cards may be sold before a charter is published',
  },
  sale_may_go_on_when_stopped: {
    unit: 'switch',
    wins: 'lower',
    always: true,
    zh: '被停止售卡后仍可售卡',
    en: 'cards may be sold although the sale is stopped',
  },
  // A longer time to change one's mind, also with a card that was used, favours the holder.
  cooling_off_days: {
    unit: 'days',
    wins: 'higher',
    always: true,
    asOf: 'sale',
    zh: '无理由退卡期限(付款次日起算)',
    en: 'days after the payment in which a card is taken back without a reason',
  },
  cooling_off_may_need_unused_card: {
    unit: 'switch',
    wins: 'lower',
    asOf: 'sale',
    zh: '无理由退卡须未使用',
    en: 'only an unused card is taken back without a reason',
  },
  sale_seal_min_hours: {
    unit: 'hours',
    wins: 'higher',
    always: true,
    asOf: 'sale',
    zh: '售出后封存的最短小时数',
    en: 'fewest hours for which a card sold by an order is sealed',
  },
  cooling_off_pay_within_days: {
    unit: 'days',
    wins: 'lower',
    zh: '无理由退卡的退款期限',
    en: 'days within which money is paid back after a return without a reason',
  },
  redemption_pay_within_days: {
    unit: 'days',
    wins: 'lower',
    zh: '退卡的退款期限',
    en: 'days within which money is paid back after a redemption',
  },
  // Duties towards the state at a redemption: the stricter one holds.
  identity_from_redemption_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '退卡登记身份的起点(含)',
    en: 'redemption from which the holder must be identified',
  },
  redemption_account_name_may_differ: {
    unit: 'switch',
    wins: 'lower',
    zh: '退款可付至他人账户',
    en: 'a redemption may be paid to an account in another name',
  },
  redemption_cash_max_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '退卡可付现金的上限',
    en: 'most of a redemption that may be paid in cash',
  },
  anonymous_card_may_be_redeemed: {
    unit: 'switch',
    wins: 'lower',
    zh: '不记名卡可赎回',
    en: 'an anonymous card may be redeemed on demand',
  },
  redemption_wait_months: {
    unit: 'months',
    wins: 'higher',
    zh: '购卡后可赎回的等待期',
    en: 'months after the sale before a card may be redeemed on demand',
  },
  withdrawal_may_be_made: {
    unit: 'switch',
    wins: 'lower',
    always: true,
    zh: '余额可提现',
    en: 'a balance may be paid out on demand against a fee',
  },
  // Whoever is charged less has more.
  withdrawal_fee_bp: {
    unit: 'bp',
    wins: 'lower',
    always: true,
    zh: '提现手续费率(万分比)',
    en: 'fee of paying a balance out on demand, in hundredths of a percent',
  },
  // A person looks at more of them.
  top_up_review_above_fen: {
    unit: 'fen',
    wins: 'lower',
    always: true,
    zh: '须人工审核的充值起点(不含)',
    en: 'top-up above which a second person has to agree',
  },
  // A duty towards the state: what is prepaid is not borrowed.
  credit_card_may_pay: {
    unit: 'switch',
    wins: 'lower',
    zh: '可用信用卡购卡、充值',
    en: 'cards may be bought and topped up by credit card',
  },
  // What is promised as a gift stays within what issuers and holders can foresee: the narrower bound holds.
  voucher_validity_max_days: {
    unit: 'days',
    wins: 'lower',
    always: true,
    zh: '代金券最长有效期',
    en: 'longest validity of a voucher',
  },
  cash_back_min_bp: {
    unit: 'bp',
    wins: 'higher',
    always: true,
    zh: '消费返现最低比例(万分比)',
    en: 'lowest rate of a cash-back, in hundredths of a percent',
  },
  cash_back_max_bp: {
    unit: 'bp',
    wins: 'lower',
    always: true,
    zh: '消费返现最高比例(万分比)',
    en: 'highest rate of a cash-back, in hundredths of a percent',
  },
  random_rebate_max_fen: {
    unit: 'fen',
    wins: 'lower',
    always: true,
    zh: '随机返利单笔上限',
    en: 'most that a random rebate gives at once',
  },
  ...reserveRules,
} as const satisfies Record<string, RuleKind>
