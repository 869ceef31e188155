/**
 * A buyer is asked to pay: an invitation for the page, mini-program, code or browser in which he is. Whoever changes over
 * half-way takes his order along; what he was asked before is closed at WeChat first, so that he is charged once.
 */
import {
  formatId,
  laneOfId,
  modeOfBook,
  type OrderId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
  type WechatAppId,
} from '@lika/contract'
import {
  findOrder,
  findTrade,
  type OrderRow,
  outTradeNo,
  selectTradesOf,
  type TradeRow,
  type TradeShown,
  writeTradeProblem,
} from '../../modules/orders/index.ts'
import { isShared } from '../../modules/sharing/index.ts'
import type { Invitation, PayAccount, PayScene } from '../../modules/wechat/index.ts'
import type { Json } from '../../platform/lanes/index.ts'
import type { CardCaller } from '../cards/caller.ts'
import { lawOf } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import { isPayer, payerIn } from '../payer.ts'
import { executePrepared, knownAtFirst } from '../prepared.ts'
import { descriptionOf } from './description.ts'
import { mayUseCreditCards } from './law-of-order.ts'
import { askTrade, closeTrade, type Learnt, wasRefundedThere } from './learn.ts'
import { orderNotFound } from './on-order.ts'
import {
  closingCommand,
  type InvitationAsked,
  inviteCommand,
  neverOpenedCommand,
  openedCommand,
  superseded,
} from './trades.ts'

export interface PayInput {
  readonly orderId: OrderId
  readonly scene: PayScene
  /** The app in which the buyer is; undefined: the first that the merchant number is bound to. */
  readonly appId?: WechatAppId | undefined
  /** The buyer's own address, for a browser outside WeChat. */
  readonly clientIp?: string | undefined
}

/** How the buyer is asked to pay, as it stands in the answer. */
export interface Invited {
  readonly order: OrderRow
  readonly trade: TradeRow
  readonly invitation: Invitation
}

/**
 * Under one key the same number, and its invitation while that can be paid; another key asks WeChat anew, and where it asks the
 * same way the invitation of both is the newer one. Refusals:
 *
 * 1. `order.not_found`, `wechat_app.not_found`, `wechat.not_connected`, `order.payer_unknown` (leave nothing)
 * 2. `order.wrong_status`, `order.review_pending`, `order.expired`, `order.too_many_invitations`
 * 3. `order.superseded` where the buyer went on in another way meanwhile, `wechat.refused` with WeChat's code, `busy`
 *    where WeChat does not answer: the same key asks again; `order.payer_unknown` where the member is not the payer any
 *    more whom WeChat was to ask under this key
 */
export async function payOrder(
  context: FlowContext,
  { book, issuerId }: Pick<CardCaller, 'book' | 'issuerId'>,
  input: PayInput,
  key: string,
): Promise<Result<Invited>> {
  const { orderId, scene, appId, clientIp } = input
  const { engine, database } = context
  const lane = laneOfId(orderId)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return refused(orderNotFound)
  const [order, accounts] = await Promise.all([
    findOrder(database.sql, book, orderId),
    context.payAccounts.active(book),
  ])
  if (order === undefined) return refused(orderNotFound)
  const said = { order, scene, appId, key }
  const active = knownAtFirst(accounts, () => context.payAccounts.active(book))
  const command = inviteCommand(context, book, said, async (seen) =>
    askedOf(context, await active(), seen, input),
  )
  if (!command.ok) return command
  const told = await executePrepared((one) => engine.execute(one), command.value)
  if (told.status === 'refused') return refused(told.refusal)
  const n = Number(told.body['trade'])
  const { productId: subject } = order
  const [trades, profitSharing] = await Promise.all([
    closeOthers(context, order, n),
    isShared(database.sql, { lane, bookId: book, outTradeNo: outTradeNo({ orderId, n }), subject }),
  ])
  if (!trades.ok) return trades
  const trade = trades.value[n - 1]
  const known = told.replayed ? standing(context, order, trade) : undefined
  if (known !== undefined) return ok(known)
  return open(context, order, trades.value, { n, issuerId, clientIp, profitSharing })
}

