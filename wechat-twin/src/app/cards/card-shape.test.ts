/** Which cards may be created and how they may be changed: every check with a card that fails it alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberCard } from '../test-world.ts'
import { type Card, changeCard, readCard, validityOf } from './card-shape.ts'

const now = 1_800_000_000
const rights = ['custom_code', 'stored_value'] as const
const read = (body: object) => readCard({ ...body }, rights, now)
const refusal = (body: object, given: readonly ('custom_code' | 'stored_value')[] = rights) => {
  try {
    readCard({ ...body }, given, now)
    return 0
  } catch (error) {
    return (error as { errcode?: number }).errcode
  }
}
/** A coupon of another type, with its own member unless that is what is missing. */
const coupon = (card_type: string, own: object, base: object = {}) => {
  const range = { type: 'DATE_TYPE_FIX_TERM', fixed_term: 30, fixed_begin_term: 0 }
  const { base_info } = memberCard({ date_info: range, ...base }).card.member_card
  return { card: { card_type, [card_type.toLowerCase()]: { base_info, ...own } } }
}

test('a member card in order is read with its stock', () => {
  const draft = read(memberCard())
  assert.equal(draft.cardType, 'MEMBER_CARD')
  assert.equal(draft.quantity, 1000)
})

const good: readonly [string, object][] = [
  ['GROUPON', { deal_detail: '双人套餐' }],
  ['CASH', { reduce_cost: 100, least_cost: 1000 }],
  ['DISCOUNT', { discount: 30 }],
  ['GIFT', { gift: '一份甜点' }],
  ['GENERAL_COUPON', { default_detail: '优惠' }],
  ['GENERAL_CARD', { sub_card_type: 'GIFT_CARD' }],
]
for (const [type, own] of good) {
  test(`a ${type} needs its own member`, () => {
    assert.equal(read(coupon(type, own)).cardType, type)
    assert.equal(refusal(coupon(type, {})), 41011)
  })
}

test('a general card is a gift card and nothing else', () => {
  assert.equal(refusal(coupon('GENERAL_CARD', { sub_card_type: 'PASS' })), 40071)
})

const needed = [
  'logo_url',
  'code_type',
  'brand_name',
  'title',
  'color',
  'notice',
  'service_phone',
  'description',
  'date_info',
]
for (const name of needed)
  test(`a card without ${name} is refused with 41011`, () => {
    assert.equal(refusal(memberCard({ [name]: undefined })), 41011)
  })
for (const name of ['supply_bonus', 'supply_balance', 'prerogative'])
  test(`a member card without ${name} is refused with 41011`, () => {
    assert.equal(refusal(memberCard({}, { [name]: undefined })), 41011)
  })

const longest: readonly [name: string, longest: string][] = [
  ['brand_name', '礼'.repeat(12)],
  ['title', '礼'.repeat(9)],
  ['notice', '礼'.repeat(16)],
  ['service_phone', '1'.repeat(24)],
  ['logo_url', 'u'.repeat(128)],
  ['description', '礼'.repeat(1024)],
  ['center_title', '礼'.repeat(6)],
  ['custom_url_name', '礼'.repeat(5)],
  ['custom_url_sub_title', '礼'.repeat(6)],
  ['promotion_url_name', '礼'.repeat(5)],
  ['promotion_url', 'u'.repeat(128)],
]
for (const [name, text] of longest)
  test(`${name} has a longest length, and one more is refused with 45021`, () => {
    assert.equal(refusal(memberCard({ [name]: text })), 0)
    assert.equal(refusal(memberCard({ [name]: `${text}x` })), 45021)
  })

test('a prerogative has a longest length', () => {
  assert.equal(refusal(memberCard({}, { prerogative: '礼'.repeat(1024) })), 0)
  assert.equal(refusal(memberCard({}, { prerogative: `${'礼'.repeat(1024)}x` })), 45021)
})

