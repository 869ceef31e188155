/** The second step of a start: the parts that routes are made of, on an open database. */
import { join, resolve } from 'node:path'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Deps } from './api/deps.ts'
import { webhookSender } from './connectors/webhook-sender.ts'
import { ensureOperatorKey, openAccess } from './modules/access/index.ts'
import { openIssuers } from './modules/issuers/index.ts'
import { openMerchants } from './modules/merchants/index.ts'
import { loadPacks } from './modules/policy/index.ts'
import { openPrograms } from './modules/programs/index.ts'
import { openWebhooks } from './modules/webhooks/index.ts'
import { realNow } from './platform/clock.ts'
import type { Config } from './platform/config.ts'
import { openKeyring } from './platform/crypto/master-key.ts'
import type { Log } from './platform/log.ts'
import type { OpenDatabase } from './start-database.ts'
import type { Stop } from './stops.ts'

const packsFolder = resolve(import.meta.dirname, '../../policies')

export type Parts = Omit<Deps, 'trustProxy' | 'tls'> & { readonly operatorKeyFile: string }

/** @throws CannotStart */
export async function openParts(
  config: Config,
  log: Log,
  open: OpenDatabase,
  onStop: (stop: Stop) => void,
): Promise<Parts> {
  const database = await open({ applicationName: 'lika-api' })
  onStop(() => database.close())
  const file = join(config.dataDir, 'master.key')
  const keyring = await openKeyring(database.sql, { value: config.masterKey, file })
  const operatorKeyFile = join(config.dataDir, 'operator.key')
  await ensureOperatorKey(database.sql, operatorKeyFile)
  const packs = await loadPacks(packsFolder)
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    log,
    database,
    packs,
    operatorKeyFile,
    bookNow: () => realNow(),
    access: openAccess(database),
    issuers: openIssuers(database, packs),
    programs: openPrograms(database),
    merchants: openMerchants(database),
    webhooks: openWebhooks({
      database,
      keyring,
      sender: webhookSender({ allowPrivate: config.webhookAllowPrivate }),
      // The lanes are the engine's, which is not started yet.
      lanesOf: () => [],
      lanes: () => [],
      log,
    }),
    execute: () => Promise.reject(new Error('the engine is not started yet')),
    readiness: [
      {
        name: 'database',
        check: async () => {
          await database.sql`select`
          return undefined
        },
      },
    ],
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}
