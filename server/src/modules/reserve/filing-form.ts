/** The fields of the filing forms, in their order, and the papers that go with them. Which of both a card falls under, its packs say. */
import type { FilingForm } from './filing-store.ts'
import type { IssuerClass } from './model.ts'

export interface FormField {
  readonly name: string
  readonly zh: string
  /** Filled from what the platform knows, where the filer left it out. */
  readonly isKnown: boolean
}

const field = (name: string, zh: string, isKnown = false): FormField => ({ name, zh, isKnown })

/**
 * Collected from what local authorities publish of the forms; the forms themselves were not read, and an authority may
 * ask for more: what is given under other names is exported behind these.
 */
export const formFields: Readonly<Record<FilingForm, readonly FormField[]>> = {
  mofcom_single_purpose: [
    field('enterprise_name', '企业名称', true),
    field('social_credit_code', '统一社会信用代码'),
    field('legal_representative', '法定代表人'),
    field('registered_capital', '注册资本(元)'),
    field('registered_on', '成立日期'),
    field('registered_address', '注册地址'),
    field('industry', '所属行业'),
    field('issuer_class', '发卡企业类型', true),
    field('last_year_revenue', '上一会计年度主营业务收入(元)', true),
    field('business_began', '开展单用途卡业务日期', true),
    field('card_kinds', '卡种(记名/不记名,实体/虚拟)'),
    field('redeeming_scope', '兑付范围'),
    field('custody_bank', '资金存管银行', true),
    field('custody_account', '资金存管账户', true),
    field('custody_ratio', '资金存管比例', true),
    field('guarantees', '保证保险、银行保函冲抵金额(元)', true),
    field('prepaid_balance', '上季度末预收资金余额(元)', true),
    field('contact_name', '联系人'),
    field('contact_phone', '联系电话'),
  ],
  pboc_payment_licence: [
    field('enterprise_name', '机构名称', true),
    field('social_credit_code', '统一社会信用代码'),
    field('legal_representative', '法定代表人'),
    field('registered_capital', '实缴注册资本(元)'),
    field('registered_address', '住所'),
    field('business_types', '业务类型'),
    field('business_scope', '业务覆盖范围'),
    field('custody_bank', '备付金存管机构', true),
    field('custody_account', '备付金专用存款账户', true),
    field('prepaid_balance', '客户备付金余额(元)', true),
    field('contact_name', '联系人'),
    field('contact_phone', '联系电话'),
  ],
}

/** 单用途商业预付卡管理办法 arts. 8–10, as local notices list them. */
export function papersOf(
  form: FilingForm,
  issuerClass: IssuerClass | undefined,
): readonly string[] {
  if (form === 'pboc_payment_licence') return ['支付业务许可证', '备付金存管协议']
  const all = ['《单用途商业预付卡发卡企业备案表》', '营业执照复印件', '单用途卡业务、资金管理制度']
  if (issuerClass === 'other') return all
  const larger = [
    ...all,
    '经审计机构审计的上一年度财务报表',
    '实体卡样本(正、反面)、虚拟卡记载的信息样本',
    '单用途卡购卡章程、协议',
    '资金存管账户信息和资金存管协议',
  ]
  if (issuerClass === 'group') return [...larger, '集团股权关系说明']
  if (issuerClass === 'brand')
    return [...larger, '企业标志、注册商标所有权或排他使用权证明', '售卡企业清单']
  return larger
}
