/**
 * Law as data: what a rule means (this catalogue), what it says (the packs, see `policies/`) and
 * which rules bind an issuer at an instant. Numbers stand in packs only; here stand the meanings.
 */
import {
  type BusinessDate,
  type Fen,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
  startOfDay,
} from '@lika/contract'

type Unit = 'fen' | 'months' | 'days' | 'years' | 'seconds' | 'cards' | 'levels' | 'bp' | 'switch'

interface RuleKind {
  readonly unit: Unit
  /**
   * Which value wins where several packs set the rule: the one that favours the holder. Where the
   * rule is a duty towards the state (identity, cash, retention) no holder may waive it, and an
   * issuer under two packs must satisfy both: there the stricter one wins. `false` is the lower.
   */
  readonly wins: 'lower' | 'higher'
  /** Must be set at every instant, so that nothing has to invent a number when it is missing. */
  readonly always?: true
  /** Read as it was on the day of the sale: what the buyer was promised then stays. Else as it is on the day. */
  readonly asOf?: 'sale'
  readonly zh: string
  readonly en: string
}

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
  // The more is set aside for holders, and the sooner, the safer is their money.
  reserve_scale_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '规模发卡企业存管比例(上季度末预收资金余额)',
    en: 'reserve of an issuer of scale, of the prepaid money at the end of the quarter before',
  },
  reserve_group_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '集团发卡企业存管比例(上季度末预收资金余额)',
    en: 'reserve of an issuing group, of the prepaid money at the end of the quarter before',
  },
  reserve_brand_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '品牌发卡企业存管比例(上季度末预收资金余额)',
    en: 'reserve of an issuing brand, of the prepaid money at the end of the quarter before',
  },
  reserve_other_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '其他发卡企业存管比例(上季度末预收资金余额)',
    en: 'reserve of any other issuer, of the prepaid money at the end of the quarter before',
  },
  reserve_daily_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '客户备付金存管比例(每日)',
    en: 'reserve of all money owed to customers and merchants, day by day',
  },
  reserve_top_up_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '充值保证金比例(选用)',
    en: 'deposit of what was topped up and not yet spent, for issuers that chose it',
  },
  reserve_local_free_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '地方存管起点(超过)',
    en: 'prepaid money up to which a local rule asks for no reserve',
  },
  reserve_local_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '超过地方存管起点的存管比例',
    en: 'reserve above that amount, of all the prepaid money',
  },
  reserve_full_revenue_bp: {
    unit: 'bp',
    wins: 'lower',
    zh: '全额存管起点占上年度营业收入比例(超过)',
    en: 'share of the revenue of the year before above which the higher local reserve holds',
  },
  reserve_full_floor_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '全额存管起点的下限',
    en: 'least amount from which the higher local reserve is counted',
  },
  reserve_full_ceiling_fen: {
    unit: 'fen',
    wins: 'lower',
    zh: '全额存管起点的上限',
    en: 'highest amount from which the higher local reserve is counted',
  },
  reserve_full_bp: {
    unit: 'bp',
    wins: 'higher',
    zh: '超过全额存管起点的存管比例',
    en: 'the higher local reserve, of all the prepaid money',
  },
  // What is promised is worth less than what lies at the bank.
  reserve_guarantees_bp: {
    unit: 'bp',
    wins: 'lower',
    zh: '担保可冲抵的比例',
    en: 'share of the reserve that guarantees may stand for',
  },
  reserve_guarantees_may_be_mixed: {
    unit: 'switch',
    wins: 'lower',
    zh: '保证保险与银行保函可合并冲抵',
    en: 'insurance and bank guarantees count together',
  },
  // Duties towards the authority: the earlier date holds.
  filing_within_days: {
    unit: 'days',
    wins: 'lower',
    zh: '开展业务后的备案期限',
    en: 'days after the start of the business within which it is filed',
  },
  filing_reminder_days: {
    unit: 'days',
    wins: 'higher',
    always: true,
    zh: '备案、许可及担保到期前的提醒',
    en: 'days before the end of a filing, licence or guarantee at which it is called to mind',
  },
  report_group_days: {
    unit: 'days',
    wins: 'lower',
    zh: '集团、品牌发卡企业季度报告期限(工作日)',
    en: 'working days after a quarter within which groups and brands report',
  },
  report_scale_days: {
    unit: 'days',
    wins: 'lower',
    zh: '规模发卡企业季度报告期限(工作日)',
    en: 'working days after a quarter within which issuers of scale report',
  },
  report_other_days: {
    unit: 'days',
    wins: 'lower',
    zh: '其他发卡企业年度报告期限(年度结束后)',
    en: 'days after a year within which other issuers report',
  },
  report_local_days: {
    unit: 'days',
    wins: 'lower',
    zh: '地方季度报告期限(季度结束后)',
    en: 'days after a quarter within which a local rule asks for the report',
  },
} as const satisfies Record<string, RuleKind>

export type RuleId = keyof typeof ruleKinds

