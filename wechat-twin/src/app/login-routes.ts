/** A mini-program asks who is there (`jscode2session`), and for the phone number that a user gave away by a button. */
import { provenApp } from './app-secret.ts'
import { Refused } from './errcodes.ts'
import { needText, text } from './fields.ts'
import { minute } from './windows.ts'
import type { World } from './world.ts'

export function registerLogin(world: World): void {
  const { api, codes, people, twin, windows } = world

  api.open('GET', '/sns/jscode2session', ({ query }) => {
    const app = provenApp(twin, query.get('appid'), query.get('secret'))
    if (app.kind !== 'mini_program') throw new Refused(48001)
    if (query.get('grant_type') !== 'authorization_code') throw new Refused(40002)
    const sent = query.get('js_code') ?? ''
    if (sent === '') throw new Refused(41008)
    const { user } = codes.use('login', app.appid, sent)
    const limit = twin.settings.now.app.loginUserMinute
    if (!windows.take('login', `${app.appid}|${user}`, minute, limit)) throw new Refused(45011)
    if (people.marksOf(user).high_risk === true) throw new Refused(40226)
    if (people.marksOf(user).limited === true) throw new Refused(50002)
    const unionid = people.unionidOf(app, user)
    return {
      session_key: twin.random.bytes(16).toString('base64'),
      openid: people.openidOf(app, user),
      ...(unionid !== undefined && { unionid }),
    }
  })

  api.post('/wxa/business/getuserphonenumber', 'mini_program', ({ app, body }) => {
    const limit = twin.settings.now.app.phoneMinute
    if (!windows.take('phone', app.appid, minute, limit)) throw new Refused(45011)
    const code = needText(body, 'code', 41008)
    const openid = text(body, 'openid')
    const { user } = codes.use('phone', app.appid, code)
    if (openid !== undefined && openid !== people.openidOf(app, user)) throw new Refused(40003)
    const phone = twin.users.table.get(user)?.phone ?? ''
    return {
      errcode: 0,
      errmsg: 'ok',
      phone_info: {
        phoneNumber: phone,
        purePhoneNumber: phone,
        countryCode: '86',
        watermark: { timestamp: twin.clock.realSeconds(), appid: app.appid },
      },
    }
  })
}
