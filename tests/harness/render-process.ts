/** A process that writes the CSV of a statement to stdout, with whatever time zone and language it was started. */
import { asId } from '@lika/contract'
import { statementFile } from '../../server/src/flows/settle/statement-file.ts'
import { openMerchants } from '../../server/src/modules/merchants/index.ts'
import { loadTables } from '../../server/src/modules/policy/index.ts'
import { keyringOf } from '../../server/src/platform/crypto/keyring.ts'
import { appRole, connect } from '../../server/src/platform/db.ts'
import { deliveredPolicies } from './http-app.ts'

const [url = '', book = '', id = ''] = process.argv.slice(2)

const database = await connect(url, { applicationName: 'render', role: appRole })
const tables = await loadTables(`${deliveredPolicies}/tables`)
const merchants = openMerchants({
  database,
  keyring: keyringOf(Buffer.alloc(32)),
  classes: tables.merchantClasses.classes,
  lanesOf: () => [],
})
const made = await statementFile({ database, merchants }, asId(book), asId(id), 'csv')
if (!made.ok) throw new Error(made.refusal.detail)
for await (const piece of made.value.content) process.stdout.write(piece)
await database.close()
