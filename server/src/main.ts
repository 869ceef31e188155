/** The composition root: reads the configuration, starts one part after the other, and stops them the other way round. */
import { CannotStart } from './platform/cannot-start.ts'
import { type Config, readConfig } from './platform/config.ts'
import { type Log, openLog } from './platform/log.ts'
import { onSignal } from './signals.ts'
import { startDatabase } from './start-database.ts'
import { ensureDemo } from './start-demo.ts'
import { ensureDemoAtWechat } from './start-demo-wechat.ts'
import { startHttp } from './start-http.ts'
import { openParts } from './start-parts.ts'
import { startWechat } from './start-wechat.ts'
import { addresses, toTry } from './start-words.ts'
import { makeStops, type Stop } from './stops.ts'

async function start(config: Config, log: Log, onStop: (stop: Stop) => void): Promise<void> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const database = await startDatabase(config, log, onStop)
  const wechat = await startWechat(config, log, onStop)
  const parts = await openParts(config, log, database, wechat, onStop)
  const { url, call } = await startHttp(config, parts, onStop)
  wechat.listensAt(url)
  const demo = config.demo && (await ensureDemo(call, config.dataDir, parts.operatorKey))
  const { twinUrl } = wechat
  const shop =
    demo && twinUrl !== undefined
      ? await ensureDemoAtWechat({ call, key: demo.api_key, twinUrl })
      : undefined
  for (const line of addresses(url, parts.operatorKeyFile, twinUrl, shop)) say(line)
  if (demo) for (const line of toTry(url, config, demo)) say(line)
  say('Lika is ready')
}

const log = openLog('warn')
const stops = makeStops(log)
onSignal(async () => process.exit(await stops.run()))
try {
  await start(readConfig(), log, (stop) => stops.add(stop))
} catch (error) {
  await stops.run()
  if (!(error instanceof CannotStart)) throw error
  process.stderr.write(`Lika cannot start. ${error.message}\n`)
  process.exit(1)
}
