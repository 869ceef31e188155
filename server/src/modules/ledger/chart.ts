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
  readonly owner: 'card' | 'merchant' | 'issuer'
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
  redemption_income: {
    number: 20,
    normal: 'credit',
    guarded: false,
    owner: 'issuer',
    type: 'income',
    zh: '其他业务收入—退卡',
    en: 'Income from redeemed cards',
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

/** The id of the account's owner: cards live in the lane of their accounts, merchants and issuers in none. */
export function ownerOf(account: string): Uuid {
  const kind = kindOfAccount(account)
  const isCards = kind !== undefined && accountKinds[kind].owner === 'card'
  return asId(withKindAndLane(account, 0, isCards ? laneOfId(account) : 0))
}

/**
 * The account as readers know it: its owner and kind. For merchants and issuers it stands for their accounts of that
 * kind in all lanes.
 */
export function accountOverLanes(account: string): AccountId {
  const owner = ownerOf(account)
  return asId<'account'>(withKindAndLane(owner, kindBitsOfId(account), laneOfId(owner)))
}
