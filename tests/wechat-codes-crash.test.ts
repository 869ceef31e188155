/** The server is killed while WeChat consumes a code: whoever asks again under the same key learns what became of it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LikaProcess, startLikaProcess } from './harness/lika-process.ts'
import { startTwin, type TwinProcess, type TwinUser } from './harness/twin.ts'

let twin: TwinProcess
let lika: LikaProcess
let key: string
let app: string
let card: string
let user: TwinUser
const appid = 'wxofficial000000001'

before(async () => {
  twin = await startTwin()
  lika = await startLikaProcess({
    LIKA_WECHAT_PAY_URL: twin.url,
    LIKA_WECHAT_API_URL: twin.url,
    LIKA_WECHAT_OPEN_URL: twin.url,
  })
  key = await lika.makeIssuer()
  const given = { appid, kind: 'official_account', secret: 'f'.repeat(32) }
  await twin.control.app({ ...given, subject: 'lika', redirect_hosts: [] })
  app = (await post('/v1/wechat/apps', given)).body.id
  const made = await post(`/v1/wechat/apps/${app}/member_cards`, {
    title: '会员卡',
    brand_name: '礼卡',
    logo_url: 'https://mmbiz.qpic.cn/logo.png',
    color: 'Color010',
    notice: '使用时出示',
    service_phone: '020-88888888',
    description: '储值卡',
    prerogative: '会员价',
    quantity: 100,
    shows_balance: true,
    shows_bonus: true,
  })
  card = made.body.wechat_card_id
})
after(async () => {
  await lika.stop()
  await twin.stop()
})

const post = (path: string, body: object, idempotencyKey?: string) =>
  lika.call('POST', path, { key, body, ...(idempotencyKey !== undefined && { idempotencyKey }) })

async function newCode(): Promise<string> {
  user = await twin.control.user()
  const cards = [{ wechat_card_id: card }]
  const { body } = await post(`/v1/wechat/apps/${app}/card_parameters`, { cards })
  await twin.control.do(user.id, 'add_card', { appid, card_list: body.card_list })
  const { data } = await twin.control.do(user.id, 'cards')
  return data[0].code
}

/** How many calls with that code arrived at WeChat. */
async function arrived(path: string, code: string): Promise<number> {
  const calls = await twin.control.requests(path, 2_000)
  return calls.filter(({ body }) => body.includes(code)).length
}

for (const [when, path] of [
  ['after WeChat has consumed it', '/card/code/consume'],
  ['before it was consumed', '/card/code/get'],
] as const) {
  test(`a server killed ${when} has consumed the code once`, async () => {
    const code = await newCode()
    await twin.control.fault({ path }, 'hang_after')
    const body = { app_id: app, code }
    const asked = post('/v1/wechat/card_codes/consume', body, when)
    while ((await arrived(path, code)) === 0) await sleep(20)
    await lika.kill()
    await lika.start()
    // What the dead server had taken upon itself is over after 45 seconds.
    await lika.database.owner.sql`
      update wechat_consume set held_until = now() - interval '1 second' where status = 'begun'`
    const answer = await asked
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    assert.equal(answer.body.status, 'done')
    assert.equal(await arrived('/card/code/consume', code), 1)
    const other = await post('/v1/wechat/card_codes/consume', body)
    assert.equal(other.body.existing_id, answer.body.id)
  })
}
