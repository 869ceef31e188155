/** Routes of a member about itself. WeChat's names of it go neither in nor out. */
import { formatId, formatInstant, type MemberId, refused } from '@lika/contract'
import { joinAfterLogin } from '../../flows/members/join.ts'
import { resultOf } from '../../flows/members/login.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, idOf, nullable, Timestamp, Type } from '../http/schemas.ts'

const Me = closed({
  id: idOf('member'),
  is_guest: Type.Boolean(),
  app_id: idOf('wechat_app'),
  phone_last4: nullable(Type.String({ minLength: 4, maxLength: 4 })),
  created_at: Timestamp,
})

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/me',
      summary: 'Shows who is logged in',
      access: 'member',
      responses: { 200: Me },
      refusals: ['member.not_found'],
    },
    async ({ caller }) => {
      const own = await flows.members.find(caller.book, caller.memberId)
      if (own === undefined) return refused(notFound('member'))
      const group = await flows.members.groupOf(own.id)
      const phone = own.phoneLast4 ?? (await phoneOfAny(group, caller.book))
      return okay({
        id: formatId('member', group.at(0) ?? own.id),
        is_guest: own.appid === null,
        app_id: formatId('wechat_app', caller.appId),
        phone_last4: phone,
        created_at: formatInstant(own.createdAt),
      })
    },
  )

  /** What one who is the same person has given. */
  async function phoneOfAny(
    group: readonly MemberId[],
    book: Parameters<typeof flows.members.find>[0],
  ): Promise<string | null> {
    const all = await Promise.all(group.map((id) => flows.members.find(book, id)))
    return all.find((one) => typeof one?.phoneLast4 === 'string')?.phoneLast4 ?? null
  }

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/me/phone',
      summary: 'Takes the phone that WeChat names for a one-time code',
      access: 'member',
      body: closed({ code: Type.String({ pattern: '^[\\x21-\\x7e]{1,128}$' }) }),
      responses: { 200: closed({ phone_last4: Type.String({ minLength: 4, maxLength: 4 }) }) },
      refusals: ['login.code_refused'],
    },
    async ({ caller, body }) => {
      const told = resultOf(await flows.wechatApp.phoneOf(caller.appId, body.code))
      if (!told.ok) return told
      await flows.members.setPhone(caller.book, caller.memberId, told.value.phone)
      return okay({ phone_last4: told.value.phone.slice(-4) })
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/me/guest',
      summary: 'Says that the guest of another session was the same person, before logging in',
      access: 'member',
      body: closed({ token: Type.String({ minLength: 1, maxLength: 100 }) }),
      responses: { 200: closed({ id: idOf('member') }) },
      refusals: ['session.not_recognised', 'member.not_found'],
    },
    async ({ caller, body }) => {
      const guest = await flows.sessions.memberOf(body.token)
      const member = guest && (await flows.members.find(caller.book, guest.memberId))
      if (member === undefined || member.appid !== null) return refused(notFound('member'))
      await joinAfterLogin(flows, caller.book, caller.memberId, member.id)
      await flows.sessions.end(body.token)
      return okay({ id: formatId('member', await flows.members.canonical(caller.memberId)) })
    },
  )
}
