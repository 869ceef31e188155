/** What must not reach the log does not, by whatever way it came into a line. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { openLog } from './log.ts'

function logged(write: (log: ReturnType<typeof openLog>) => void): string {
  const lines: string[] = []
  write(openLog('debug', { write: (line) => void lines.push(line) }))
  return lines.join('')
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const inner = pem.split('\n')[3] ?? ''

test('a private key is hidden as a member, in a text, and cut off in the middle', () => {
  for (const write of [
    (log: ReturnType<typeof openLog>) => log.info({ private_key_pem: pem }, 'x'),
    (log: ReturnType<typeof openLog>) => log.info({ body: JSON.stringify({ key: pem }) }, 'x'),
    (log: ReturnType<typeof openLog>) => log.error({ err: new Error(`cannot read ${pem}`) }, 'x'),
    (log: ReturnType<typeof openLog>) => log.info(pem.slice(0, 900)),
  ]) {
    const text = logged(write)
    assert.ok(text.length > 0)
    assert.equal(text.includes(inner), false)
    assert.equal(text.includes('[hidden]'), true)
  }
})

test('names of people at WeChat, codes and keys are hidden, and what stands beside them is kept', () => {
  const secrets = {
    openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
    unionid: 'uUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
    auth_code: 'a34512345678901234x',
    bank_account: '622202020001',
    real_name: '李四',
    session_key: 'HyVFkGl5F5OQWJZZaNzBBg==',
    access_token: '15_bearer',
    api_v3_key: 'k'.repeat(32),
    apiV2Key: 'j'.repeat(32),
    paySign: 'oR9d8PuhnIc+YZ8cBHFCwfgpaK9gd7vaRvkYD7rthRAZ',
  }
  const text = logged((log) => {
    log.info({ ...secrets, mchid: '1900000001' }, 'x')
    log.info({ body: JSON.stringify(secrets) }, 'x')
    log.info(`GET /sns/userinfo?access_token=${secrets.access_token}&lang=zh secret=kept`)
    log.info('WECHATPAY2-SHA256-RSA2048 mchid="1",signature="uOVRnA4qG+/w==",serial_no="5F"')
  })
  for (const secret of [...Object.values(secrets), 'uOVRnA4qG'])
    assert.equal(text.includes(secret), false, secret.slice(0, 6))
  for (const kept of ['1900000001', 'lang=zh', 'serial_no'])
    assert.equal(text.includes(kept), true, kept)
})
