import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Decrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption'
import { encryptToAgeFile, parseAgeRecipient } from './age-file.ts'
import { csvLines } from './csv.ts'

/** Bech32 of 32 zero bytes: the form is right, but every shared secret with it is zero. */
const pointWithoutSecret = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z'

async function printer() {
  const identity = await generateX25519Identity()
  const recipient = await parseAgeRecipient(await identityToRecipient(identity))
  assert.ok(recipient.ok)
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  return { recipient: recipient.value, decrypter }
}

test('100,000 rows come back from the age file, which is binary and read as a stream', async () => {
  const { recipient, decrypter } = await printer()
  let asked = 0
  async function* rows() {
    for (; asked < 100_000; asked += 1) yield [`9${asked}`, `SECRET${asked}`, '2027-12-31']
  }
  const header = ['number', 'secret', 'expires_on']
  const file = await encryptToAgeFile(recipient, csvLines(header, rows()))
  const chunks: Uint8Array[] = []
  for await (const chunk of file) {
    if (chunks.length === 2) assert.ok(asked < 50_000, 'rows are read as the file is')
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  assert.equal(bytes.toString('latin1', 0, 21), 'age-encryption.org/v1')
  assert.ok(!bytes.includes('SECRET'))
  const lines = (await decrypter.decrypt(bytes, 'text')).trimEnd().split('\n')
  assert.equal(lines.length, 1 + 100_000)
  assert.deepEqual([lines[0], lines[1]], ['number,secret,expires_on', '90,SECRET0,2027-12-31'])
  assert.equal(lines.at(-1), '999999,SECRET99999,2027-12-31')
})

test('rows that fail in the middle fail the file, and its beginning does not decrypt', async () => {
  const { recipient, decrypter } = await printer()
  async function* pieces() {
    for (let index = 0; index < 5; index += 1) yield 'x'.repeat(100_000)
    throw new Error('the database went away')
  }
  const chunks: Uint8Array[] = []
  const reading = async () => {
    for await (const chunk of await encryptToAgeFile(recipient, pieces())) chunks.push(chunk)
  }
  await assert.rejects(reading, /the database went away/)
  await assert.rejects(decrypter.decrypt(Buffer.concat(chunks)))
})

test('what is no X25519 recipient is refused', async () => {
  const identity = await generateX25519Identity()
  const right = await identityToRecipient(identity)
  const wrong = [
    '',
    identity,
    right.toUpperCase(),
    ` ${right}`,
    right.slice(0, -1),
    right.slice(0, -1) + (right.endsWith('q') ? 'p' : 'q'),
    await identityToRecipient(await generateHybridIdentity()),
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKpn',
    pointWithoutSecret,
  ]
  for (const text of wrong) {
    const result = await parseAgeRecipient(text)
    assert.ok(!result.ok, text)
    assert.equal(result.refusal.code, 'job.bad_recipient')
  }
})
