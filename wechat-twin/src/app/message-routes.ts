/**
 * What apps send to users: subscribe messages (one consent, one message), template messages to followers, and answers in
 * a conversation. All of them arrive on the local WeChat's phone.
 */
import type { App, User } from '../kernel/users.ts'
import { type Asked, done } from './api.ts'
import type { Template } from './consents.ts'
import { Refused } from './errcodes.ts'
import { type Body, isBody, needPart, needText, part, text } from './fields.ts'
import { fitsKeyword } from './message-values.ts'
import { day } from './windows.ts'
import type { World } from './world.ts'

export function registerMessages(world: World): void {
  const { api } = world
  for (const [path, kind] of [
    ['/cgi-bin/message/subscribe/send', 'mini_program'],
    ['/cgi-bin/message/subscribe/bizsend', 'official_account'],
  ] as const)
    api.post(path, kind, (asked) => sendSubscribed(world, asked))
  api.post('/cgi-bin/message/template/send', 'official_account', (asked) =>
    sendTemplate(world, asked),
  )
  api.post('/cgi-bin/message/custom/send', 'any', (asked) => sendCustom(world, asked))
}

const states = ['developer', 'trial', 'formal']
const langs = ['zh_CN', 'en_US', 'zh_HK', 'zh_TW']

/** Refuses 40003, 40037, 41030, 40097, 47003, 43101, 45009 in this order: what is wrong uses up no consent. */
function sendSubscribed(world: World, { app, body }: Asked): object {
  const { consents, people, twin, windows } = world
  const user = people.byOpenid(app, needText(body, 'touser', 40003))
  const template = knownTemplate(world, app, body)
  const page = pageOf(app, body)
  for (const [name, values] of [
    ['miniprogram_state', states],
    ['lang', langs],
  ] as const) {
    const value = text(body, name)
    if (value !== undefined && !values.includes(value)) throw new Refused(40097, name)
  }
  const data = readData(template, body)
  for (const [key, value] of Object.entries(data))
    if (!fitsKeyword(key, value)) throw new Refused(47003, `data.${key}.value invalid`)
  if (consents.count(app, user.id, template.template_id) === 0) throw new Refused(43101)
  if (!windows.take('subscribe', app.appid, day, twin.settings.now.app.subscribeDay))
    throw new Refused(45009)
  consents.use(app, user.id, template.template_id)
  tell(world, app, user, { kind: 'subscribe', template, data, page })
  return { ...done, msgid: newMessageId(world) }
}

/** Refuses 40003, 40036, 40037, 47003, 43004, 45009. A `client_msg_id` that came before is not sent again. */
function sendTemplate(world: World, { app, body }: Asked): object {
  const { people, sent, twin, windows } = world
  const user = people.byOpenid(app, needText(body, 'touser', 40003))
  const template = knownTemplate(world, app, body)
  const data = readData(template, body)
  const client = text(body, 'client_msg_id')
  const key = `${app.appid}|${client}`
  const before = client === undefined ? undefined : sent.get(key)
  if (before !== undefined) return { ...done, msgid: before.msgid }
  if (people.relationOf(app, user.id).isFollower !== true) throw new Refused(43004)
  if (!windows.take('template', app.appid, day, twin.settings.now.app.templateDay))
    throw new Refused(45009)
  const msgid = newMessageId(world)
  if (client !== undefined) sent.set(key, { msgid })
  const page = text(part(body, 'miniprogram') ?? {}, 'pagepath') ?? text(body, 'url')
  tell(world, app, user, { kind: 'template', template, data, page })
  const openid = people.openidOf(app, user.id)
  world.callbacks.event(app, openid, 'TEMPLATESENDJOBFINISH', { MsgID: msgid, Status: 'success' })
  return { ...done, msgid }
}

/** Refuses 40003, 45015 (the user did nothing for long), 45047 (too many answers), 41011, 40097. */
function sendCustom(world: World, { app, body }: Asked): object {
  const { cards, people, twin } = world
  const user = people.byOpenid(app, needText(body, 'touser', 40003))
  const relation = people.relationOf(app, user.id)
  const { conversationSeconds, customMessages } = twin.settings.now.app
  const now = Math.floor(twin.clock.now() / 1000)
  if (now - (relation.last_doing_at ?? 0) > conversationSeconds) throw new Refused(45015)
  const answers = relation.answers ?? 0
  if (answers >= customMessages) throw new Refused(45047)
  const kind = needText(body, 'msgtype')
  const from = app.appid
  if (kind === 'text') {
    const content = needText(needPart(body, 'text'), 'content')
    twin.users.tell(user.id, { from, title: '', text: content, kind: 'custom' })
  } else if (kind === 'wxcard') {
    const card = cards.owned(app, needText(needPart(body, 'wxcard'), 'card_id', 41012))
    const cardExt = text(needPart(body, 'wxcard'), 'card_ext')
    const data = { card_id: card.card_id, ...(cardExt !== undefined && { card_ext: cardExt }) }
    twin.users.tell(user.id, { from, title: cards.titleOf(card), text: '', kind: 'card', data })
  } else throw new Refused(40097, 'msgtype')
  people.relate(app, user.id, { answers: answers + 1 })
  return done
}

/** Refuses 40037 where it is unknown or missing, 40036 where it cannot be one. */
function knownTemplate({ consents }: World, app: App, body: Body): Template {
  const id = needText(body, 'template_id', 40037)
  if (id.length > 64) throw new Refused(40036)
  const template = consents.template(app, id)
  if (template === undefined) throw new Refused(40037)
  return template
}

/** A mini-program's page has a path of its own, without a leading slash or a host. */
function pageOf(app: App, body: Body): string | undefined {
  const page = text(body, 'page')
  if (page === undefined || app.kind !== 'mini_program') return page
  if (!/^[\w-]+(?:\/[\w-]+)*(?:\?[^#]*)?$/.test(page)) throw new Refused(41030)
  return page
}

/** Every keyword of the template with a value, and no other. Refuses 47003. */
function readData(template: Template, body: Body): Record<string, string> {
  const given = needPart(body, 'data', 47003)
  const keys = template.keys ?? Object.keys(given)
  const data: Record<string, string> = {}
  for (const key of Object.keys(given))
    if (!keys.includes(key)) throw new Refused(47003, `data.${key} is not of this template`)
  for (const key of keys) {
    const one = given[key]
    const value = isBody(one) ? one['value'] : undefined
    if (typeof value !== 'string' || value.trim() === '')
      throw new Refused(47003, `data.${key}.value is empty`)
    data[key] = value
  }
  if (keys.length === 0) throw new Refused(47003, 'data is empty')
  return data
}

function tell(
  { twin }: World,
  app: App,
  user: User,
  message: {
    kind: 'subscribe' | 'template'
    template: Template
    data: Readonly<Record<string, string>>
    page: string | undefined
  },
): void {
  const { kind, template, data, page } = message
  const lines = Object.entries(data).map(([key, value]) => `${key}：${value}`)
  twin.users.tell(user.id, {
    from: app.appid,
    title: template.template_id,
    text: lines.join('\n'),
    ...(page !== undefined && { url: page }),
    kind,
    data,
  })
}

function newMessageId({ twin }: World): number {
  return Number(`2${twin.random.digits(14)}`)
}
