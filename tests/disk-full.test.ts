import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../server/src/platform/db.ts'
import { AppProcess } from './harness/app-process.ts'
import { holdAgainstBook } from './harness/log-against-book.ts'
import { openShop } from './harness/shop.ts'
import { fillDisk, mountDisk, noMount } from './harness/small-disk.ts'
import { TillClients } from './harness/till-clients.ts'

const withinMs = 120_000

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await isSo())) {
    assert.ok(Date.now() < end, `not within ${withinMs} ms: ${what}`)
    await sleep(50)
  }
}

/** PostgreSQL needs a new segment of its log now, which does not fit any more. */
async function useUpLog(app: AppProcess): Promise<void> {
  const { port, ownerPassword } = JSON.parse(
    readFileSync(join(app.dataDir, 'postgres.json'), 'utf8'),
  )
  const url = `postgres://lika_owner:${ownerPassword}@127.0.0.1:${port}/lika`
  const owner = await connect(url, { applicationName: 'test', pool: 1 })
  try {
    for (let segment = 0; segment < 8; segment += 1) {
      await owner.sql`select pg_logical_emit_message(false, 'test', 'something to log')`
      await owner.sql`select pg_switch_wal()`
    }
    assert.fail('the log still had space')
  } catch (error) {
    assert.notEqual((error as { code?: string }).code, 'ERR_ASSERTION')
  } finally {
    await owner.close()
  }
}

const disk = mountDisk('400m')
test('a disk that is full refuses as busy, and loses nothing that was acknowledged', {
  skip: disk === undefined && noMount,
}, async (t) => {
  const app = await AppProcess.start({ dataDir: join(disk ?? '', 'data') })
  const shop = await openShop(app, 32, 50_000)
  const tills = new TillClients([app], shop)
  tills.start(32)
  await tills.answered(200)

  await t.test('tables that cannot grow', async () => {
    const junk = fillDisk(disk ?? '')
    const busy = tills.busy
    await until('a request is refused as busy', () => tills.busy > busy)
    rmSync(junk)
    await tills.answered(200)
  })

  let junk = ''
  await t.test('a log that cannot grow', async () => {
    junk = fillDisk(disk ?? '')
    await useUpLog(app)
    await until('it is not ready', async () => (await app.call('GET', '/readyz')).status === 503)
    const read = await app.call('GET', '/v1/cards', { key: shop.key })
    assert.equal(read.status, 503)
    assert.equal(read.body.code, 'busy')
    assert.match(read.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    rmSync(junk)
    await tills.answered(200)
  })

  await t.test('a start says what to do', async () => {
    await app.kill()
    const orphan = app.killPostgres()
    await until('PostgreSQL is gone', () => app.postgresPid !== orphan)
    junk = fillDisk(disk ?? '')
    await assert.rejects(app.start(), /Lika cannot start\. .*(full|Free some space)/)
    rmSync(junk)
    await app.start()
    await tills.answered(100)
  })

  await tills.close()
  await holdAgainstBook(app, shop, tills.log)
  await app.end()
})