/** Which merchant number is paid, in which app, by whom: the OpenID is one that WeChat told us, never a caller. */
async function askedOf(
  context: FlowContext,
  accounts: readonly PayAccount[],
  order: OrderRow,
  { scene, appId }: PayInput,
): Promise<Result<InvitationAsked>> {
  const { bookId: book } = order
  const app = appId && (await context.wechatApps.find(book, appId))
  if (appId !== undefined && app === undefined) return refused(noSuchApp)
  const wanted = app?.appid
  const account = accountFor(accounts, order, wanted)
  const appid = wanted ?? account?.appids[0]
  if (account === undefined || appid === undefined) return refused(notConnected)
  const needsPayer = scene === 'jsapi' || scene === 'mini_program'
  const payer = needsPayer ? await payerIn(context, book, order.memberId, appid) : undefined
  if (needsPayer && payer === undefined) return refused(payerUnknown)
  const { id: accountId, mchid } = account
  return ok({ accountId, mchid, scene, appid, payerDigest: payer?.digest ?? null })
}

/** The OpenID with which WeChat was to be asked under the number. Refusals: `order.payer_unknown`. */
async function payerOf(
  context: FlowContext,
  order: OrderRow,
  { appid, payerDigest }: TradeRow,
): Promise<Result<string | undefined>> {
  if (payerDigest === null) return ok(undefined)
  const payer = await payerIn(context, order.bookId, order.memberId, appid)
  const isSame = payer !== undefined && isPayer(payer.digest, payerDigest)
  return isSame ? ok(payer.openid) : refused(payerUnknown)
}

const noSuchApp = refusal('wechat_app.not_found', 'No WeChat app has this id here (wxapp_…).')
const notConnected = refusal(
  'wechat.not_connected',
  'No active merchant number of this issuer is bound to the app.',
)
const payerUnknown = refusal(
  'order.payer_unknown',
  'This way of paying needs a member who has logged in to the app; give the order one.',
)

/** The one that the order has, while it lives, else the first that is bound to the app. */
function accountFor(
  active: readonly PayAccount[],
  { accountId }: OrderRow,
  appid: string | undefined,
): PayAccount | undefined {
  const fitting = active.filter(({ appids }) => appid === undefined || appids.includes(appid))
  return fitting.find(({ id }) => id === accountId) ?? fitting.at(-1)
}

/** What the buyer was asked before is closed at WeChat before he is asked anew; answers all that he was asked. */
async function closeOthers(
  context: FlowContext,
  { id, bookId: book }: OrderRow,
  n: number,
): Promise<Result<readonly TradeShown[]>> {
  const { sql } = context.database
  const isOlder = ({ n: other, state }: TradeRow) => other < n && state === 'closing'
  let trades = await selectTradesOf(sql, id)
  for (const other of trades.filter(isOlder)) await closeTrade(context, other, outTradeNo(other))
  if (trades.some(isOlder)) trades = await selectTradesOf(sql, id)
  if (trades.some(({ state }) => state === 'paid'))
    return refused(await wrongStatus(context, book, id))
  return trades.some(isOlder) ? refused(silent) : ok(trades)
}

async function wrongStatus({ database }: FlowContext, book: OrderRow['bookId'], id: OrderId) {
  const order = await findOrder(database.sql, book, id)
  const status = order?.status ?? 'paid'
  return refusal('order.wrong_status', `The order is ${status}.`, { data: { status } })
}

const silent = refusal('busy', 'WeChat does not answer; ask again with the same key.', {
  retryAfterSeconds: 2,
})

/** What the same key was answered before, while it can be paid. */
function standing(
  { engine }: FlowContext,
  order: OrderRow,
  trade: TradeShown | undefined,
): Invited | undefined {
  const invitation = invitationFrom(trade?.invitation ?? null)
  if (trade?.state !== 'open' || invitation === undefined) return undefined
  if (engine.now(modeOfBook(order.bookId)) >= trade.askedAt + lifeOf(invitation)) return undefined
  return { order, trade, invitation }
}

/** An invitation lives for two hours, one for a browser for five minutes: asked for anew a little before. */
function lifeOf({ scene }: Invitation): number {
  return (scene === 'h5' ? 4 : 110) * 60_000
}

interface Opening extends Pick<CardCaller, 'issuerId'>, Pick<PayInput, 'clientIp'> {
  readonly n: number
  readonly profitSharing: boolean
}

