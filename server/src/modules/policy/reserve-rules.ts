/** The rules on what is set aside for holders, and on what the authority is told by when. */
import type { RuleKind } from './rule-kind.ts'

/** The reason for the winning side stands above each group. */
export const reserveRules = {
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
