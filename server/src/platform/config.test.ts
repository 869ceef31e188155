/** What the environment may say, and the sentence when it says something else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CannotStart } from './cannot-start.ts'
import { readConfig } from './config.ts'

test('nothing set: loopback, our own PostgreSQL, a demo', () => {
  const config = readConfig({})
  assert.deepEqual([config.port, config.host, config.lanes], [8080, '127.0.0.1', 4])
  assert.deepEqual([config.databaseUrl, config.demo], [undefined, true])
  assert.match(config.dataDir, /\/\.lika$/)
})

test('a database of one’s own gets no demo unless it is asked for', () => {
  assert.equal(readConfig({ DATABASE_URL: 'postgres://a@b/c' }).demo, false)
  assert.equal(readConfig({ DATABASE_URL: 'postgres://a@b/c', LIKA_DEMO: '1' }).demo, true)
})

test('a wrong value is named with what is allowed', () => {
  const rows: [Record<string, string>, RegExp][] = [
    [{ LIKA_PORT: '65536' }, /LIKA_PORT .*0 to 65535/],
    [{ LIKA_PORT: '80a' }, /LIKA_PORT/],
    [{ LIKA_LANES: '0' }, /LIKA_LANES .*1 to 399/],
    [{ LIKA_DEMO: 'yes' }, /LIKA_DEMO .*0 nor 1/],
    [{ LIKA_WECHAT_PAY_URL: 'ftp://x' }, /LIKA_WECHAT_PAY_URL .*https?:\/\//],
    [{ LIKA_TRUST_PROXY: 'everybody' }, /LIKA_TRUST_PROXY/],
    [{ LIKA_TLS_CERT: '/c' }, /LIKA_TLS_KEY/],
    [{ LIKA_HOST: '0.0.0.0' }, /LIKA_TLS_CERT and LIKA_TLS_KEY, or LIKA_TRUST_PROXY/],
  ]
  for (const [environment, sentence] of rows) {
    assert.throws(
      () => readConfig(environment),
      (error) => error instanceof CannotStart && sentence.test(error.message),
      JSON.stringify(environment),
    )
  }
})

test('a host beyond loopback needs TLS or a proxy that ends it', () => {
  const host = { LIKA_HOST: '10.0.0.5' }
  const files = { LIKA_TLS_CERT: '/c', LIKA_TLS_KEY: '/k' }
  assert.deepEqual(readConfig({ ...host, ...files }).tls, { certFile: '/c', keyFile: '/k' })
  assert.equal(readConfig({ ...host, LIKA_TRUST_PROXY: '1' }).trustProxy, true)
  const networks = '10.0.0.1,10.1.0.0/16'
  assert.equal(readConfig({ ...host, LIKA_TRUST_PROXY: networks }).trustProxy, networks)
})
