/** The settings of the banks that pay merchants: one for each mode, so that test money never reaches a real one. */
import type { Mode } from '@lika/contract'
import { CannotStart } from './cannot-start.ts'

export interface BankConfig {
  readonly host: string
  readonly port: number
  readonly user: string
  /** At the bank; holds the folders of orders and answers. */
  readonly folder: string
  /** `SHA256:…`: the only host key that is accepted. */
  readonly hostKey: string
  /** Of the private key by which the bank knows us. */
  readonly keyFile: string
  readonly encoding: 'utf-8' | 'gbk'
  readonly everySeconds: number
  readonly askAfterSeconds: number
}

export type BankConfigs = Partial<Readonly<Record<Mode, BankConfig>>>

const prefixes = { live: 'LIKA_BANK', test: 'LIKA_BANK_TEST' } as const satisfies Record<
  Mode,
  string
>

/** `text`: a variable's value; undefined: it is not set. @throws CannotStart `config.invalid` */
export function readBanks(text: (name: string) => string | undefined): BankConfigs {
  const live = readBank(prefixes.live, text)
  const test = readBank(prefixes.test, text)
  return { ...(live && { live }), ...(test && { test }) }
}

function readBank(
  prefix: string,
  text: (name: string) => string | undefined,
): BankConfig | undefined {
  const address = text(`${prefix}_URL`)
  if (address === undefined) return undefined
  const needed = (name: string, what: string) => {
    const value = text(name)
    if (value === undefined) throw invalid(name, `is missing: ${what}`)
    return value
  }
  const hostKey = needed(`${prefix}_HOST_KEY`, "the bank's host key, as SHA256:…")
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(hostKey))
    throw invalid(`${prefix}_HOST_KEY`, `"${hostKey}" is not SHA256: and 43 characters`)
  const encoding = text(`${prefix}_ENCODING`) ?? 'utf-8'
  if (encoding !== 'utf-8' && encoding !== 'gbk')
    throw invalid(`${prefix}_ENCODING`, `"${encoding}" is neither utf-8 nor gbk`)
  return {
    ...readAddress(`${prefix}_URL`, address),
    hostKey,
    keyFile: needed(`${prefix}_KEY_FILE`, 'the file of the private key by which the bank knows us'),
    encoding,
    everySeconds: seconds(`${prefix}_EVERY_SECONDS`, text, 30),
    askAfterSeconds: seconds(`${prefix}_ASK_SECONDS`, text, 1_800),
  }
}

function readAddress(name: string, address: string) {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const isWhole =
    url?.protocol === 'sftp:' && url.username !== '' && url.hostname !== '' && url.password === ''
  if (url === undefined || !isWhole)
    throw invalid(name, `"${address}" is not like sftp://user@bank.example:22/folder`)
  return {
    host: url.hostname,
    port: url.port === '' ? 22 : Number(url.port),
    user: decodeURIComponent(url.username),
    folder: decodeURIComponent(url.pathname),
  }
}

function seconds(
  name: string,
  text: (name: string) => string | undefined,
  standard: number,
): number {
  const value = text(name)
  if (value === undefined) return standard
  const number = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (number > 0) return number
  throw invalid(name, `"${value}" is not a whole number of seconds from 1 to 999999`)
}

function invalid(name: string, why: string): CannotStart {
  return new CannotStart('config.invalid', `${name} cannot be used: ${why}.`)
}
