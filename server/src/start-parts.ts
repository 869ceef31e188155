/** A step of the start: the parts that routes are made of, on an open database. */
import { join, resolve } from 'node:path'
import { formatId, modeOfBook } from '@lika/contract'
import type { Deps } from './api/deps.ts'
import { webhookSender } from './connectors/webhook-sender.ts'
import { wechatApp } from './connectors/wechat-app/index.ts'
import { payHosts, trySm, wechatPay } from './connectors/wechat-pay/wechat-pay.ts'
import type { FlowContext } from './flows/context.ts'
import { nameKinds } from './flows/names.ts'
import { ensureOperatorKey, openAccess } from './modules/access/index.ts'
import { createGuesses, mintCards } from './modules/cards/index.ts'
import { openIssuers } from './modules/issuers/index.ts'
import { openLoyalty } from './modules/loyalty/index.ts'
import { openMembers, openSessions } from './modules/members/index.ts'
import { openMerchants } from './modules/merchants/index.ts'
import { loadPacks, loadTables } from './modules/policy/index.ts'
import { openPrograms } from './modules/programs/index.ts'
import { openWebhooks, type Webhooks } from './modules/webhooks/index.ts'
import { openAppDesk, openPayAccounts, openWechatApps } from './modules/wechat/index.ts'
import { realNow } from './platform/clock.ts'
import type { Config } from './platform/config.ts'
import type { Keyring } from './platform/crypto/keyring.ts'
import { openKeyring } from './platform/crypto/master-key.ts'
import type { Database } from './platform/db.ts'
import { newId } from './platform/ids.ts'
import type { Engine } from './platform/lanes/index.ts'
import type { Log } from './platform/log.ts'
import type { OpenDatabase } from './start-database.ts'
import { startEngine } from './start-engine.ts'
import { startJobs } from './start-jobs.ts'
import { openMetrics } from './start-metrics.ts'
import { startPayouts } from './start-payouts.ts'
import { readinessChecks } from './start-readiness.ts'
import { startSharing } from './start-sharing.ts'
import { startTimers } from './start-timers.ts'
import type { WechatPlaces } from './start-wechat.ts'
import type { Stop } from './stops.ts'

const packsFolder = resolve(import.meta.dirname, '../../policies')

export type Parts = Omit<Deps, 'trustProxy' | 'tls'> & {
  readonly operatorKeyFile: string
  readonly operatorKey: string
}

/** @throws CannotStart */
export async function openParts(
  config: Config,
  log: Log,
  open: OpenDatabase,
  wechat: WechatPlaces,
  onStop: (stop: Stop) => void,
): Promise<Parts> {
  const database = await open({ applicationName: 'lika-api' })
  onStop(() => database.close())
  const masterKey = { value: config.masterKey, file: join(config.dataDir, 'master.key') }
  const keyring = await openKeyring(database.sql, masterKey)
  const operatorKeyFile = join(config.dataDir, 'operator.key')
  const operatorKey = await ensureOperatorKey(database.sql, operatorKeyFile)
  const packs = await loadPacks(packsFolder)
  const tables = await loadTables(join(packsFolder, 'tables'))
  const nouns = {
    issuers: openIssuers(database, packs),
    programs: openPrograms(database),
    merchants: openMerchants({
      database,
      keyring,
      classes: tables.merchantClasses.classes,
      lanesOf: (mode) => engine.lanesOf(mode),
    }),
  }
  const { engineMeter: meter, watch, count, metrics } = openMetrics()
  const engine = await startEngine(config, log, open, { keyring, meter }, onStop)
  watch(engine, database, tables)
  const payAccounts = openPayAccounts({ database, keyring })
  const wechatApps = openWechatApps({ database, keyring })
  const flows: FlowContext = {
    engine,
    database,
    newId,
    keyring,
    packs,
    tables,
    ...nouns,
    loyalty: openLoyalty(database),
    guesses: createGuesses(database.sql, keyring),
    members: openMembers({
      database,
      keyring,
      nameKinds,
      now: (mode) => engine.now(mode),
      laneForNew: (mode) => engine.laneForNew(mode),
    }),
    sessions: openSessions(database),
    payAccounts,
    wechatPay: wechatPay({
      accounts: payAccounts,
      hostsOf: (mode) => payHosts(wechat.urlsOf(mode).pay),
      notifyUrlOf: (account) =>
        `${wechat.publicUrl()}/wechat/pay/${formatId('wechat_account', account)}/notifications`,
      log,
      now: realNow,
      sm: trySm(log),
    }),
    wechatApps,
    wechatApp: wechatApp({
      desk: openAppDesk({ database, keyring, apps: wechatApps }),
      urlsOf: wechat.urlsOf,
      log,
    }),
    publicUrl: wechat.publicUrl,
    mintCards: (request) => mintCards(request, keyring),
    tellTestClock: wechat.tellClock,
  }
  await wechat.tellClock(engine.testOffsetMs)
  startTimers(flows, log, onStop)
  startSharing(flows, log, onStop)
  const jobs = startJobs({ log, database, flows }, onStop)
  const payouts = await startPayouts(config, flows, log, onStop)
  return {
    log,
    database,
    packs,
    operatorKeyFile,
    operatorKey,
    bookNow: (mode) => engine.now(mode),
    access: openAccess(database),
    ...nouns,
    webhooks: startWebhooks({ config, log, database, keyring, engine }, onStop),
    flows,
    jobs,
    payouts,
    execute: (command) => engine.execute(command),
    readiness: readinessChecks(database, engine, jobs),
    count,
    metrics,
  }
}

type WebhookNeeds = {
  readonly config: Config
  readonly log: Log
  readonly database: Database
  readonly keyring: Keyring
  readonly engine: Engine
}

function startWebhooks(needs: WebhookNeeds, onStop: (stop: Stop) => void): Webhooks {
  const { config, log, database, keyring, engine } = needs
  const webhooks = openWebhooks({
    database,
    keyring,
    sender: webhookSender({ allowPrivate: config.webhookAllowPrivate }),
    lanesOf: (book) => engine.lanesOf(modeOfBook(book)),
    lanes: () => engine.lanes.map(({ lane }) => lane),
    log,
    // Nobody else works on an embedded PostgreSQL: what another process leased is left over from the last run.
    alone: config.databaseUrl === undefined,
  })
  engine.onMoved((lane) => webhooks.wake(lane))
  webhooks.start()
  onStop(() => webhooks.stop())
  return webhooks
}
