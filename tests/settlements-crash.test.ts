import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ClearingApp, shanghai, startClearingApp } from './harness/clearing-app.ts'

const settler = fileURLToPath(new URL('./harness/settle-process.ts', import.meta.url))
const end = '2026-11-03 00:00:10'
const shops = 24

let app: ClearingApp
const taken = new Map<string, number>()

before(async () => {
  app = await startClearingApp({ at: '2026-11-02 09:00:00' })
  const cards = await Promise.all([1, 2, 3, 4].map(() => app.card(1_000_000)))
  for (let shop = 1; shop <= shops; shop += 1) {
    const merchant = await app.merchant()
    await Promise.all(cards.map((card) => app.pay(card, shop * 10, merchant)))
    taken.set(merchant, shop * 40)
  }
  await app.clock(end)
})
after(() => app.stop())

/** Runs the process to its end, whatever that is; answers whether it was killed. */
async function settled(dieAfter: number | undefined): Promise<boolean> {
  const given = [settler, app.database.url, app.book, String(shanghai(end)), String(dieAfter ?? '')]
  const child = spawn(process.execPath, given, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const [code, signal] = await once(child, 'close')
  assert.ok(code === 0 || signal === 'SIGKILL', said)
  return signal === 'SIGKILL'
}

async function countStatements(): Promise<number> {
  const [row] = await app.database.owner.sql<{ count: number }[]>`
    select count(*)::int as count
    from lika.statement`
  return row?.count ?? 0
}

describe('a settlement that is killed by SIGKILL in the middle', () => {
  test('goes on where it was, and ends with every merchant in exactly one statement', async () => {
    const counts = [0]
    for (const dieAfter of [2, 9]) {
      assert.ok(await settled(dieAfter), 'it was killed')
      const count = await countStatements()
      assert.ok(count > (counts.at(-1) ?? 0) && count < shops, `${count} statements by then`)
      counts.push(count)
      const { ok, first_wrong: wrong } = await app.verify()
      assert.deepEqual([ok, wrong], [true, null], 'the books are right at every stop')
    }
    assert.equal(await settled(undefined), false)
    assert.equal(await countStatements(), shops)
    for (const [merchant, amount] of taken) {
      const [statement, ...others] = await app.statements(merchant)
      assert.deepEqual([statement.payable, others], [amount, []])
    }
    const { ok, first_wrong: wrong, checked } = await app.verify()
    assert.deepEqual([ok, wrong, checked.statements], [true, null, shops])
  })

  test('has nothing left to do, and two processes at once do it no harm', async () => {
    await app.clock('2026-11-04 00:00:10')
    await Promise.all([app.settle(), app.settle()])
    assert.equal(await countStatements(), shops)
    const { data } = await app.got('/v1/ledger/trial_balance')
    const kinds: { kind: string; debit: number; credit: number }[] = data
    const credit = (kind: string) => kinds.find((one) => one.kind === kind)?.credit
    const total = [...taken.values()].reduce((sum, amount) => sum + amount, 0)
    assert.deepEqual(
      [credit('merchant_payable'), credit('merchant_unsettled'), credit('transit')],
      [total, 0, 0],
    )
  })
})
