/** Routes of shares of sales: how far they are, what does not come back of them, and having one tried now. */
import {
  fenToJson,
  formatId,
  formatInstant,
  laneOfId,
  modeOfBook,
  parseId,
  refusal,
  refused,
} from '@lika/contract'
import {
  findShare,
  type ReturnRow,
  restStates,
  returnsOfShares,
  type ShareRow,
  selectShares,
  shareStates,
  tryShareNow,
} from '../../modules/sharing/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  AmountOrZero,
  closed,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Payee = { mchid: nullable(Type.String()), member_id: nullable(idOf('member')) }
const SaleId = Type.String({
  pattern: '^(ord|cpay)_[0-9a-f]{32}$',
  description: 'ord_… or cpay_…',
})
const ReturnBody = closed({
  ...Payee,
  amount: Amount,
  status: {
    ...oneOf(['asked', 'succeeded', 'failed']),
    description: 'failed: it does not come back, and the merchant that sold bears it',
  },
  reason: nullable(Type.String()),
  created_at: Timestamp,
})
const ShareBody = closed({
  sale_id: SaleId,
  status: oneOf(shareStates),
  reason: nullable(Type.String()),
  total: Amount,
  amount: AmountOrZero,
  returned_amount: AmountOrZero,
  receivers: Type.Array(closed({ ...Payee, amount: Amount })),
  returns: Type.Array(ReturnBody),
  rest: {
    ...oneOf(restStates),
    description:
      'what nobody got: held at WeChat until the share is over, waiting to be let go, asked for, free, refunded with the sale, or refused',
  },
  rest_reason: nullable(Type.String()),
  attention: Type.Boolean({
    description: 'WeChat refuses again and again, or for good: a person has to look',
  }),
  next_at: nullable({ ...Timestamp, description: 'when WeChat is asked next' }),
  created_at: Timestamp,
})

export function register(app: LikaApp, { database, flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/shares',
      summary: 'Lists shares of sales and how far they are, the newest first',
      access: 'wechat:read',
      query: closed({
        attention: Type.Optional({
          ...Type.Boolean(),
          description: 'true: only those that a person has to look at',
        }),
        ...paging,
      }),
      responses: { 200: pageOf(ShareBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('shares', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const lanes = flows.engine.lanesOf(modeOfBook(caller.book))
      const filter = { attention: query.attention, before: afterId, limit: limit + 1 }
      const rows = await selectShares(database.sql, lanes, caller.book, filter)
      const shown = await withReturns(database, rows)
      return okay(
        presentPage('shares', asked.value, shown, ({ share }) => [share.id], presentShare),
      )
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/shares/retry',
      summary:
        'Has WeChat asked now for a share, or to let go of the rest, after what it refused was put right',
      access: 'wechat:write',
      body: closed({ sale_id: SaleId }),
      responses: { 200: ShareBody },
      refusals: ['share.not_found', 'share.not_open'],
    },
    async ({ caller, body }) => {
      const mode = modeOfBook(caller.book)
      const id = parseId('order', body.sale_id) ?? parseId('combined_payment', body.sale_id) ?? ''
      const find = async () => {
        const lane = id === '' ? undefined : laneOfId(id)
        if (lane === undefined || !flows.engine.lanesOf(mode).includes(lane)) return undefined
        return findShare(database.sql, lane, caller.book, id)
      }
      const share = await find()
      if (share === undefined) return refused(notThere)
      if (!(await tryShareNow(database.sql, share, flows.engine.now(mode)))) return refused(notOpen)
      const [shown] = await withReturns(database, [(await find()) ?? share])
      return okay(presentShare(shown ?? { share, returns: [] }))
    },
  )
}

const notThere = refusal('share.not_found', 'The book has no share of such a sale.')
const notOpen = refusal('share.not_open', 'Of this share there is nothing left to try.')

interface Shown {
  readonly share: ShareRow
  readonly returns: readonly ReturnRow[]
}

async function withReturns(
  { sql }: Deps['database'],
  shares: readonly ShareRow[],
): Promise<Shown[]> {
  const lanes = [...new Set(shares.map(({ lane }) => lane))]
  const ids = shares.map(({ id }) => id)
  const of = Map.groupBy(await returnsOfShares(sql, lanes, ids), ({ shareId }) => shareId)
  return shares.map((share) => ({ share, returns: of.get(share.id) ?? [] }))
}

function presentShare({ share, returns }: Shown) {
  const isTill = share.outTradeNo.startsWith('CP')
  const isOpen = share.rest === 'held' || share.rest === 'waiting' || share.rest === 'asked'
  return {
    sale_id: formatId(isTill ? 'combined_payment' : 'order', share.id),
    status: share.state,
    reason: share.reason,
    total: fenToJson(share.total),
    amount: fenToJson(share.amount),
    returned_amount: fenToJson(share.returned),
    receivers: share.receivers.map(({ amount, mchid = null, memberId = null }) => {
      return { ...presentPayee({ mchid, memberId }), amount: fenToJson(amount) }
    }),
    returns: returns.map(({ amount, state, reason, createdAt, ...payee }) => ({
      ...presentPayee(payee),
      amount: fenToJson(amount),
      status: state,
      reason,
      created_at: formatInstant(createdAt),
    })),
    rest: share.rest,
    rest_reason: share.restReason,
    attention: share.attention,
    next_at: isOpen ? formatInstant(share.nextAt) : null,
    created_at: formatInstant(share.createdAt),
  }
}

function presentPayee({ mchid, memberId }: Pick<ReturnRow, 'mchid' | 'memberId'>) {
  return { mchid, member_id: memberId === null ? null : formatId('member', memberId) }
}
