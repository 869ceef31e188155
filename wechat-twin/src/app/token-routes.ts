/** `/cgi-bin/token`, `stable_token` and `clear_quota`: where apps get their access tokens, and how often. */
import type { Call } from '../kernel/router.ts'
import type { App } from '../kernel/users.ts'
import { done, readBody } from './api.ts'
import { provenApp } from './app-secret.ts'
import { Refused } from './errcodes.ts'
import { flag, needText, text } from './fields.ts'
import { day, minute, month } from './windows.ts'
import type { World } from './world.ts'

const grant = 'client_credential'
const clearing = 'clear_quota'

export function registerTokens(world: World): void {
  const { api, tokens, twin, windows } = world
  const rates = () => twin.settings.now.app

  api.open('GET', '/cgi-bin/token', (call) => {
    const { query } = call
    if (query.get('grant_type') !== grant) throw new Refused(40002)
    const app = provenApp(twin, query.get('appid'), query.get('secret'))
    checkAddress(app, call)
    if (!windows.take('token', app.appid, day, rates().tokenDay)) throw new Refused(45009)
    return tokens.plain(app.appid)
  })

  api.open('POST', '/cgi-bin/stable_token', (call) => {
    const body = readBody(call.body)
    if (text(body, 'grant_type') !== grant) throw new Refused(40002)
    const app = provenApp(twin, text(body, 'appid'), text(body, 'secret'))
    checkAddress(app, call)
    const { stableTokenMinute, stableTokenDay, stableForcedDay } = rates()
    if (!windows.take('stable', app.appid, minute, stableTokenMinute)) throw new Refused(45011)
    if (!windows.take('stable day', app.appid, day, stableTokenDay)) throw new Refused(45009)
    if (flag(body, 'force_refresh') !== true) return tokens.stable(app.appid)
    if (!windows.take('forced', app.appid, day, stableForcedDay)) throw new Refused(45009)
    return tokens.forced(app.appid)
  })

  api.post('/cgi-bin/clear_quota', 'any', ({ app, body }) => {
    if (needText(body, 'appid', 41002) !== app.appid) throw new Refused(40013)
    if (!windows.take(clearing, app.appid, month, rates().clearQuotaMonth)) throw new Refused(48006)
    windows.clear(app.appid, clearing)
    return done
  })
}

/** Refuses 40164 where the app lists addresses and the caller's is none of them. */
function checkAddress(app: App, call: Call): void {
  const address = call.address.replace(/^::ffff:/, '')
  if (app.ip_allow_list !== undefined && !app.ip_allow_list.includes(address))
    throw new Refused(40164, `${address} ipv6 ::ffff:${address}, not in whitelist`)
}
