/** What users do at apps, by name: `POST /_twin/users/{id}/do {action, …}`. A refusal comes back as 400 with its errcode. */
import { WechatRefusal } from '../kernel/refusal.ts'
import type { App, User } from '../kernel/users.ts'
import { knownApp } from './app-secret.ts'
import { decide, isPageFault, readAuthorization } from './authorize.ts'
import { Refused } from './errcodes.ts'
import { type Body, flag, needText, part, text, whole } from './fields.ts'
import { checkPage } from './js-sdk.ts'
import type { World } from './world.ts'

/** Registers a doing whose refusals carry errcodes. */
export type Doer = (action: string, work: (user: User, given: Body) => unknown) => void

export function doerOf({ twin }: World): Doer {
  return (action, work) =>
    twin.doing(action, (user, given) => {
      try {
        return work(user, given)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        throw new WechatRefusal(400, String(error.errcode), error.message)
      }
    })
}

/** The app that is meant, and that it may write to the user for a while now. */
export function meant(world: World, user: User, given: Body): App {
  const app = knownApp(world.twin, needText(given, 'appid', 41002))
  const last_doing_at = Math.floor(world.twin.clock.now() / 1000)
  world.people.relate(app, user.id, { last_doing_at, answers: 0 })
  return app
}

export function registerDoings(world: World): void {
  registerCodes(world)
  registerRelations(world)
  registerMarks(world)
}

/** Codes, as pages and mini-programs get them; `age_seconds` makes one that is as old already. */
function registerCodes(world: World): void {
  const { codes, twin } = world
  const does = doerOf(world)
  const scopeOf = (given: Body, otherwise: 'snsapi_base' | 'snsapi_userinfo') =>
    text(given, 'scope') === 'snsapi_userinfo' ? 'snsapi_userinfo' : otherwise
  const age = (given: Body) => whole(given, 'age_seconds') ?? 0

  does('oauth_code', (user, given) => {
    const app = meant(world, user, given)
    const scope = scopeOf(given, 'snsapi_base')
    world.people.relate(app, user.id, { hasWithdrawn: false })
    return {
      code: codes.give({ kind: 'oauth', appid: app.appid, user: user.id, scope }, age(given)),
    }
  })
  does('snapshot_code', (user, given) => {
    const { appid } = meant(world, user, given)
    const scope = scopeOf(given, 'snsapi_userinfo')
    const wanted = { kind: 'oauth', appid, user: user.id, scope, isSnapshot: true } as const
    return { code: codes.give(wanted, age(given)) }
  })
  does('js_code', (user, given) => {
    const { appid } = meant(world, user, given)
    return { code: codes.give({ kind: 'login', appid, user: user.id }, age(given)) }
  })
  does('phone_code', (user, given) => {
    const { appid } = meant(world, user, given)
    if (user.phone === undefined) throw new Refused(40097, 'the user has no phone number')
    return { code: codes.give({ kind: 'phone', appid, user: user.id }, age(given)) }
  })
  // Opens a link to the authorisation page, and agrees unless told otherwise.
  does('authorize', (user, given) => {
    const url = new URL(needText(given, 'url'))
    const asked = readAuthorization(twin.users.apps, url.search.slice(1))
    if (isPageFault(asked)) throw new WechatRefusal(400, String(asked.code), asked.words)
    const isSnapshot = flag(given, 'snapshot') === true
    const decision = { user: user.id, agrees: flag(given, 'agrees') !== false, isSnapshot }
    return { location: decide(world, asked, decision) }
  })
  // Opens a page of the account that calls `wx.config`.
  does('open_page', (user, given) => {
    checkPage(world, meant(world, user, given), part(given, 'page') ?? given)
    return { errMsg: 'config:ok' }
  })
}

/** Following, writing, consenting: what an account is told of by an event or a message. */
function registerRelations(world: World): void {
  const { callbacks, consents, people, twin } = world
  const does = doerOf(world)
  const openid = (app: App, user: User) => people.openidOf(app, user.id)

  does('follow', (user, given) => {
    const app = meant(world, user, given)
    people.relate(app, user.id, { isFollower: true })
    callbacks.event(app, openid(app, user), 'subscribe', { EventKey: text(given, 'scene') ?? '' })
  })
  does('unfollow', (user, given) => {
    const app = meant(world, user, given)
    people.relate(app, user.id, { isFollower: false, last_doing_at: 0 })
    callbacks.event(app, openid(app, user), 'unsubscribe', { EventKey: '' })
  })
  does('send_message', (user, given) => {
    const app = meant(world, user, given)
    const Content = needText(given, 'text')
    const MsgId = Number(`2${twin.random.digits(15)}`)
    callbacks.post(app, openid(app, user), 'text', { MsgType: 'text', Content, MsgId })
  })
  does('subscribe', (user, given) => {
    const app = meant(world, user, given)
    const template_id = needText(given, 'template_id', 40037)
    const isRefused = flag(given, 'refuse') === true
    // Nobody listed the account's templates: one that is offered to a user is one of them.
    if (consents.template(app, template_id) === undefined)
      consents.addTemplate(app, { template_id })
    if (!isRefused) consents.agree(app, user.id, template_id)
    callbacks.event(app, openid(app, user), 'subscribe_msg_popup_event', {
      SubscribeMsgPopupEvent: {
        List: {
          TemplateId: template_id,
          SubscribeStatusString: isRefused ? 'reject' : 'accept',
          PopupScene: 0,
        },
      },
    })
    return { consents: consents.count(app, user.id, template_id) }
  })
  // Takes back what the user had let the app know.
  does('withdraw', (user, given) => {
    const app = meant(world, user, given)
    people.relate(app, user.id, { hasWithdrawn: true })
    callbacks.event(app, openid(app, user), 'user_authorization_revoke', {
      OpenID: openid(app, user),
      AppID: app.appid,
      RevokeInfo: '301',
      PluginID: '',
    })
  })
}

/** What WeChat itself holds against a user. */
function registerMarks(world: World): void {
  const { people, twin } = world
  const does = doerOf(world)
  does('set', (user, given) => {
    for (const name of ['high_risk', 'limited'] as const) {
      const value = flag(given, name)
      if (value !== undefined) people.mark(user.id, { [name]: value })
    }
    return people.marksOf(user.id)
  })
  does('change_password', (user) => {
    people.mark(user.id, { password_changed_at: twin.clock.realSeconds() })
  })
}
