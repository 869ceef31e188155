/** The platform's certificates as a merchant fetches them: encrypted with the merchant's APIv3 key. */
import { sealResource } from '../kernel/notifications.ts'
import { unseeded } from '../kernel/random.ts'
import { refuse } from '../kernel/refusal.ts'
import { object, oneOf, optional } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import { smSealResource } from '../sm/algorithms.ts'
import type { SmPlatformKey } from '../sm/platform.ts'

export function register(twin: Twin): void {
  const query = object({ algorithm_type: optional(oneOf('RSA', 'SM2', 'ALL')) })
  twin.v3.route('GET', '/v3/certificates', { kind: 'certificates', query }, (call) => {
    const { merchant } = call
    if (merchant.api_v3_key === '') refuse(403, 'NO_AUTH', '未设置 APIv3 密钥')
    const now = twin.clock.now()
    const sm = twin.merchants.sm.keyOf(merchant)
    const type = call.query.algorithm_type ?? 'RSA'
    const others = sm === undefined || type === 'RSA' ? [] : [smEntry(merchant.api_v3_key, sm)]
    const data: object[] = merchant.platform_certificates
      .filter(({ expires_at }) => expires_at > now && type !== 'SM2')
      .map(({ serial_no, effective_at, expires_at, pem }) => ({
        serial_no,
        effective_time: formatTime(effective_at),
        expire_time: formatTime(expires_at),
        encrypt_certificate: sealed(merchant.api_v3_key, pem),
      }))
    const isWithout = merchant.key_mode === 'public_key' && others.length === 0
    if (isWithout || data.length + others.length === 0)
      refuse(twin.settings.now.noCertificatesStatus, 'RESOURCE_NOT_EXISTS', '无可用的平台证书')
    return { data: [...data, ...others] }
  })
}

function smEntry(apiV3Key: string, key: SmPlatformKey): object {
  const nonce = unseeded.letters(12)
  return {
    serial_no: key.serial_no,
    effective_time: formatTime(key.effective_at),
    expire_time: formatTime(key.expires_at),
    encrypt_certificate: {
      algorithm: 'AEAD_SM4_GCM',
      nonce,
      associated_data: 'certificate',
      ciphertext: smSealResource(apiV3Key, nonce, 'certificate', key.pem),
    },
  }
}

function sealed(apiV3Key: string, pem: string) {
  const nonce = unseeded.letters(12)
  return {
    algorithm: 'AEAD_AES_256_GCM',
    nonce,
    associated_data: 'certificate',
    ciphertext: sealResource(apiV3Key, nonce, 'certificate', pem),
  }
}
