/** How an app proves itself where it has no access token yet: by appid and secret. */
import type { Twin } from '../kernel/twin.ts'
import type { App } from '../kernel/users.ts'
import { Refused } from './errcodes.ts'
import { isSameSignature } from './signatures.ts'

/** Refuses 41002, 40013, 41004, 40125. */
export function provenApp(
  twin: Twin,
  appid: string | null | undefined,
  secret: string | null | undefined,
): App {
  const app = knownApp(twin, appid)
  if (secret === null || secret === undefined || secret === '') throw new Refused(41004)
  if (!isSameSignature(secret, app.secret)) throw new Refused(40125)
  return app
}

/** Refuses 41002 and 40013. */
export function knownApp(twin: Twin, appid: string | null | undefined): App {
  if (appid === null || appid === undefined || appid === '') throw new Refused(41002)
  const app = twin.users.apps.get(appid)
  if (app === undefined) throw new Refused(40013, appid)
  return app
}
