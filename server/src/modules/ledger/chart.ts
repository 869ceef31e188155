/**
 * The chart of accounts of an issuer's book: every kind of account, its normal side, whether a row guards it, and what
 * accountants call it. The kind is part of the account's id.
 */
import {
  type AccountId,
  asId,
  kindBitsOfId,
  type Lane,
  laneOfId,
  type Uuid,
  withKindAndLane,
} from '@lika/contract'

export interface AccountKind {
  /** 1–63: the kind bits of the account's id. */
  readonly number: number
  readonly normal: 'debit' | 'credit'
  /**
   * Guarded accounts have a row with balance and held, and can never go below what is held. Summed ones have none: last
   * closing balance plus the transfers after it, so that a busy shop is not a hot spot.
   */
  readonly guarded: boolean
  readonly owner: 'card' | 'merchant' | 'issuer' | 'campaign' | 'voucher'
  readonly type: 'liability' | 'asset' | 'expense' | 'equity' | 'income'
  readonly zh: string
  readonly en: string
}

export const accountKinds = {
  card_principal: {
    number: 1,
    normal: 'credit',
    guarded: true,
    owner: 'card',
    type: 'liability',
    zh: '预收卡款—本金',
    en: 'Card principal',
  },
  card_bonus: {
    number: 2,
    normal: 'credit',
    guarded: true,
    owner: 'card',
    type: 'liability',
    zh: '预收卡款—赠送',
    en: 'Card bonus',
  },
  merchant_unsettled: {
    number: 3,
    normal: 'credit',
    guarded: false,
    owner: 'merchant',
    type: 'liability',
    zh: '应付商户款—待结算',
    en: 'Owed to merchants, unsettled',
  },
  bank: {
    number: 4,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '银行存款',
    en: 'Bank',
  },
  cash: {
    number: 5,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '库存现金',
    en: 'Cash',
  },
  card_acquirer: {
    number: 6,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '应收收单机构款',
    en: 'Receivable from the card acquirer',
  },
  wechat: {
    number: 7,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '应收微信支付款',
    en: 'Receivable from WeChat Pay',
  },
  unfunded: {
    number: 8,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '应收购卡款',
    en: 'Receivable from card buyers',
  },
  bonus_expense: {
    number: 9,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'expense',
    zh: '销售费用—赠送',
    en: 'Bonus given',
  },
  migration: {
    number: 10,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'equity',
    zh: '期初余额迁移',
    en: 'Balances brought from other systems',
  },
  adjustment: {
    number: 11,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'expense',
    zh: '余额调整',
    en: 'Adjustments',
  },
  transit: {
    number: 12,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '在途—跨道',
    en: 'In transit between lanes',
  },
  redemption_payable: {
    number: 13,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'liability',
    zh: '应付退卡款',
    en: 'Owed to holders of redeemed cards',
  },
  merchant_payable: {
    number: 14,
    normal: 'credit',
    guarded: true,
    owner: 'merchant',
    type: 'liability',
    zh: '应付商户款—应付',
    en: 'Owed to merchants, settled',
  },
  merchant_margin: {
    number: 15,
    normal: 'credit',
    guarded: true,
    owner: 'merchant',
    type: 'liability',
    zh: '存入保证金—商户',
    en: 'Margins withheld from merchants',
  },
  merchant_in_flight: {
    number: 16,
    normal: 'credit',
    guarded: true,
    owner: 'merchant',
    type: 'liability',
    zh: '应付商户款—在途',
    en: 'Owed to merchants, with the bank',
  },
  merchant_receivable: {
    number: 17,
    normal: 'debit',
    guarded: false,
    owner: 'merchant',
    type: 'asset',
    zh: '应收商户款',
    en: 'Receivable from merchants',
  },
  commission_income: {
    number: 18,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'income',
    zh: '手续费收入',
    en: 'Commission',
  },
  clearing_adjustment: {
    number: 19,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'expense',
    zh: '清算调整',
    en: 'Adjustments of what merchants are owed',
  },
  redemption_income: {
    number: 20,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'income',
    zh: '其他业务收入—退卡',
    en: 'Income from redeemed cards',
  },
  own_sales: {
    number: 21,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'income',
    zh: '自营收入',
    en: 'Own sales',
  },
  rebate_budget: {
    number: 24,
    normal: 'credit',
    guarded: true,
    owner: 'campaign',
    type: 'liability',
    zh: '预提返利—活动预算',
    en: 'Budgets of campaigns',
  },
  voucher: {
    number: 25,
    normal: 'credit',
    guarded: true,
    owner: 'voucher',
    type: 'liability',
    zh: '代金券',
    en: 'Vouchers',
  },
  deferred_revenue: {
    number: 26,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'liability',
    zh: '递延收益—预售',
    en: 'Deferred revenue of pre-sales',
  },
  rebate_expense: {
    number: 27,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'expense',
    zh: '返利费用',
    en: 'Rebates',
  },
  rebate_debt: {
    number: 28,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '应收返利',
    en: 'Rebates that holders owe back',
  },
  custody: {
    number: 22,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '存管专户存款',
    en: 'Custody account at the bank',
  },
  suspense: {
    number: 23,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'asset',
    zh: '待查款项',
    en: 'Suspense',
  },
  order_suspense: {
    number: 29,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'liability',
    zh: '其他应付款—微信待退款',
    en: 'WeChat money to be given back',
  },
  channel_fee: {
    number: 30,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'expense',
    zh: '财务费用—支付渠道手续费',
    en: 'Fees of payment channels',
  },
  shared_sales: {
    number: 31,
    normal: 'debit',
    guarded: false,
    owner: 'issuer',
    type: 'expense',
    zh: '销售费用—分账支出',
    en: 'Shares of sales given to others',
  },
} as const satisfies Record<string, AccountKind>

export type AccountKindName = keyof typeof accountKinds

const byNumber = new Map<number, AccountKindName>()
for (const name of accountKindNames()) byNumber.set(accountKinds[name].number, name)

export function accountKindNames(): AccountKindName[] {
  const names: AccountKindName[] = []
  for (const name in accountKinds) if (isAccountKind(name)) names.push(name)
  return names
}

function isAccountKind(name: string): name is AccountKindName {
  return Object.hasOwn(accountKinds, name)
}

/** The account of this kind that an owner has in a lane. */
export function accountId(owner: string, kind: AccountKindName, lane: Lane): AccountId {
  return asId<'account'>(withKindAndLane(owner, accountKinds[kind].number, lane))
}

/** undefined: the id is not that of an account. */
export function kindOfAccount(id: string): AccountKindName | undefined {
  return byNumber.get(kindBitsOfId(id))
}

/** The id of the account's owner: cards and vouchers live in the lane of their accounts, the others in none. */
export function ownerOf(account: string): Uuid {
  const kind = kindOfAccount(account)
  const owner = kind === undefined ? undefined : accountKinds[kind].owner
  const hasLane = owner === 'card' || owner === 'voucher'
  return asId(withKindAndLane(account, 0, hasLane ? laneOfId(account) : 0))
}

/**
 * The account as readers know it: its owner and kind. For merchants and issuers it stands for their accounts of that
 * kind in all lanes.
 */
export function accountOverLanes(account: string): AccountId {
  const owner = ownerOf(account)
  return asId<'account'>(withKindAndLane(owner, kindBitsOfId(account), laneOfId(owner)))
}
