import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseId } from '@lika/contract'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'

const renderer = fileURLToPath(new URL('./harness/render-process.ts', import.meta.url))
const run = promisify(execFile)

async function fileOf(app: ClearingApp, id: string): Promise<string> {
  return (await app.bytes(`/v1/settlements/${id}/file?format=csv`)).toString()
}

/** The file as a process of its own makes it. */
async function rendered(
  app: ClearingApp,
  id: string,
  env: Record<string, string>,
): Promise<string> {
  const uuid = parseId('settlement', id)
  assert.ok(uuid)
  const given = [renderer, app.database.url, app.book, uuid]
  const { stdout } = await run(process.execPath, given, { env: { ...process.env, ...env } })
  return stdout
}

/** A week of one merchant: order numbers that locales sort apart, and payments at the same instant. */
async function story(app: ClearingApp): Promise<string> {
  const merchant = await app.merchant({ name: '百味', reference: 'M-1' })
  await app.contract(merchant, {
    commission: { kind: 'flat', rate_bp: 875 },
    cycle: { kind: 'weekly' },
    bonus_share_bp: 3_333,
    margin: { rate_bp: 1_000, release_after_days: 10 },
  })
  const cards: string[] = []
  for (let card = 0; card < 6; card += 1) cards.push(await app.card(100_000, 5_000))
  const payments: string[] = []
  const references = ['Ä-1', 'a-2', 'Z-3', 'i-4', 'İ-5', '一-6']
  for (const day of ['2026-11-02', '2026-11-04', '2026-11-08']) {
    await app.clock(`${day} 23:30:00`)
    for (const [index, reference] of references.entries()) {
      const paid = await app.pay(
        cards[index] ?? '',
        1_234 + index * 777,
        merchant,
        `${reference}/${day}`,
      )
      payments.push(paid.id)
    }
  }
  await app.clock('2026-11-08 23:45:00')
  await app.refund(payments[0] ?? '', 1_000, 'back-1')
  await app.made(`/v1/payments/${payments[7]}/cancel`)
  await app.clock('2026-11-09 00:00:01')
  await app.settle()
  const [statement] = await app.statements(merchant)
  return statement.id
}

/** Without the two columns that name ids and places, and the places of the totals: where money lies is not what it is. */
function withoutPlaces(csv: string): string {
  return csv.replaceAll(/(pay|rfnd)_[0-9a-f]{32}/g, '').replaceAll(/,\d+-\d+-\d+$/gm, ',')
}

describe('the bytes of a statement', () => {
  test('are the same in every time zone and language, whatever order the rows lie in, and over more lanes', async () => {
    const [four, one] = [
      await startClearingApp({ at: '2026-11-02 09:00:00', lanes: 4 }),
      await startClearingApp({ at: '2026-11-02 09:00:00', lanes: 1 }),
    ]
    try {
      const id = await story(four)
      const expected = await fileOf(four, id)
      assert.ok(expected.split('\n').length > 40)
      const elsewhere = { TZ: 'America/St_Johns', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }
      assert.equal(await rendered(four, id, elsewhere), expected)

      await four.database.owner.sql.unsafe(`
        set search_path = lika;
        create temporary table shuffled as select * from transfer order by md5(seq::text || lane || line);
        delete from transfer;
        insert into transfer select * from shuffled;
        drop table shuffled`)
      assert.equal(await fileOf(four, id), expected)

      const alone = await fileOf(one, await story(one))
      assert.notEqual(alone, expected)
      assert.equal(withoutPlaces(alone), withoutPlaces(expected))
    } finally {
      await Promise.all([four.stop(), one.stop()])
    }
  })
})
