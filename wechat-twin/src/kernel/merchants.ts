/**
 * Merchants as WeChat knows them: numbers, bound appids, the keys that they sign with, and the platform's keys that sign
 * for them. Which platform key signs is decided here: by key mode, by the ramp from certificate to public key, by lead time.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { SmKeys } from '../sm/algorithms.ts'
import { SmPlatform } from '../sm/platform.ts'
import type { Clock } from './clock.ts'
import { certify, type KeyPair, type MadeCertificate, makeRsaKeys } from './keys.ts'
import type { Random } from './random.ts'
import type { SettingsBox } from './settings.ts'
import type { Store, Table } from './store.ts'

export type KeyMode = 'certificate' | 'public_key' | 'mixed'

export interface PlatformCertificate extends MadeCertificate {
  keys: KeyPair
  /** From this virtual instant on it signs; it is listed before. */
  used_from: number
}

export interface Merchant {
  mchid: string
  name: string
  appids: string[]
  /** Empty: none was set, and no notification is sent. */
  api_v3_key: string
  api_v2_key?: string
  serial: string
  public_key_pem: string
  key_mode: KeyMode
  platform_certificates: PlatformCertificate[]
  public_key: { id: string; keys: KeyPair } | null
  /** Of notifications signed with the public key, in percent; undefined follows the ramp from `ramp_started_at`. */
  share_percent?: number
  ramp_started_at: number
  /** Of a payment that may be shared, in ten-thousandths. */
  sharing_max_bp: number
  /** The domains that may call H5 pay; empty: any. */
  h5_domains: string[]
  /** May not call: every call is refused with NO_AUTH. */
  suspended: boolean
  /** No longer a merchant: its orders are refused with MCH_NOT_EXISTS. */
  closed: boolean
  sm?: { serial: string; public_key_hex: string }
  created_at: number
  /** Whatever else was given when it was made: for parts that want a setting of their own. */
  more: Record<string, unknown>
}

/** A key of the platform, ready to sign: `serial` goes into `Wechatpay-Serial`. */
export interface SigningKey {
  serial: string
  key: KeyObject
}

/** The same under SM2. */
export interface SmSigningKey {
  serial: string
  sm: SmKeys
}

/** Percent of notifications under the public key on each day of the change. */
const ramp = [0.1, 1, 5, 10, 20, 50, 100]
const day = 86_400_000

export class Merchants {
  readonly table: Table<Merchant>
  readonly sm: SmPlatform
  readonly #authority: Table<{ keys: KeyPair; certificate: MadeCertificate }>
  readonly #clock: Clock
  readonly #random: Random
  readonly #settings: SettingsBox
  readonly #keys = new Map<string, KeyObject>()

  constructor(store: Store, clock: Clock, random: Random, settings: SettingsBox) {
    this.table = store.table('merchants')
    this.sm = new SmPlatform(store, clock, random)
    this.#authority = store.table('authority')
    this.#clock = clock
    this.#random = random
    this.#settings = settings
  }

  find(mchid: string): Merchant | undefined {
    return this.table.get(mchid)
  }

