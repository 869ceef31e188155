/** The step of the doctor that a local WeChat cannot show. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientCertificate } from './doctor.ts'

test('over https payment codes need the client certificate, at a local WeChat they do not', () => {
  const [live, local] = ['https://api.mch.weixin.qq.com', 'http://127.0.0.1:8090']
  assert.equal(clientCertificate(null, live).ok, false)
  assert.match(clientCertificate(null, live).advice ?? '', /apiclient_cert\.pem/)
  assert.equal(clientCertificate('PEM', live).ok, true)
  assert.equal(clientCertificate(null, local).ok, true)
})
