/**
 * Writes server/db/schema.sql from the migrations, on a database that is thrown away; with `--check` it writes
 * nothing and fails when the file is not what the migrations make.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testDatabase } from '../../tests/harness/database.ts'
import { dumpSchema } from '../src/platform/schema-dump.ts'

const file = join(import.meta.dirname, 'schema.sql')
const database = await testDatabase()
const schema = await dumpSchema(database.owner.sql)
await database.drop()

if (!process.argv.includes('--check')) {
  writeFileSync(file, schema)
} else if (readFileSync(file, 'utf8') !== schema) {
  console.error(
    'server/db/schema.sql is not what the migrations make: run node server/db/dump-schema.ts',
  )
  process.exitCode = 1
}
