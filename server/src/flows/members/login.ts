/**
 * Logging in to the wallet: a one-time code goes to WeChat, what WeChat says of its user becomes a member, and the member
 * gets a session. Nothing that a client says about itself has a part in it.
 */
import {
  type BookId,
  type Instant,
  type MemberId,
  ok,
  type Result,
  refusal,
  refused,
  type WechatAppId,
} from '@lika/contract'
import type { Answer, App, Login } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import { joinAfterLogin } from './join.ts'

export type LoginContext = Pick<
  FlowContext,
  'engine' | 'database' | 'members' | 'sessions' | 'wechatApp'
>

export interface LoggedIn {
  readonly memberId: MemberId
  readonly token: string
  readonly expiresAt: Instant
}

/**
 * Refusals: `login.code_refused` for a code that is used, expired or another app's; `busy` where WeChat does not answer;
 * `login.not_a_user` for a page that WeChat shows as a snapshot: nothing is bound to it.
 */
export async function logIn(
  context: LoginContext,
  app: Pick<App, 'id' | 'book' | 'kind'>,
  code: string,
): Promise<Result<LoggedIn>> {
  const { wechatApp, members, sessions } = context
  const told =
    app.kind === 'mini_program'
      ? await wechatApp.loginMiniProgram(app.id, code)
      : await wechatApp.exchangeCode(app.id, code)
  const login = resultOf(told)
  if (!login.ok) return login
  if (login.value.isSnapshot) return refused(notAUser)
  const memberId = await members.enter(app.book, knownBy(login.value))
  await joinAfterLogin(context, app.book, memberId, undefined)
  const session = { book: app.book, memberId, appId: app.id, isGuest: false }
  return ok({ memberId, ...(await sessions.begin(session)) })
}

/** Somebody who has not logged in, or will not: may buy, and has the session alone to come back by. */
export async function enterAsGuest(
  { members, sessions }: Pick<FlowContext, 'members' | 'sessions'>,
  app: { readonly id: WechatAppId; readonly book: BookId },
): Promise<LoggedIn> {
  const memberId = await members.makeGuest(app.book)
  const session = { book: app.book, memberId, appId: app.id, isGuest: true }
  return { memberId, ...(await sessions.begin(session)) }
}

/**
 * What a code came to, for a client that can only begin again or wait.
 * Refusals: `login.code_refused`, `busy`.
 */
export function resultOf<T>(told: Answer<T>): Result<T> {
  switch (told.status) {
    case 'done':
      return ok(told.value)
    case 'refused':
      return refused(
        refusal('login.code_refused', `WeChat does not accept this code (${told.code}).`),
      )
    case 'unknown':
      return refused(
        refusal('busy', 'WeChat does not answer right now. Begin again with a new code.', {
          retryAfterSeconds: 2,
        }),
      )
  }
}

function knownBy({ appid, openid, unionid }: Login) {
  return { appid, openid, ...(unionid !== undefined && { unionid }) }
}

const notAUser = refusal(
  'login.not_a_user',
  'WeChat shows this page as a snapshot: open it in full to log in.',
)
