/** The platform's certificates as a merchant fetches them: encrypted with the merchant's APIv3 key. */
import { sealResource } from '../kernel/notifications.ts'
import { refuse } from '../kernel/refusal.ts'
import { object, oneOf, optional } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'

export function register(twin: Twin): void {
  const query = object({ algorithm_type: optional(oneOf('RSA', 'SM2', 'ALL')) })
  twin.v3.route('GET', '/v3/certificates', { kind: 'certificates', query }, (call) => {
    const { merchant } = call
    if (merchant.api_v3_key === '') refuse(403, 'NO_AUTH', '未设置 APIv3 密钥')
    const now = twin.clock.now()
    const data = merchant.platform_certificates
      .filter(({ expires_at }) => expires_at > now && call.query.algorithm_type !== 'SM2')
      .map(({ serial_no, effective_at, expires_at, pem }) => ({
        serial_no,
        effective_time: formatTime(effective_at),
        expire_time: formatTime(expires_at),
        encrypt_certificate: sealed(twin, merchant.api_v3_key, pem),
      }))
    if (merchant.key_mode === 'public_key' || data.length === 0)
      refuse(twin.settings.now.noCertificatesStatus, 'RESOURCE_NOT_EXISTS', '无可用的平台证书')
    return { data }
  })
}

function sealed(twin: Twin, apiV3Key: string, pem: string) {
  const nonce = twin.random.letters(12)
  return {
    algorithm: 'AEAD_AES_256_GCM',
    nonce,
    associated_data: 'certificate',
    ciphertext: sealResource(apiV3Key, nonce, 'certificate', pem),
  }
}
