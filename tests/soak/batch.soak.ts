/** A million cards by one job while the server is killed: exactly that many, one total, a file with each once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { Auditor } from '../../server/src/modules/ledger/index.ts'
import { connect } from '../../server/src/platform/db.ts'
import { findLeaks } from '../harness/leaks.ts'
import { startLikaProcess } from '../harness/lika-process.ts'

const count = 1_000_000
const amount = 1_234
const kills = 5

test('a million cards, the server killed five times', async (context) => {
  const lika = await startLikaProcess()
  try {
    const key = await lika.makeIssuer()
    const product = await lika.makeProduct(key)
    const identity = await generateX25519Identity()
    const { body: job } = await lika.call('POST', '/v1/cards/batches', {
      key,
      body: {
        product_id: product,
        amount,
        count,
        funding: { method: 'bank_transfer', reference: 'B-1' },
        age_recipient: await identityToRecipient(identity),
      },
    })
    const begun = Date.now()
    const at = async () => (await lika.call('GET', `/v1/jobs/${job.id}`, { key })).body
    // The last two while the file is made and the seals are destroyed.
    for (let kill = 1; kill <= kills; kill += 1) {
      const until = kill <= kills - 2 ? (count / (kills - 2)) * (kill - Math.random()) : count
      for (let now = await at(); now.done < until && now.finished_at === null; now = await at())
        await sleep(50)
      if (until === count) await sleep(Math.random() * 5_000)
      const { done, status } = await at()
      context.diagnostic(`kill ${kill} at ${done} cards, ${status}, ${Date.now() - begun} ms`)
      await lika.kill()
      await lika.start()
    }
    const ended = await lika.ended(key, job.id)
    context.diagnostic(`ended after ${Date.now() - begun} ms`)
    assert.deepEqual(
      [ended.status, ended.result.issued, ended.result.total_amount],
      ['succeeded', count, count * amount],
    )
    const { url } = lika.database
    const patient = await connect(url, {
      applicationName: 'soak',
      pool: 1,
      statementTimeoutMs: 600_000,
    })
    const { sql } = patient
    for (let seals = 1n; seals > 0n; ) {
      const [row] = await sql<{ seals: bigint }[]>`select count(*) as seals from lika.card_seal`
      seals = row?.seals ?? 0n
      await sleep(200)
    }
    const [cards] = await sql<{ cards: bigint; numbers: bigint }[]>`
      select count(*) as cards, count(distinct number) as numbers
      from lika.card`
    assert.deepEqual({ ...cards }, { cards: BigInt(count), numbers: BigInt(count) })
    const [money] = await sql<{ accounts: bigint; fen: string; moved: string }[]>`
      select
        (select count(*) from lika.account) as accounts,
        (select sum(balance) from lika.account)::text as fen,
        (select sum(amount) from lika.transfer)::text as moved`
    assert.deepEqual(
      { ...money },
      {
        accounts: BigInt(count),
        fen: String(count * amount),
        moved: String(count * amount),
      },
    )
    const { bytes } = await lika.call('GET', `/v1/jobs/${job.id}/file`, { key })
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    const lines = (await decrypter.decrypt(bytes, 'text')).trimEnd().split('\n').slice(1)
    assert.equal(lines.length, count)
    const numbers = new Set<string>()
    const secrets = new Set<string>()
    for (const line of lines) {
      const [number = '', secret = ''] = line.split(',')
      numbers.add(number)
      secrets.add(secret)
    }
    assert.deepEqual([numbers.size, secrets.size], [count, count])
    const texts = { output: lika.said() }
    assert.deepEqual(await findLeaks(secrets, { url, folder: lika.folder, texts }), [])
    const report = await new Auditor({ database: patient }).verify({ book: undefined })
    assert.deepEqual([report.ok, report.firstWrong], [true, null])
    await patient.close()
  } finally {
    await lika.stop()
  }
})
