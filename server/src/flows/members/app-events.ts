/**
 * What WeChat calls back about the users of an app, made into what is known of members. An event is recorded once however
 * often it comes; the state of a card is what its events add up to, so their order does not matter either.
 */
import { createHash } from 'node:crypto'
import {
  type BookId,
  type Instant,
  issuerOfBook,
  type MemberId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type AboutCard,
  type AppEventRow,
  type CardMeaning,
  insertAppEvents,
  type MemberCaller,
} from '../../modules/members/index.ts'
import type { App, AppEvent } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { joinAfterLogin } from './join.ts'
import { resultOf } from './login.ts'

type EventContext = Pick<
  FlowContext,
  'engine' | 'database' | 'members' | 'keyring' | 'issuers' | 'publicUrl' | 'wechatApp'
>

const meanings: Readonly<Record<string, CardMeaning>> = {
  user_get_card: 'received',
  user_gifting_card: 'gifting',
  user_del_card: 'deleted',
  user_consume_card: 'consumed',
}

/**
 * Records it; answers what its user is to read, the same for every delivery: WeChat shows the first answer that it gets.
 * The OpenID is WeChat's own word, so whoever has not come before becomes a member.
 */
export async function takeAppEvent(
  context: EventContext,
  app: App,
  event: AppEvent,
): Promise<string | undefined> {
  const { members, database } = context
  const unionid = event.fields['UnionId']
  const known = { appid: app.appid, openid: event.openid, ...(unionid && { unionid }) }
  const memberId = await members.enter(app.book, known)
  if (unionid) await joinAfterLogin(context, app.book, memberId, undefined)
  const about = {
    appId: app.id,
    bookId: app.book,
    event: (event.event ?? 'message').slice(0, 64),
    at: event.createdAt,
  }
  const own: AppEventRow = {
    ...about,
    memberId,
    dedupeKey: digest(event.dedupeKey),
    card: cardIn(context, app.book, event),
  }
  const giver = await giverIn(context, app, event)
  const rows = giver === undefined ? [own] : [own, { ...about, ...giver }]
  await insertAppEvents(database.sql, rows)
  return welcomes.has(event.event ?? '') ? welcome(context, app) : undefined
}

/** A card that a friend gave: from then on the giver has it no more. */
async function giverIn(
  context: EventContext,
  { book, appid }: App,
  { event, dedupeKey, fields }: AppEvent,
): Promise<Pick<AppEventRow, 'memberId' | 'dedupeKey' | 'card'> | undefined> {
  const [openid, code, wechatCardId] = ['FriendUserName', 'OldUserCardCode', 'CardId'].map(
    (name) => fields[name],
  )
  const isGift = event === 'user_get_card' && fields['IsGiveByFriend'] === '1'
  if (!isGift || !openid || !code || !wechatCardId) return undefined
  const memberId = await context.members.enter(book, { appid, openid })
  const card = cardOf(context, book, wechatCardId, code, 'gifted')
  return { memberId, dedupeKey: digest(`${dedupeKey} giver`), card }
}

function cardIn(
  context: EventContext,
  book: BookId,
  { event = '', fields }: AppEvent,
): AboutCard | undefined {
  const means = meanings[event]
  const [wechatCardId, code] = [fields['CardId'], fields['UserCardCode']]
  if (means === undefined || !wechatCardId || !code) return undefined
  const cameBack = means === 'gifting' && fields['IsReturnBack'] === '1'
  return cardOf(context, book, wechatCardId, code, cameBack ? 'returned' : means)
}

function cardOf(
  { keyring }: Pick<EventContext, 'keyring'>,
  book: BookId,
  wechatCardId: string,
  code: string,
  means: CardMeaning,
): AboutCard {
  const codeDigest = keyring.nameDigest(book, nameKinds.wechatCardCode, `${wechatCardId} ${code}`)
  return { wechatCardId: wechatCardId.slice(0, 64), codeDigest, codeLast4: code.slice(-4), means }
}

const welcomes: ReadonlySet<string> = new Set(['subscribe', 'user_get_card'])

/** Chinese first; the shop where the app has one. */
async function welcome({ issuers, publicUrl }: EventContext, app: App): Promise<string> {
  const issuer = await issuers.find(issuerOfBook(app.book))
  const name = issuer?.name ?? ''
  const id = app.id.replaceAll('-', '')
  return `欢迎来到${name}！购买和查看礼卡：${publicUrl()}/h5/wxapp_${id}\nWelcome to ${name}. Your cards are there.`
}

/**
 * The member's phone says that a card was added: it has the code encrypted, which WeChat opens for us, and WeChat says
 * whose the code is. A phone tells no time, so its word stands before every event. All ways in which a card is added, on a
 * page, in a mini-program, from a code that was scanned, end in the same state.
 * Refusals: `login.code_refused`, `busy`, `card.not_recognised` where the code is not this member's,
 * `card_parameters.refused` where parameters come back that we did not give out, too late, or again.
 */
export async function takeAddedCard(
  context: EventContext,
  caller: MemberCaller,
  appid: string,
  added: {
    readonly wechatCardId: string
    readonly encryptedCode: string
    /** As `wx.addCard` gave it back; there is none where a code was scanned. */
    readonly cardExt?: string | undefined
  },
): Promise<Result<void>> {
  const { wechatApp, members, database } = context
  const opened = resultOf(await wechatApp.decryptCode(caller.appId, added.encryptedCode))
  if (!opened.ok) return opened
  const asked = { code: opened.value, cardId: added.wechatCardId }
  const known = resultOf(await wechatApp.cardCode(caller.appId, asked))
  if (!known.ok) return known
  const openid = await members.openidOf(caller.book, caller.memberId, appid)
  if (openid === undefined || known.value.openid !== openid) return refused(notYours)
  if (added.cardExt !== undefined) {
    const back = { cardId: added.wechatCardId, cardExt: added.cardExt }
    const reason = await wechatApp.takeAddCard(caller.appId, back)
    if (reason !== 'accepted') return refused(parametersRefused(reason))
  }
  const owner = await members.memberOf(caller.book, appid, openid)
  const row = reported(context, caller, owner ?? caller.memberId, asked)
  await insertAppEvents(database.sql, [row])
  return ok(undefined)
}

const untimed: Instant = 0

function reported(
  context: EventContext,
  { appId, book }: MemberCaller,
  memberId: MemberId,
  { code, cardId }: { readonly code: string; readonly cardId: string },
): AppEventRow {
  return {
    appId,
    bookId: book,
    memberId,
    dedupeKey: digest(`report ${memberId} ${cardId} ${code}`),
    event: 'add_card_report',
    card: cardOf(context, book, cardId, code, 'received'),
    at: untimed,
  }
}

function parametersRefused(reason: string): Refusal {
  return refusal('card_parameters.refused', `The parameters are ${reason}.`, { data: { reason } })
}

const notYours = refusal(
  'card.not_recognised',
  'WeChat does not know this code as a card of yours.',
)

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
