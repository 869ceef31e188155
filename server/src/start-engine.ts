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

export async function startEngine(
  config: Config,
  log: Log,
  open: OpenDatabase,
  { keyring, meter }: { readonly keyring: Keyring; readonly meter: EngineMeter },
  onStop: (stop: Stop) => void,
): Promise<Engine> {
  const database: Database = await open({ applicationName: 'lika-lanes' })
  onStop(() => database.close())
  // Claims may be lost with the server's last instant: a round's commit flushes what went before it.
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
