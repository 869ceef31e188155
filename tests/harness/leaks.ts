/** Looks for card secrets where none may be: in every row of the database, and in files. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../../server/src/platform/db.ts'

/** Sixteen characters of this alphabet in a row may be a secret of ours. */
const runs = /[0-9A-HJKMNP-TV-Z]{16,}/g
const secretLength = 16

/** Where one of the secrets stands: table or file names. Secrets are looked for as text and, some of them, as hex. */
export async function findLeaks(
  secrets: ReadonlySet<string>,
  places: { url: string; folder: string; texts?: Record<string, string> },
): Promise<string[]> {
  const asHex = [...secrets].slice(0, 20).map((secret) => Buffer.from(secret).toString('hex'))
  const leaks = new Set<string>()
  const look = (place: string, text: string) => {
    if (holdsSecret(text, secrets) || asHex.some((hex) => text.includes(hex))) leaks.add(place)
  }
  await eachRow(places.url, look)
  for (const file of filesIn(places.folder)) look(file, readFileSync(file, 'latin1'))
  for (const [name, text] of Object.entries(places.texts ?? {})) look(name, text)
  return [...leaks]
}

function holdsSecret(text: string, secrets: ReadonlySet<string>): boolean {
  for (const [run] of text.matchAll(runs)) {
    for (let at = 0; at + secretLength <= run.length; at += 1)
      if (secrets.has(run.slice(at, at + secretLength))) return true
  }
  return false
}

async function eachRow(url: string, look: (table: string, text: string) => void): Promise<void> {
  const database = await connect(url, {
    applicationName: 'leaks',
    pool: 1,
    statementTimeoutMs: 120_000,
  })
  try {
    const { sql } = database
    const tables = await sql<{ name: string }[]>`
      select tablename as name
      from pg_tables
      where schemaname = 'lika'`
    for (const { name } of tables) {
      const rows = sql.unsafe<{ text: string }[]>(`select row::text as text from lika.${name} row`)
      for await (const piece of rows.cursor(2_000))
        look(name, piece.map(({ text }) => text).join('\n'))
    }
  } finally {
    await database.close()
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