/** Asks WeChat for the invitation, of whom and over which merchant number the number was written down with. */
async function open(
  context: FlowContext,
  order: OrderRow,
  trades: readonly TradeShown[],
  { n, issuerId, clientIp, profitSharing }: Opening,
): Promise<Result<Invited>> {
  const { bookId: book, id: orderId } = order
  const { engine, wechatPay, programs } = context
  const trade = trades[n - 1]
  if (trade === undefined || (trade.state !== 'asked' && trade.state !== 'open'))
    return refused((trades.length === n && (await whyClosed(context, trade))) || superseded)
  const openid = await payerOf(context, order, trade)
  if (!openid.ok) return openid
  const law = await lawOf(context, issuerId)
  const terms = await programs.termsOf(book, order.productId, order.productVersion)
  const no = outTradeNo(trade)
  const answer = await wechatPay.prepay(trade.accountId, {
    scene: trade.scene,
    outTradeNo: no,
    amount: trade.amount,
    description: descriptionOf(terms?.name ?? '', order.quantity),
    expiresAt: trade.expiresAt,
    appid: trade.appid,
    openid: openid.value,
    clientIp,
    attach: formatId('order', orderId),
    profitSharing,
    creditCards: mayUseCreditCards(law, order.createdAt),
  })
  if (answer.status === 'unknown') return refused(silent)
  if (answer.status === 'refused') return notInvited(context, trade, answer.code)
  const invitation = invitationJson(answer.value)
  const seen = { ...order, trades: trades.length }
  const opened = openedCommand(context, book, trade, { invitation, seen })
  if (!opened.ok) return opened
  const told = await executePrepared((one) => engine.executeUnclaimed(one), opened.value)
  if (told.status === 'refused') return refused(told.refusal)
  return ok({ order, trade, invitation: answer.value })
}

/** Where WeChat says that it was paid, that is learnt; else the number is asked for again, or the next one is. */
async function notInvited(
  context: FlowContext,
  trade: TradeRow,
  code: string,
): Promise<Result<Invited>> {
  const { bookId: book, orderId } = trade
  const { sql } = context.database
  const lane = laneOfId(orderId)
  const learnt = await askTrade(context, trade, outTradeNo(trade))
  if (learnt === 'in_book') {
    const now = await findTrade(sql, orderId, trade.n)
    const isUnpaid = now?.state === 'closed' && !(await wasRefundedThere(context, trade))
    if (!isUnpaid) return refused(await wrongStatus(context, book, orderId))
  } else {
    const command = endOf(trade, learnt, code)?.(context, book, trade)
    if (command?.ok) await executePrepared((one) => context.engine.execute(one), command.value)
  }
  await writeTradeProblem(sql, lane, trade, code)
  return refused(notTaken(code))
}

function notTaken(code: string): Refusal {
  return refusal('wechat.refused', `WeChat did not take the order: ${code}.`, {
    data: { code_at_wechat: code },
  })
}

/** Of a number that ended before the buyer was shown anything: what WeChat said of it. undefined: nothing, or he was. */
async function whyClosed(
  context: FlowContext,
  trade: TradeShown | undefined,
): Promise<Refusal | undefined> {
  if (trade?.state !== 'closed' || (await wasRefundedThere(context, trade))) return undefined
  const { orderId, n } = trade
  const now = await findTrade(context.database.sql, orderId, n)
  const isShown = now === undefined || now.invitation !== null
  return isShown || now.problem === null ? undefined : notTaken(now.problem)
}

/**
 * How a number ends for which WeChat gave no invitation; undefined: it does not, and is asked for again. Whoever was shown
 * something of it may pay it, so it is closed at WeChat before the next; what was only asked for nobody was shown.
 */
function endOf({ state }: TradeRow, learnt: Learnt | 'not_there', code: string) {
  const isShown = state === 'open'
  if (learnt === 'not_there') return isShown ? closingCommand : neverOpenedCommand
  if (isTaken(code)) return closingCommand
  // WeChat says nothing of the number either. Where that is the first that was asked of it, it was refused for now.
  return learnt === 'later' && isShown ? closingCommand : undefined
}

/** WeChat has the number with something else in it, and takes it never again. */
function isTaken(code: string): boolean {
  return code === 'OUT_TRADE_NO_USED' || code === 'INVALID_REQUEST'
}

function invitationJson(invitation: Invitation): Json {
  switch (invitation.scene) {
    case 'jsapi':
    case 'mini_program':
      return { scene: invitation.scene, parameters: { ...invitation.parameters } }
    case 'native':
      return { scene: 'native', codeUrl: invitation.codeUrl }
    case 'h5':
      return { scene: 'h5', url: invitation.url }
  }
}

function invitationFrom(kept: Json): Invitation | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined
  const members = new Map<string, unknown>(Object.entries(kept))
  const scene = members.get('scene')
  const text = (name: string) => String(members.get(name))
  if (scene === 'native') return { scene, codeUrl: text('codeUrl') }
  if (scene === 'h5') return { scene, url: text('url') }
  if (scene !== 'jsapi' && scene !== 'mini_program') return undefined
  const parameters = Object.entries(members.get('parameters') ?? {})
  return {
    scene,
    parameters: Object.fromEntries(parameters.map(([name, value]) => [name, String(value)])),
  }
}
