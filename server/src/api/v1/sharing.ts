/** Routes of profit sharing: who gets what share of what is sold by WeChat. */
import { asId, formatId, formatInstant, ok, type Result, refusal, refused } from '@lika/contract'
import type { FlowContext } from '../../flows/context.ts'
import { introduceReceivers } from '../../flows/sharing/introduce.ts'
import {
  insertRule,
  mostSharedBp,
  relations,
  type SharingReceiver,
  type SharingRule,
  selectRules,
} from '../../modules/sharing/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  type Static,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const Mchid = Type.String({ pattern: '^[0-9]{6,32}$' })
const shareOfPayment = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: 'ten-thousandths of what is paid by WeChat',
})
const NewReceiver = closed({
  mchid: Type.Optional(Mchid),
  member_id: Type.Optional(idOf('member')),
  name: Type.Optional({
    ...text(64),
    description:
      'as WeChat knows it, which checks it; needed beside mchid; of a member it is kept nowhere',
  }),
  relation: oneOf(relations),
  share_bp: shareOfPayment,
})
const Receiver = closed({
  mchid: nullable(Mchid),
  member_id: nullable(idOf('member')),
  name: nullable(Type.String()),
  relation: oneOf(relations),
  share_bp: shareOfPayment,
})
const NewRule = closed({
  product_id: Type.Optional(idOf('product')),
  merchant_id: Type.Optional(idOf('merchant')),
  receivers: Type.Array(NewReceiver, {
    maxItems: 10,
    description: 'none: nothing is shared any more',
  }),
})
const RuleBody = closed({
  product_id: nullable(idOf('product')),
  merchant_id: nullable(idOf('merchant')),
  receivers: Type.Array(Receiver),
  created_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  const { database, flows, bookNow } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/sharing_rules',
      summary: 'Says who gets what share of what is sold by WeChat; the newest rule holds',
      access: 'wechat:write',
      body: NewRule,
      responses: { 201: RuleBody },
      refusals: [
        'product.not_found',
        'merchant.not_found',
        'member.not_found',
        'sharing.too_much',
        'sharing.payee_unknown',
        'wechat.refused',
      ],
    },
    async ({ caller, body }) => {
      const subject = await readSubject(flows, caller.book, body)
      if (!subject.ok) return subject
      const receivers = await readReceivers(flows, caller.book, body.receivers)
      if (!receivers.ok) return receivers
      const id = asId<string>(flows.newId())
      const createdAt = bookNow(caller.mode)
      const known = await introduceReceivers(flows, caller.book, receivers.value)
      if (!known.ok) return known
      const kept = { ...subject.value, receivers: receivers.value.map(withoutNameOfPerson) }
      const rule = { id, bookId: caller.book, ...kept, createdAt }
      await insertRule(database.sql, rule)
      return created(presentRule(rule))
    },
  )
  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/sharing_rules',
      summary: 'Lists who gets what share, the newest rule first',
      access: 'wechat:read',
      query: closed(paging),
      responses: { 200: pageOf(RuleBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('sharing_rules', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const filter = { before: afterId, limit: limit + 1 }
      const rows = await selectRules(database.sql, caller.book, filter)
      return okay(presentPage('sharing_rules', asked.value, rows, ({ id }) => [id], presentRule))
    },
  )
}

const tooMuch = refusal(
  'sharing.too_much',
  `Nobody is named twice, and at most ${mostSharedBp / 100} % of a payment are shared.`,
  { data: { allowed: { max: mostSharedBp } } },
)

type Subject = Pick<SharingRule, 'productId' | 'merchantId'>

/** Refusals: `request.invalid` for none or both, `product.not_found`, `merchant.not_found`. */
async function readSubject(
  { programs, merchants }: FlowContext,
  book: SharingRule['bookId'],
  { product_id, merchant_id }: Static<typeof NewRule>,
): Promise<Result<Subject>> {
  if ((product_id === undefined) === (merchant_id === undefined)) {
    const message = 'is either of a product or of a merchant'
    const errors = [{ path: 'product_id', message }]
    return refused(refusal('request.invalid', `A rule ${message}.`, { errors }))
  }
  if (product_id !== undefined) {
    const productId = readId('product', product_id)
    if ((await programs.find(book, productId)) === undefined) return refused(notFound('product'))
    return ok({ productId, merchantId: null })
  }
  const merchantId = readId('merchant', merchant_id ?? '')
  if ((await merchants.findMerchant(book, merchantId)) === undefined)
    return refused(notFound('merchant'))
  return ok({ productId: null, merchantId })
}

/** Refusals: `request.invalid` for none or both, `member.not_found`, `sharing.too_much`. */
async function readReceivers(
  { members }: FlowContext,
  book: SharingRule['bookId'],
  given: readonly Static<typeof NewReceiver>[],
): Promise<Result<SharingReceiver[]>> {
  const receivers: SharingReceiver[] = []
  for (const [index, { mchid, member_id, name, relation, share_bp }] of given.entries()) {
    const rest = { name, relation, shareBp: share_bp }
    if (mchid !== undefined && member_id === undefined && name !== undefined) {
      receivers.push({ mchid, ...rest })
      continue
    }
    if (mchid !== undefined || member_id === undefined) return refused(notOne(index))
    const memberId = readId('member', member_id)
    if (!(await members.isThere(book, memberId))) return refused(notFound('member'))
    receivers.push({ memberId, ...rest })
  }
  const sum = receivers.reduce((total, one) => total + one.shareBp, 0)
  const who = new Set(receivers.map(({ mchid, memberId }) => mchid ?? memberId))
  return sum > mostSharedBp || who.size < receivers.length ? refused(tooMuch) : ok(receivers)
}

function notOne(index: number) {
  const message = 'is either a merchant with mchid and name, or a member with member_id'
  const errors = [{ path: `receivers.${index}`, message }]
  return refusal('request.invalid', `A receiver ${message}.`, { errors })
}

function withoutNameOfPerson(receiver: SharingReceiver): SharingReceiver {
  return receiver.mchid === undefined ? { ...receiver, name: undefined } : receiver
}

function presentRule(rule: SharingRule) {
  return {
    product_id: rule.productId === null ? null : formatId('product', rule.productId),
    merchant_id: rule.merchantId === null ? null : formatId('merchant', rule.merchantId),
    receivers: rule.receivers.map(({ mchid, memberId, name, relation, shareBp }) => ({
      mchid: mchid ?? null,
      member_id: memberId === undefined ? null : formatId('member', memberId),
      name: name ?? null,
      relation: relations.find((one) => one === relation) ?? 'PARTNER',
      share_bp: shareBp,
    })),
    created_at: formatInstant(rule.createdAt),
  }
}
