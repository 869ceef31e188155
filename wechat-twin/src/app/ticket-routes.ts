/** `/cgi-bin/ticket/getticket`: where accounts get their tickets. */
import { Refused } from './errcodes.ts'
import type { World } from './world.ts'

export function registerTickets({ api, tickets }: World): void {
  api.get('/cgi-bin/ticket/getticket', 'official_account', ({ app, query }) => {
    const type = query.get('type')
    if (type !== 'jsapi' && type !== 'wx_card') throw new Refused(40097, 'type')
    return { errcode: 0, errmsg: 'ok', ...tickets.give(app.appid, type) }
  })
}
