/** Routes of profit sharing: who gets what share of what is sold by WeChat, and what is on its way to them. */
import {
  asId,
  fenToJson,
  formatId,
  formatInstant,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { FlowContext } from '../../flows/context.ts'
import {
  insertRule,
  mostSharedBp,
  relations,
  type ShareRow,
  type SharingRule,
  selectRules,
  selectShares,
  shareStates,
} from '../../modules/sharing/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
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
const Receiver = closed({
  mchid: Mchid,
  name: text(64),
  relation: oneOf(relations),
  share_bp: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    description: 'ten-thousandths of what is paid by WeChat',
  }),
})
const NewRule = closed({
  product_id: Type.Optional(idOf('product')),
  merchant_id: Type.Optional(idOf('merchant')),
  receivers: Type.Array(Receiver, {
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
const ShareBody = closed({
  sale_id: Type.String({ description: 'ord_… or cpay_…' }),
  status: oneOf(shareStates),
  reason: nullable(Type.String()),
  total: Amount,
  amount: Amount,
  returned_amount: AmountOrZero,
  receivers: Type.Array(closed({ mchid: Mchid, amount: Amount })),
  created_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  registerRules(app, deps)
  registerShares(app, deps)
}

function registerRules(app: LikaApp, deps: Deps): void {
  const { database, flows, bookNow } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/sharing_rules',
      summary: 'Says who gets what share of what is sold by WeChat; the newest rule holds',
      access: 'wechat:write',
      body: NewRule,
      responses: { 201: RuleBody },
      refusals: ['product.not_found', 'merchant.not_found', 'sharing.too_much', 'wechat.refused'],
    },
    async ({ caller, body }) => {
      const subject = await readSubject(flows, caller.book, body)
      if (!subject.ok) return subject
      const receivers = body.receivers.map(({ mchid, name, relation, share_bp }) => {
        return { mchid, name, relation, shareBp: share_bp }
      })
      const sum = receivers.reduce((total, { shareBp }) => total + shareBp, 0)
      const isTwice = new Set(receivers.map(({ mchid }) => mchid)).size < receivers.length
      if (sum > mostSharedBp || isTwice) return refused(tooMuch)
      const id = asId<string>(flows.newId())
      const createdAt = bookNow(caller.mode)
      const rule = { id, bookId: caller.book, ...subject.value, receivers, createdAt }
      const known = await introduce(flows, rule)
      if (!known.ok) return known
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

/**
 * WeChat has to know receivers before they get anything; it takes them as often as they are told. Refusals:
 * `wechat.refused` with its code, `busy` where it does not answer.
 */
async function introduce(flows: FlowContext, rule: SharingRule): Promise<Result<void>> {
  const accounts = await flows.payAccounts.list(rule.bookId, { status: 'active', limit: 50 })
  for (const { id, appids } of accounts) {
    for (const { mchid, name, relation } of rule.receivers) {
      const receiver = { type: 'MERCHANT_ID', account: mchid, name, relation } as const
      const answer = await flows.wechatPay.addReceiver(id, appids[0] ?? '', receiver)
      if (answer.status === 'unknown')
        return refused(refusal('busy', 'WeChat does not answer.', { retryAfterSeconds: 2 }))
      if (answer.status === 'refused')
        return refused(
          refusal('wechat.refused', `WeChat does not take ${mchid}: ${answer.code}.`, {
            data: { code: answer.code },
          }),
        )
    }
  }
  return ok(undefined)
}

function presentRule(rule: SharingRule) {
  return {
    product_id: rule.productId === null ? null : formatId('product', rule.productId),
    merchant_id: rule.merchantId === null ? null : formatId('merchant', rule.merchantId),
    receivers: rule.receivers.map(({ mchid, name, relation, shareBp }) => ({
      mchid,
      name,
      relation: relations.find((one) => one === relation) ?? 'PARTNER',
      share_bp: shareBp,
    })),
    created_at: formatInstant(rule.createdAt),
  }
}

function registerShares(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/shares',
      summary: 'Lists shares of sales and how far they are, the newest first',
      access: 'wechat:read',
      query: closed(paging),
      responses: { 200: pageOf(ShareBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('shares', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const lanes = flows.engine.lanesOf(modeOfBook(caller.book))
      const filter = { before: afterId, limit: limit + 1 }
      const rows = await selectShares(database.sql, lanes, caller.book, filter)
      return okay(presentPage('shares', asked.value, rows, ({ id }) => [id], presentShare))
    },
  )
}

function presentShare(share: ShareRow) {
  const isTill = share.outTradeNo.startsWith('CP')
  return {
    sale_id: formatId(isTill ? 'combined_payment' : 'order', share.id),
    status: share.state,
    reason: share.reason,
    total: fenToJson(share.total),
    amount: fenToJson(share.amount),
    returned_amount: fenToJson(share.returned),
    receivers: share.receivers.map(({ mchid, amount }) => ({ mchid, amount: fenToJson(amount) })),
    created_at: formatInstant(share.createdAt),
  }
}