const range = (begin_timestamp: unknown, end_timestamp: unknown) => ({
  date_info: { type: 'DATE_TYPE_FIX_TIME_RANGE', begin_timestamp, end_timestamp },
})
const term = (fixed_term: unknown, fixed_begin_term?: unknown) => ({
  date_info: { type: 'DATE_TYPE_FIX_TERM', fixed_term, fixed_begin_term },
})
const table: readonly [why: string, body: object, errcode: number][] = [
  ['no card at all', {}, 41011],
  ['no type', { card: {} }, 41011],
  ['an unknown type', { card: { card_type: 'member_card', member_card: {} } }, 40071],
  ['another type’s object', { card: { card_type: 'GIFT', member_card: {} } }, 41011],
  ['a logo that is a number', memberCard({ logo_url: 1 }), 47001],
  ['an unknown type of code', memberCard({ code_type: 'CODE_TYPE_BAR' }), 40072],
  ['an unknown colour', memberCard({ color: '#ffffff' }), 40097],
  ['a get_limit of none', memberCard({ get_limit: 0 }), 40097],
  ['a use_limit of none', memberCard({ use_limit: 0 }), 40097],
  ['a get_limit that is no number', memberCard({ get_limit: '1' }), 47001],
  ['can_share that is no boolean', memberCard({ can_share: 1 }), 47001],
  ['bind_openid that is no boolean', memberCard({ bind_openid: 'yes' }), 47001],
  ['an unknown validity', memberCard({ date_info: { type: 'DATE_TYPE_SOME' } }), 40079],
  ['a validity without type', memberCard({ date_info: {} }), 40079],
  ['a range without end', memberCard(range(now, undefined)), 40079],
  ['a range without begin', memberCard(range(undefined, now + 1)), 40079],
  ['a range backwards', memberCard(range(now + 2, now + 1)), 40100],
  ['a range that is over', memberCard(range(now - 2, now)), 40100],
  ['a term of no days', memberCard(term(0)), 40079],
  ['a term that begins before it begins', memberCard(term(30, -1)), 40079],
  [
    'a coupon for ever',
    coupon('GIFT', { gift: 'x' }, { date_info: { type: 'DATE_TYPE_PERMANENT' } }),
    40079,
  ],
  ['no stock', memberCard({ sku: undefined }), 40122],
  ['stock without number', memberCard({ sku: {} }), 40122],
  ['less than no stock', memberCard({ sku: { quantity: -1 } }), 40122],
  ['too much stock', memberCard({ sku: { quantity: 100_000_001 } }), 40122],
  [
    'stock before codes were deposited',
    memberCard({ use_custom_code: true, get_custom_code_mode: 'GET_CUSTOM_CODE_MODE_DEPOSIT' }),
    40122,
  ],
  ['a fourth custom field', memberCard({}, { custom_field4: {} }), 40124],
]
for (const [why, body, errcode] of table)
  test(`a card with ${why} is refused with ${errcode}`, () => {
    assert.equal(refusal(body), errcode)
  })

test('members that only some accounts may use need the right', () => {
  assert.equal(refusal(memberCard({ use_custom_code: true }), ['stored_value']), 43009)
  assert.equal(refusal(memberCard({ use_custom_code: false }), ['stored_value']), 0)
  assert.equal(refusal(memberCard(), ['custom_code']), 43010)
  assert.equal(refusal(memberCard({}, { supply_balance: false }), ['custom_code']), 0)
})

test('the most that fits is let through', () => {
  assert.equal(refusal(memberCard({ sku: { quantity: 100_000_000 } })), 0)
  assert.equal(refusal(memberCard(range(now - 5, now + 1))), 0)
  assert.equal(refusal(memberCard({}, { custom_field3: {} })), 0)
})

const cardOf = (base: object = {}): Card => {
  const { cardType: card_type, detail, quantity } = read(memberCard(base))
  return {
    card_id: 'p1',
    appid: 'wx1',
    card_type,
    detail,
    quantity,
    total_quantity: quantity,
    status: 'CARD_STATUS_VERIFY_OK',
    create_time: now,
  }
}
const change = (base_info: object, card = cardOf()) =>
  changeCard(card, { card_id: 'p1', member_card: { base_info } })

test('a change keeps what it does not name, and says whether WeChat looks at it again', () => {
  const titled = change({ title: '新会员卡' })
  assert.equal(titled.isReviewed, true)
  const base = titled.detail['base_info'] as Record<string, unknown>
  assert.equal(base['title'], '新会员卡')
  assert.equal(base['brand_name'], '礼卡')
  assert.equal(change({ get_limit: 2 }).isReviewed, false)
  const own = changeCard(cardOf(), { member_card: { prerogative: '新特权' } })
  assert.equal(own.detail['prerogative'], '新特权')
})

for (const name of ['brand_name', 'sku', 'use_custom_code', 'bind_openid'])
  test(`${name} is fixed when a card is created`, () => {
    assert.throws(() => change({ [name]: 'x' }), { errcode: 40097 })
  })

test('a change is as well-formed as a creation', () => {
  assert.throws(() => change({ title: '礼'.repeat(10) }), { errcode: 45021 })
  assert.throws(() => changeCard(cardOf(), { card_id: 'p1' }), { errcode: 41011 })
})

test('a validity can be extended and never shortened', () => {
  const card = cardOf(range(now, now + 1000))
  const to = (begin: number, end: number) => change(range(begin, end), card)
  assert.ok(to(now, now + 2000))
  assert.ok(to(now - 5, now + 1000))
  assert.throws(() => to(now, now + 999), { errcode: 40100 })
  assert.throws(() => to(now + 1, now + 1000), { errcode: 40100 })
  assert.throws(() => change(term(30), card), { errcode: 40079 })
  assert.throws(() => change(range(now, now + 1000), cardOf()), { errcode: 40079 })
})

test('a code is valid for the range, the term from when it was taken, or for ever', () => {
  const taken = now + 100
  const day = 86_400
  assert.deepEqual(validityOf(cardOf(range(now, now + 5)), taken), { begin: now, end: now + 5 })
  const [begin, end] = [taken + day, taken + day + 30 * day]
  assert.deepEqual(validityOf(cardOf(term(30, 1)), taken), { begin, end })
  assert.deepEqual(validityOf(cardOf(), taken), { begin: taken })
})
