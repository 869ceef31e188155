import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { formatSecret, secretBytes, signedHeaders } from './signature.ts'

const key = Buffer.alloc(secretBytes, 7)
const body = '{"id":"evt_1","type":"payment.created"}'

test('a receiver verifies it with the library of the scheme', () => {
  const headers = signedHeaders(key, 'evt_1', Date.now(), body)
  assert.deepEqual(new Webhook(formatSecret(key)).verify(body, headers), JSON.parse(body))
})

test('a changed body, id or time does not verify', () => {
  const headers = signedHeaders(key, 'evt_1', Date.now(), body)
  const receiver = new Webhook(formatSecret(key))
  assert.throws(() => receiver.verify(`${body} `, headers))
  assert.throws(() => receiver.verify(body, { ...headers, 'webhook-id': 'evt_2' }))
  const later = String(Number(headers['webhook-timestamp']) + 1)
  assert.throws(() => receiver.verify(body, { ...headers, 'webhook-timestamp': later }))
})
