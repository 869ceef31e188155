/** The settings of banks: what is understood, and what stops the start with a sentence. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CannotStart } from './cannot-start.ts'
import { readBanks } from './config-bank.ts'

const hostKey = `SHA256:${'a'.repeat(43)}`
const whole = {
  LIKA_BANK_URL: 'sftp://lika@bank.example/payouts',
  LIKA_BANK_HOST_KEY: hostKey,
  LIKA_BANK_KEY_FILE: '/etc/lika/bank.key',
}

function read(environment: Readonly<Record<string, string>>) {
  return readBanks((name) => environment[name])
}

test('without an address there is no bank', () => assert.deepEqual(read({}), {}))

test('a bank has the port of SSH, UTF-8, and is visited twice a minute unless it is said', () =>
  assert.deepEqual(read(whole), {
    live: {
      host: 'bank.example',
      port: 22,
      user: 'lika',
      folder: '/payouts',
      hostKey,
      keyFile: '/etc/lika/bank.key',
      encoding: 'utf-8',
      everySeconds: 30,
      askAfterSeconds: 1_800,
    },
  }))

test('the bank of test mode is another one', () => {
  const banks = read({
    ...whole,
    LIKA_BANK_TEST_URL: 'sftp://lika@127.0.0.1:2222',
    LIKA_BANK_TEST_HOST_KEY: hostKey,
    LIKA_BANK_TEST_KEY_FILE: 'bank.key',
    LIKA_BANK_TEST_ENCODING: 'gbk',
    LIKA_BANK_TEST_EVERY_SECONDS: '1',
    LIKA_BANK_TEST_ASK_SECONDS: '5',
  })
  assert.deepEqual([banks.live?.port, banks.test?.port], [22, 2222])
  const { encoding, everySeconds, askAfterSeconds } = banks.test ?? {}
  assert.deepEqual([encoding, everySeconds, askAfterSeconds], ['gbk', 1, 5])
})

const wrong: [string, Record<string, string>][] = [
  ['LIKA_BANK_URL', { LIKA_BANK_URL: 'https://lika@bank.example' }],
  ['LIKA_BANK_URL', { LIKA_BANK_URL: 'sftp://bank.example' }],
  ['LIKA_BANK_URL', { LIKA_BANK_URL: 'sftp://lika:word@bank.example' }],
  ['LIKA_BANK_URL', { LIKA_BANK_URL: 'bank.example' }],
  ['LIKA_BANK_HOST_KEY', { LIKA_BANK_HOST_KEY: 'MD5:aa' }],
  ['LIKA_BANK_ENCODING', { LIKA_BANK_ENCODING: 'gb18030' }],
  ['LIKA_BANK_EVERY_SECONDS', { LIKA_BANK_EVERY_SECONDS: '0' }],
  ['LIKA_BANK_ASK_SECONDS', { LIKA_BANK_ASK_SECONDS: '1.5' }],
]
for (const [name, change] of wrong)
  test(`stops the start: ${JSON.stringify(change)}`, () =>
    assert.throws(
      () => read({ ...whole, ...change }),
      (error) => error instanceof CannotStart && error.message.startsWith(`${name} cannot be used`),
    ))

for (const name of ['LIKA_BANK_HOST_KEY', 'LIKA_BANK_KEY_FILE'] as const)
  test(`stops the start without ${name}`, () => {
    const { [name]: _, ...rest } = whole
    assert.throws(() => read(rest), new RegExp(`${name} cannot be used: is missing`))
  })
