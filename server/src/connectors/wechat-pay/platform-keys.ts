/**
 * WeChat's keys for one merchant number: platform certificates, fetched and renewed, beside the public key that was given
 * for it. Both kinds lie side by side, and whoever verifies names the one that it needs.
 */
import type { Instant } from '@lika/contract'
import { readCertificate, readPublicKey } from '../../platform/crypto/pem-keys.ts'
import type { Sm } from '../../platform/crypto/sm.ts'
import { all, instantIn, listIn, parseJson, textIn } from './json.ts'
import { openResource, type PlatformKey } from './suites.ts'
import { verify } from './verify.ts'
import type { WireAnswer, WireResult } from './wire.ts'

export interface PlatformKeysNeeds {
  readonly mode: 'certificate' | 'public_key' | 'both'
  readonly publicKey: { readonly id: string; readonly pem: string } | undefined
  /** With which kind of key the account encrypts and asks for answers. */
  readonly kind: PlatformKey['kind']
  readonly apiV3Key: string
  /** `GET /v3/certificates`; `serial`: by which key the answer is to be signed, if there is one. */
  readonly fetch: (serial: string | undefined) => Promise<WireResult>
  readonly now: () => Instant
  readonly sm: Sm | undefined
}

/** What became of asking for certificates. */
export type FetchOutcome =
  | { readonly ok: true; readonly count: number }
  | { readonly ok: false; readonly status?: number; readonly why: string }

export interface PlatformKeys {
  /** With which fields are encrypted and answers are asked for; undefined: none is known, also after asking. */
  current(): Promise<PlatformKey | undefined>
  /** By its name; one that is not known is asked for, once. */
  readonly find: (serial: string) => Promise<PlatformKey | undefined>
  /** Asks now; calls at the same time share one request. */
  refresh(): Promise<FetchOutcome>
}

interface Certificate extends PlatformKey {
  readonly effectiveAt: Instant
  readonly expiresAt: Instant
}

/** WeChat lists a new certificate 24 hours before it signs with it, and asks to be asked every twelve. */
const renewAfterMs = 6 * 3_600_000
const renewAgainMs = 60_000
/** After an unknown name that asking did not explain: so long no other one makes us ask. */
const barrenMs = 10_000

export function platformKeys(needs: PlatformKeysNeeds): PlatformKeys {
  const { now } = needs
  const given = givenKey(needs)
  const certificates = new Map<string, Certificate>()
  let renewAt = Number.POSITIVE_INFINITY
  let barrenUntil = 0
  let underWay: Promise<FetchOutcome> | undefined

  const usable = () => {
    const at = now()
    return [...certificates.values()].filter(({ expiresAt }) => expiresAt > at)
  }
  const known = (serial: string): PlatformKey | undefined =>
    given?.serial === serial ? given : usable().find((one) => one.serial === serial.toUpperCase())
  /** The last that has come into force; before any has, the first that will. */
  const inForce = () => {
    const at = now()
    const fitting = usable()
      .filter(({ kind }) => kind === needs.kind)
      .sort((left, right) => left.effectiveAt - right.effectiveAt)
    return fitting.findLast(({ effectiveAt }) => effectiveAt <= at) ?? fitting[0]
  }
  const best = () => given ?? inForce()

  async function fetchOnce(): Promise<FetchOutcome> {
    renewAt = now() + renewAgainMs
    const result = await needs.fetch(best()?.serial)
    if (result.kind !== 'answer') return { ok: false, why: result.why }
    const found = await readCertificates(result.answer, needs, known)
    if (!Array.isArray(found)) return found
    for (const one of found) certificates.set(one.serial, one)
    renewAt = now() + renewAfterMs
    return { ok: true, count: found.length }
  }
  function refresh(): Promise<FetchOutcome> {
    underWay ??= fetchOnce().finally(() => {
      underWay = undefined
    })
    return underWay
  }
  /** Renews in the background; who is short of a key waits for it elsewhere. */
  function keepFresh(): void {
    if (needs.mode !== 'public_key' && now() > renewAt) void refresh()
  }
  return {
    refresh,
    current: async () => {
      keepFresh()
      if (best() === undefined && needs.mode !== 'public_key') await refresh()
      return best()
    },
    find: async (serial) => {
      keepFresh()
      const found = known(serial)
      const isHopeless =
        needs.mode === 'public_key' || serial.startsWith('PUB_KEY_ID_') || now() < barrenUntil
      if (found !== undefined || isHopeless) return found
      await refresh()
      const brought = known(serial)
      if (brought === undefined) barrenUntil = now() + barrenMs
      return brought
    },
  }
}

function givenKey({ mode, publicKey }: PlatformKeysNeeds): PlatformKey | undefined {
  if (mode === 'certificate' || publicKey === undefined) return undefined
  const read = readPublicKey(publicKey.pem)
  if (read === undefined || read.kind === 'other') return undefined
  return { serial: publicKey.id, kind: read.kind, key: read.key }
}

/**
 * What opens under the API key is WeChat's; the answer's own signature is held against these keys and the ones known before,
 * which leaves no way to hand us an old list.
 */
async function readCertificates(
  answer: WireAnswer,
  needs: PlatformKeysNeeds,
  known: (serial: string) => PlatformKey | undefined,
): Promise<Certificate[] | Exclude<FetchOutcome, { ok: true }>> {
  const body = parseJson(answer.body.toString())
  if (answer.status !== 200)
    return { ok: false, status: answer.status, why: textIn(body, 'code') ?? 'no code' }
  const read = all(listIn(body, 'data'), (item) => certificateIn(item, needs))
  if (read === undefined || read.length === 0)
    return { ok: false, status: 200, why: 'the certificates do not open under the API v3 key' }
  const find = (serial: string) =>
    Promise.resolve(read.find((one) => one.serial === serial.toUpperCase()) ?? known(serial))
  const { verified, why } = await verify(answer, find, needs.now(), needs.sm)
  return verified === 'good' ? [...read] : { ok: false, status: 200, why }
}

function certificateIn(item: unknown, needs: PlatformKeysNeeds): Certificate | undefined {
  const serial = textIn(item, 'serial_no')?.toUpperCase()
  const effectiveAt = instantIn(item, 'effective_time')
  const expiresAt = instantIn(item, 'expire_time')
  if (serial === undefined || effectiveAt === undefined || expiresAt === undefined) return undefined
  const sealed = {
    algorithm: textIn(item, 'encrypt_certificate', 'algorithm') ?? '',
    ciphertext: textIn(item, 'encrypt_certificate', 'ciphertext') ?? '',
    nonce: textIn(item, 'encrypt_certificate', 'nonce') ?? '',
    associatedData: textIn(item, 'encrypt_certificate', 'associated_data') ?? '',
  }
  try {
    const pem = openResource(sealed, needs.apiV3Key, needs.sm).toString()
    const read = readCertificate(pem) === undefined ? undefined : readPublicKey(pem)
    if (read === undefined || read.kind === 'other') return undefined
    return { serial, effectiveAt, expiresAt, kind: read.kind, key: read.key }
  } catch {
    return undefined
  }
}