type RuleWithUnit<U extends Unit> = {
  [R in RuleId]: (typeof ruleKinds)[R]['unit'] extends U ? R : never
}[RuleId]

export type FenRuleId = RuleWithUnit<'fen'>
type SwitchRuleId = RuleWithUnit<'switch'>
export type CountRuleId = Exclude<RuleId, FenRuleId | SwitchRuleId>

/** One dated rule of a pack, as in its file. Days are those of Asia/Shanghai. */
export interface Rule {
  readonly id: RuleId
  readonly value: number | boolean
  /** First day in force. */
  readonly effectiveFrom: BusinessDate
  /** First day no longer in force; null while no end is known. */
  readonly effectiveTo: BusinessDate | null
  /** `article` is null exactly where `status` is `unconfirmed`: an article is never invented. */
  readonly source: { readonly document: string; readonly article: string | null }
  readonly status: 'confirmed' | 'unconfirmed'
  readonly note?: string
}

export interface Pack {
  readonly name: string
  readonly title: { readonly zh: string; readonly en: string }
  /** `always`: under every issuer; `default`: for one that names none; `by_name`: when named. */
  readonly standing: 'always' | 'default' | 'by_name'
  readonly rules: readonly Rule[]
}

/** All packs of an installation by name. */
export type Packs = ReadonlyMap<string, Pack>

/** The rule that binds, with the pack that it comes from and what it was preferred to. */
export interface EffectiveRule extends Rule {
  readonly pack: string
  readonly outweighs: readonly { readonly pack: string; readonly value: number | boolean }[]
}

/** What binds an issuer at one instant. A rule that no pack sets is absent: it limits nothing. */
export type Policy = ReadonlyMap<RuleId, EffectiveRule>

/** The rule identifiers of the catalogue. */
export function isRuleId(id: string): id is RuleId {
  return Object.hasOwn(ruleKinds, id)
}

/**
 * The packs that bind an issuer that names `names`: those, or the default pack where it names none
 * (an issuer that does not choose is under the law, not outside it), and below them the product's
 * own limits, which hold under every law.
 * Refusals: `policy.unknown_pack` with the known names.
 */
export function choosePacks(packs: Packs, names: readonly string[]): Result<readonly Pack[]> {
  const unknown = names.filter((name) => !packs.has(name))
  if (unknown.length > 0) {
    const known = [...packs.keys()]
    return refused(
      refusal('policy.unknown_pack', `There is no pack ${unknown.join(', ')}.`, {
        data: { unknown, known },
      }),
    )
  }
  const all = [...packs.values()]
  const named = all.filter((pack) =>
    names.length > 0 ? names.includes(pack.name) : pack.standing === 'default',
  )
  // Last, so that on equal values the law is the one that is cited.
  const always = all.filter((pack) => pack.standing === 'always' && !named.includes(pack))
  return ok([...named, ...always])
}

/** Whether the rule is in force at that instant: from its first day on, before its last. */
function isInForce(rule: Rule, at: Instant): boolean {
  return (
    startOfDay(rule.effectiveFrom) <= at &&
    (rule.effectiveTo === null || at < startOfDay(rule.effectiveTo))
  )
}

/**
 * What binds at `at` under all these packs together: per rule the value that `ruleKinds` lets win,
 * on equal values the one of the earlier pack.
 */
export function effectiveRules(packs: readonly Pack[], at: Instant): Policy {
  const policy = new Map<RuleId, EffectiveRule>()
  for (const pack of packs) {
    for (const rule of pack.rules) {
      if (!isInForce(rule, at)) continue
      policy.set(rule.id, prefer(policy.get(rule.id), { ...rule, pack: pack.name, outweighs: [] }))
    }
  }
  return policy
}

function prefer(standing: EffectiveRule | undefined, other: EffectiveRule): EffectiveRule {
  if (standing === undefined) return other
  const [winner, loser] = wins(other, standing) ? [other, standing] : [standing, other]
  const outweighs = [...standing.outweighs, { pack: loser.pack, value: loser.value }]
  return { ...winner, outweighs }
}

function wins(challenger: Rule, standing: Rule): boolean {
  const difference = Number(challenger.value) - Number(standing.value)
  return ruleKinds[challenger.id].wins === 'lower' ? difference < 0 : difference > 0
}

/** An amount that the policy sets; undefined where no pack does. */
export function fenLimit(policy: Policy, rule: FenRuleId): Fen | undefined {
  const value = policy.get(rule)?.value
  return typeof value === 'number' ? BigInt(value) : undefined
}

/** A count or a duration in the unit that ends the rule's id; undefined where no pack sets it. */
export function countLimit(policy: Policy, rule: CountRuleId): number | undefined {
  const value = policy.get(rule)?.value
  return typeof value === 'number' ? value : undefined
}

/** The same for a rule that is always set. @throws where it is not (a fault of the packs). */
export function requiredCount(policy: Policy, rule: CountRuleId): number {
  const value = countLimit(policy, rule)
  if (value === undefined) throw new Error(`no policy pack in force sets ${rule}`)
  return value
}
