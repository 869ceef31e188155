/** A step of the start: the lanes of this installation and the engine that works them. */
import { elapsedMs, realNow } from './platform/clock.ts'
import type { Config } from './platform/config.ts'
import type { Keyring } from './platform/crypto/keyring.ts'
import type { Database } from './platform/db.ts'
import { newCommandId } from './platform/ids.ts'
import { Engine, type EngineMeter, ensureLanes } from './platform/lanes/index.ts'
import type { Log } from './platform/log.ts'
import type { OpenDatabase } from './start-database.ts'
import type { Stop } from './stops.ts'

/**
 * A server that freezes keeps its lanes no longer than these two together. Its session that holds a lane is ended when
 * it was idle too long; one that waits for a lane may get it after that, and would hold it for as long again, unless
 * it gave up waiting soon.
 */
const lanePatience = { lockTimeoutMs: 1_000, idleInTransactionTimeoutMs: 4_500 }

export async function startEngine(
  config: Config,
  log: Log,
  open: OpenDatabase,
  { keyring, meter }: { readonly keyring: Keyring; readonly meter: EngineMeter },
  onStop: (stop: Stop) => void,
): Promise<Engine> {
  const database: Database = await open({ applicationName: 'lika-lanes', ...lanePatience })
  onStop(() => database.close())
  // A crash of PostgreSQL may lose the claims of its last instant: a round's commit flushes those it stands on.
  const claims = await open({ applicationName: 'lika-claims', asynchronousCommit: true })
  onStop(() => claims.close())
  await ensureLanes(database.sql, config.lanes, realNow())
  const engine = await Engine.start({
    database,
    claimDatabase: claims,
    nameDigest: (book, kind, name) => keyring.nameDigest(book, kind, name),
    newCommandId,
    realNow,
    monotonic: elapsedMs,
    log,
    meter,
  })
  onStop(() => engine.stop())
  return engine
}
