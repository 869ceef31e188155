/** Control of apps and of users, and of what users do. */
import { integer, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import { anything, ControlMistake, control } from './control.ts'

const userGiven = object({
  name: text({ max: 64 }),
  phone: optional(text({ max: 20, pattern: /^\+?\d{5,18}$/ })),
  balance_fen: optional(integer()),
  pays_with: optional(oneOf('balance', 'debit', 'credit')),
  account: optional(oneOf('blocked', 'closed')),
})

export function register(twin: Twin): void {
  const { users } = twin

  control(twin, 'POST', '/_twin/users', userGiven, ({ body }) => shown(twin, users.add(body)))
  control(twin, 'GET', '/_twin/users', undefined, () => ({
    data: [...users.table.values()].map((user) => shown(twin, user)),
  }))
  control(twin, 'GET', '/_twin/users/{id}', undefined, ({ params }) =>
    shown(twin, known(twin, params['id'])),
  )

  control(twin, 'POST', '/_twin/users/{id}/do', anything, async ({ body, params }) => {
    const user = known(twin, params['id'])
    const { action, ...given } = body
    const work = twin.doings.get(String(action))
    if (work === undefined) {
      const names = [...twin.doings.keys()].join(', ')
      throw new ControlMistake(`no action ${String(action)}; there are ${names}`)
    }
    return (await work(user, given)) ?? {}
  })

  twin.doing('messages', (user) => ({
    data: users.messagesOf(user.id).map(({ at, ...rest }) => ({
      ...rest,
      at: new Date(at).toISOString(),
    })),
  }))
}

function known(twin: Twin, id: string | undefined): User {
  const user = twin.users.table.get(id ?? '')
  if (user === undefined) throw new ControlMistake(`no user ${id}`)
  return user
}

/** With the user's name at every app that the twin has heard of, by merchants too. */
function shown(twin: Twin, user: User) {
  const appids = new Set([...twin.users.apps.values()].map((app) => app.appid))
  for (const merchant of twin.merchants.table.values())
    for (const appid of merchant.appids) appids.add(appid)
  const openids = [...appids].map((appid) => [appid, twin.users.openidOf(user.id, appid)])
  const subjects = new Set([...twin.users.apps.values()].map(({ subject }) => subject))
  const [first = 'default'] = subjects
  const unionids = [...subjects].map((subject) => [subject, twin.users.unionidOf(user.id, subject)])
  return {
    ...user,
    openids: Object.fromEntries(openids),
    unionid: twin.users.unionidOf(user.id, first),
    unionids: Object.fromEntries(unionids),
  }
}