  /** Makes or replaces a merchant; the platform's keys of one that was there stay as they are. */
  async put(
    given: Omit<
      Merchant,
      'platform_certificates' | 'public_key' | 'created_at' | 'ramp_started_at'
    >,
  ): Promise<Merchant> {
    const before = this.find(given.mchid)
    const now = this.#clock.now()
    const made: Merchant = {
      ...given,
      platform_certificates: before?.platform_certificates ?? [],
      public_key: before?.public_key ?? null,
      created_at: before?.created_at ?? now,
      ramp_started_at: before?.key_mode === 'mixed' ? before.ramp_started_at : now,
    }
    if (made.key_mode !== 'public_key' && made.platform_certificates.length === 0)
      made.platform_certificates = [await this.#makeCertificate(now)]
    if (made.key_mode !== 'certificate' && made.public_key === null)
      made.public_key = await this.#makePublicKey()
    return this.table.set(made.mchid, made)
  }

  /** A new platform certificate, listed at once and used after `leadSeconds` of the virtual clock. */
  async rotateCertificate(mchid: string, leadSeconds: number): Promise<PlatformCertificate> {
    const made = await this.#makeCertificate(this.#clock.now(), leadSeconds)
    const platform_certificates = [...(this.find(mchid)?.platform_certificates ?? []), made]
    this.table.change(mchid, { platform_certificates })
    return made
  }

  /**
   * Towards the public key: a merchant of certificates becomes one of both, with `sharePercent` of its notifications under
   * the public key. Without a share, a merchant that has a public key gets a new one that signs from now on.
   */
  async rotatePublicKey(mchid: string, sharePercent: number | undefined): Promise<Merchant> {
    const before = this.find(mchid)
    if (before === undefined) throw new Error(`no merchant ${mchid}`)
    const isNew = before.public_key === null || sharePercent === undefined
    const changes: Partial<Merchant> = {
      public_key: isNew ? await this.#makePublicKey() : before.public_key,
    }
    if (before.key_mode === 'certificate') {
      changes.key_mode = 'mixed'
      changes.ramp_started_at = this.#clock.now()
    }
    if (sharePercent !== undefined) changes.share_percent = sharePercent
    return this.table.change(mchid, changes)
  }

  /** The certificate that signs now. */
  certificateInUse(merchant: Merchant): PlatformCertificate | undefined {
    const now = this.#clock.now()
    return merchant.platform_certificates.findLast(({ used_from }) => used_from <= now)
  }

  /**
   * The key that signs an answer: the one that the call named in `Wechatpay-Serial`; the certificate where it named none or
   * one that nobody knows (an old client sends its own serial there); the public key where there is no certificate.
   */
  keyForAnswer(
    merchant: Merchant,
    wanted: string | undefined,
  ): SigningKey | SmSigningKey | undefined {
    const { public_key } = merchant
    const sm = this.sm.named(merchant, wanted)
    if (sm !== undefined) return { serial: sm.serial_no, sm: sm.keys }
    if (public_key !== null && wanted === public_key.id)
      return this.#signing(wanted, public_key.keys)
    const named = merchant.platform_certificates.find(({ serial_no }) => serial_no === wanted)
    const certificate = named ?? this.certificateInUse(merchant)
    if (merchant.key_mode !== 'public_key' && certificate !== undefined)
      return this.#signing(certificate.serial_no, certificate.keys)
    return public_key === null ? undefined : this.#signing(public_key.id, public_key.keys)
  }

  /** The key that signs a notification: `lot` is 0 up to 100 and says on which side of the ramp it falls. */
  keyForNotice(merchant: Merchant, lot: number): SigningKey | SmSigningKey | undefined {
    const sm = this.sm.keyOf(merchant)
    if (sm !== undefined) return { serial: sm.serial_no, sm: sm.keys }
    const byPublicKey =
      merchant.key_mode === 'public_key' ||
      (merchant.key_mode === 'mixed' && lot < this.shareOf(merchant))
    return this.keyForAnswer(merchant, byPublicKey ? merchant.public_key?.id : undefined)
  }

  /** Of notifications under the public key, in percent. */
  shareOf(merchant: Merchant): number {
    if (merchant.share_percent !== undefined) return merchant.share_percent
    const days = Math.floor((this.#clock.now() - merchant.ramp_started_at) / day)
    return ramp[Math.min(Math.max(days, 0), ramp.length - 1)] ?? 100
  }

  /** The platform's key that a call names for encrypted members, to decrypt them; undefined where it names none of ours. */
  keyForSecrets(merchant: Merchant, serial: string | undefined): KeyObject | undefined {
    const { public_key } = merchant
    if (public_key !== null && serial === public_key.id)
      return this.#signing(serial, public_key.keys).key
    const named = merchant.platform_certificates.find(({ serial_no }) => serial_no === serial)
    return named === undefined ? undefined : this.#signing(named.serial_no, named.keys).key
  }

  /** What verifies the merchant's own signatures, and encrypts what only it may read. */
  merchantKey(merchant: Merchant): KeyObject {
    return this.#cached(`merchant ${merchant.public_key_pem}`, () =>
      createPublicKey(merchant.public_key_pem),
    )
  }

  async authorityPem(): Promise<string> {
    return (await this.#authorityOfOurs()).certificate.pem
  }

  #signing(serial: string, keys: KeyPair): SigningKey {
    const key = this.#cached(`platform ${serial}`, () => createPrivateKey(keys.private_pem))
    return { serial, key }
  }

  #cached(name: string, make: () => KeyObject): KeyObject {
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const made = make()
    this.#keys.set(name, made)
    return made
  }

  async #makeCertificate(now: number, leadSeconds?: number): Promise<PlatformCertificate> {
    const authority = await this.#authorityOfOurs()
    const keys = await makeRsaKeys()
    const effective_at = Math.floor(now / 1000) * 1000
    const certificate = await certify(authority.keys, {
      serial_no: this.#serial(),
      effective_at,
      expires_at: effective_at + this.#settings.now.certificateYears * 365 * day,
      subject: {
        name: 'CN=Tenpay.com sign, OU=Tenpay.com CA Center, O=Tenpay.com, C=CN',
        public_pem: keys.public_pem,
      },
    })
    const used_from = leadSeconds === undefined ? 0 : now + leadSeconds * 1000
    return { ...certificate, keys, used_from }
  }

  async #makePublicKey(): Promise<{ id: string; keys: KeyPair }> {
    return { id: `PUB_KEY_ID_${this.#random.digits(34)}`, keys: await makeRsaKeys() }
  }

  async #authorityOfOurs(): Promise<{ keys: KeyPair; certificate: MadeCertificate }> {
    const known = this.#authority.get('root')
    if (known !== undefined) return known
    const keys = await makeRsaKeys()
    const effective_at = Math.floor(this.#clock.real() / 1000) * 1000 - day
    const certificate = await certify(keys, {
      serial_no: this.#serial(),
      effective_at,
      expires_at: effective_at + 20 * 365 * day,
    })
    // Two merchants may have been made at once: the first authority stays.
    return this.#authority.get('root') ?? this.#authority.set('root', { keys, certificate })
  }

  /** Forty hexadecimal digits of which the first is neither zero nor the sign. */
  #serial(): string {
    return `5${this.#random.hex(39).toUpperCase()}`
  }
}

/** The public key out of a certificate or a key in PEM, as PEM; undefined where it is neither. */
export function publicPemOf(pem: string): string | undefined {
  try {
    const key = pem.includes('CERTIFICATE')
      ? new X509Certificate(pem).publicKey
      : createPublicKey(pem)
    return key.export({ type: 'spki', format: 'pem' }).toString()
  } catch {
    return undefined
  }
}
