/**
 * The settings of a server, read once from the environment: the only place that looks there. A value that is not
 * allowed keeps Lika from starting, with a sentence that says what is.
 */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { CannotStart } from './cannot-start.ts'
import { type BankConfigs, readBanks } from './config-bank.ts'
import { readWechat, type WechatConfig } from './config-wechat.ts'

export type Config = {
  /** LIKA_PORT; 0: any free one. */
  readonly port: number
  /** LIKA_HOST */
  readonly host: string
  /** LIKA_TLS_CERT, LIKA_TLS_KEY: files in PEM. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  /** LIKA_TRUST_PROXY: whose X-Forwarded-For is believed; `true`: whoever connects. */
  readonly trustProxy: boolean | string
  /** LIKA_DATA, absolute. */
  readonly dataDir: string
  /** DATABASE_URL; absent: Lika's own PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** LIKA_LANES: lanes in each pool. */
  readonly lanes: number
  /** LIKA_MASTER_KEY; absent: the file in the data folder. */
  readonly masterKey: string | undefined
  /** LIKA_DEMO: a demo issuer is made; by default only on Lika's own PostgreSQL. */
  readonly demo: boolean
  /** LIKA_WEBHOOK_ALLOW_PRIVATE */
  readonly webhookAllowPrivate: boolean
  /** LIKA_BANK_…, LIKA_BANK_TEST_… */
  readonly banks: BankConfigs
  readonly wechat: WechatConfig
}

export type Environment = Readonly<Record<string, string | undefined>>

/** @throws CannotStart `config.invalid` */
export function readConfig(environment: Environment = process.env): Config {
  const text = (name: string) => environment[name]?.trim() || undefined
  const databaseUrl = text('DATABASE_URL')
  const config: Config = {
    port: integer('LIKA_PORT', text('LIKA_PORT'), 8080, 0, 65_535),
    host: text('LIKA_HOST') ?? '127.0.0.1',
    tls: tlsFiles(text('LIKA_TLS_CERT'), text('LIKA_TLS_KEY')),
    trustProxy: trustProxy(text('LIKA_TRUST_PROXY')),
    dataDir: resolve(text('LIKA_DATA') ?? '.lika'),
    databaseUrl,
    // Test lanes are numbered 601 … 999.
    lanes: integer('LIKA_LANES', text('LIKA_LANES'), 4, 1, 399),
    masterKey: text('LIKA_MASTER_KEY'),
    demo: flag('LIKA_DEMO', text('LIKA_DEMO'), databaseUrl === undefined),
    webhookAllowPrivate: flag(
      'LIKA_WEBHOOK_ALLOW_PRIVATE',
      text('LIKA_WEBHOOK_ALLOW_PRIVATE'),
      false,
    ),
    banks: readBanks(text),
    wechat: readWechat(text),
  }
  if (!isLoopback(config.host) && config.tls === undefined && config.trustProxy === false) {
    throw invalid(
      'LIKA_HOST',
      `${config.host} is reachable from outside, where keys must not travel in plain text: set LIKA_TLS_CERT and LIKA_TLS_KEY, or LIKA_TRUST_PROXY where a proxy in front ends TLS`,
    )
  }
  return config
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

function integer(
  name: string,
  text: string | undefined,
  standard: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return standard
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw invalid(name, `"${text}" is not a whole number from ${min} to ${max}`)
}

function flag(name: string, text: string | undefined, standard: boolean): boolean {
  if (text === undefined) return standard
  if (text === '0' || text === '1') return text === '1'
  throw invalid(name, `"${text}" is neither 0 nor 1`)
}

function tlsFiles(certFile: string | undefined, keyFile: string | undefined): Config['tls'] {
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile }
  const missing = certFile === undefined ? 'LIKA_TLS_CERT' : 'LIKA_TLS_KEY'
  throw invalid(missing, 'certificate and key go together: name both files or neither')
}

/** `0`, `1`, or addresses and networks, with commas between them. */
function trustProxy(text: string | undefined): boolean | string {
  if (text === undefined || text === '0') return false
  if (text === '1') return true
  const parts = text.split(',').map((part) => part.trim())
  const isNetwork = (part: string) => {
    const [address = '', bits] = part.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    return isIP(address) !== 0 && (bits === undefined || (/^\d+$/.test(bits) && +bits <= most))
  }
  if (parts.every((part) => isNetwork(part))) return parts.join(',')
  throw invalid(
    'LIKA_TRUST_PROXY',
    `"${text}" is not 0, 1, or addresses of proxies like 10.0.0.1,10.1.0.0/16`,
  )
}

function invalid(name: string, why: string): CannotStart {
  return new CannotStart('config.invalid', `${name} cannot be used: ${why}.`)
}
