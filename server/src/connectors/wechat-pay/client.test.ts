/** Which host is asked again, and after what. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { payHosts, sendTo } from './client.ts'
import type { WireResult } from './wire.ts'

const answer: WireResult = {
  kind: 'answer',
  answer: { status: 500, headers: {}, body: Buffer.of() },
}
const fault = (kind: 'unsent' | 'lost' | 'slow'): WireResult => ({ kind, why: kind })

/** The hosts that were asked, in order; `first` is what the first of them says, the next one answers. */
async function asked(first: WireResult, spareUrl: string | undefined, isRepeatable: boolean) {
  const hosts: string[] = []
  await sendTo(
    { url: 'main', spareUrl },
    async (host) => {
      hosts.push(host)
      return hosts.length === 1 ? first : answer
    },
    isRepeatable,
  )
  return hosts
}

test('the spare host is asked after faults of the connection only, and by what may be done twice only', async () => {
  const table: [WireResult, string | undefined, boolean, string[]][] = [
    [answer, 'spare', true, ['main']],
    [fault('unsent'), 'spare', true, ['main', 'spare']],
    [fault('unsent'), 'spare', false, ['main', 'spare']],
    [fault('unsent'), undefined, true, ['main']],
    [fault('lost'), 'spare', true, ['main', 'spare']],
    [fault('lost'), 'spare', false, ['main']],
    [fault('lost'), undefined, true, ['main', 'main']],
    [fault('lost'), undefined, false, ['main']],
    [fault('slow'), 'spare', true, ['main', 'spare']],
    [fault('slow'), 'spare', false, ['main']],
    [fault('slow'), undefined, true, ['main']],
  ]
  for (const [first, spare, isRepeatable, hosts] of table) {
    const name = `${first.kind}, ${spare}, ${isRepeatable}`
    assert.deepEqual(await asked(first, spare, isRepeatable), hosts, name)
  }
})

test('WeChat has a spare host, a local one has none', () => {
  assert.equal(payHosts('https://api.mch.weixin.qq.com').spareUrl, 'https://api2.mch.weixin.qq.com')
  assert.equal(payHosts('http://127.0.0.1:8090').spareUrl, undefined)
})
