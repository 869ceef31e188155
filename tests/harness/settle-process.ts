/**
 * A process that settles a book and then ends well, unless it is to die: with a number of commits given it kills itself by
 * SIGKILL right after that many, in the middle of everything.
 */
import { asId } from '@lika/contract'
import { settleBook } from '../../server/src/flows/settle/run.ts'
import { openMerchants } from '../../server/src/modules/merchants/index.ts'
import { loadTables } from '../../server/src/modules/policy/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { deliveredPolicies } from './http-app.ts'
import { startLanes } from './lanes.ts'

const [url = '', book = '', now = '', dieAfter = ''] = process.argv.slice(2)

const lanes = await startLanes(url, { realNow: () => Number(now), mostInOneRound: 3 })
const { engine, database } = lanes
const tables = await loadTables(`${deliveredPolicies}/tables`)
const merchants = openMerchants({
  database,
  keyring: keyringOf(Buffer.alloc(32)),
  classes: tables.merchantClasses.classes,
  lanesOf: (mode) => engine.lanesOf(mode),
})
let commits = 0
engine.onMoved(() => {
  commits += 1
  if (dieAfter !== '' && commits >= Number(dieAfter)) process.kill(process.pid, 'SIGKILL')
})
await settleBook({ engine, database, merchants, tables }, asId(book))
await lanes.stop()
