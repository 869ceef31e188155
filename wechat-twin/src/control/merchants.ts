/** Control of merchants: which there are, their keys, and the change of the platform's keys. */
import type { KeyMode, Merchant } from '../kernel/merchants.ts'
import { publicPemOf } from '../kernel/merchants.ts'
import { flag, integer, list, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { Twin } from '../kernel/twin.ts'
import { anything, ControlMistake, control } from './control.ts'

const given = object({
  mchid: text({ max: 32, pattern: /^\d{8,12}$/ }),
  name: optional(text({ max: 64 })),
  appids: list(text({ max: 32 }), { min: 0, max: 50 }),
  api_v3_key: text({ min: 0, max: 32, pattern: /^([\x21-\x7e]{32})?$/ }),
  api_v2_key: optional(text({ min: 32, max: 32 })),
  serial: text({ max: 40, pattern: /^[0-9A-Fa-f]+$/ }),
  public_key_pem: optional(text({ max: 8_192 })),
  certificate_pem: optional(text({ max: 8_192 })),
  key_mode: optional(oneOf('certificate', 'public_key', 'mixed')),
  share_percent: optional({ read: readPercent }),
  sharing_max_bp: optional(integer({ max: 10_000 })),
  h5_domains: optional(list(text({ max: 255 }), { min: 0, max: 20 })),
  suspended: optional(flag),
  closed: optional(flag),
  sm: optional(object({ serial: text({ max: 64 }), public_key_hex: text({ max: 130 }) })),
  more: optional(anything),
})

export function register(twin: Twin): void {
  const { merchants } = twin

  control(twin, 'POST', '/_twin/merchants', given, async ({ body }) => {
    const pem = publicPemOf(body.public_key_pem ?? body.certificate_pem ?? '')
    if (pem === undefined) throw new ControlMistake('public_key_pem or certificate_pem is needed')
    const { certificate_pem: _, public_key_pem: __, ...rest } = body
    const made = await merchants.put({
      ...rest,
      name: body.name ?? `商户 ${body.mchid}`,
      public_key_pem: pem,
      key_mode: body.key_mode ?? ('certificate' satisfies KeyMode),
      sharing_max_bp: body.sharing_max_bp ?? 3000,
      h5_domains: body.h5_domains ?? [],
      suspended: body.suspended ?? false,
      closed: body.closed ?? false,
      more: body.more ?? {},
    })
    return shown(twin, made)
  })

  control(twin, 'GET', '/_twin/merchants', undefined, async () => {
    const all = [...merchants.table.values()]
    return { data: await Promise.all(all.map((merchant) => shown(twin, merchant))) }
  })

  control(twin, 'GET', '/_twin/merchants/{mchid}', undefined, ({ params }) =>
    shown(twin, known(twin, params['mchid'])),
  )

  const rotation = object({
    what: oneOf('certificate', 'public_key'),
    share_percent: optional({ read: readPercent }),
    lead_seconds: optional(integer()),
  })
  control(twin, 'POST', '/_twin/merchants/{mchid}/rotate', rotation, async ({ body, params }) => {
    const { mchid } = known(twin, params['mchid'])
    if (body.what === 'certificate') {
      const lead = body.lead_seconds ?? twin.settings.now.certificateLeadSeconds
      const { serial_no, pem, used_from } = await merchants.rotateCertificate(mchid, lead)
      return { serial_no, pem, used_from: new Date(used_from).toISOString() }
    }
    const { public_key } = await merchants.rotatePublicKey(mchid, body.share_percent)
    return { id: public_key?.id, pem: public_key?.keys.public_pem }
  })
}

export function known(twin: Twin, mchid: string | undefined): Merchant {
  const merchant = twin.merchants.find(mchid ?? '')
  if (merchant === undefined) throw new ControlMistake(`no merchant ${mchid}`)
  return merchant
}

/** Without the private keys of the platform. */
async function shown(twin: Twin, merchant: Merchant) {
  const { mchid, name, appids, serial, key_mode, public_key, suspended, closed } = merchant
  return {
    mchid,
    name,
    appids,
    serial,
    key_mode,
    suspended,
    closed,
    share_percent: twin.merchants.shareOf(merchant),
    balance_fen: twin.trades.balanceOf(mchid),
    platform_certificates: merchant.platform_certificates.map(({ serial_no, pem }) => ({
      serial_no,
      pem,
    })),
    public_key: public_key === null ? null : { id: public_key.id, pem: public_key.keys.public_pem },
    authority_pem: await twin.merchants.authorityPem(),
  }
}

function readPercent(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 100) return value
  throw new ControlMistake('share_percent is between 0 and 100')
}
