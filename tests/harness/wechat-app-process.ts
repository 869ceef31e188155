/**
 * A process that speaks for one app: `<database url> <url of WeChat> <app> <work> <count>`. Says `ready`, begins when it
 * is sent a line, does the work so many times at once, and says as one line of JSON what came of each.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { asId, type WechatAppId } from '@lika/contract'
import { guardTuning } from '../../server/src/connectors/wechat-app/guard.ts'
import { appRole, connect } from '../../server/src/platform/db.ts'
import { connectorOn, memberCard } from './wechat-connector.ts'

/** What came of a call. */
export interface Told {
  status: string
  code?: string
  detail?: string
}

const [databaseUrl = '', wechatUrl = '', id = '', work = '', count = '1'] = process.argv.slice(2)
const options = { applicationName: 'wechat-app', pool: 4, role: appRole }
const database = await connect(databaseUrl, options)
const { wechat } = connectorOn(database, wechatUrl, {
  tuning: { guard: { ...guardTuning, patienceMs: 12_000 } },
})
const app: WechatAppId = asId(id)

const tasks: Readonly<Record<string, () => Promise<Told>>> = {
  page: () => wechat.jsSdk(app, 'https://shop.test/'),
  card: () => wechat.createCard(app, memberCard),
}

writeSync(1, 'ready\n')
for await (const _ of createInterface(process.stdin)) break
const task = tasks[work]
if (task === undefined) throw new Error(`no work ${work}`)
const answers = await Promise.all(Array.from({ length: Number(count) }, () => task()))
writeSync(1, `${JSON.stringify(answers)}\n`)
await database.close()
process.exit(0)
