/** The merchant numbers at work in this process, by account; what changed in the database is seen within seconds. */
import type { Instant, Mode, WechatAccountId } from '@lika/contract'
import { modeOfBook } from '@lika/contract'
import type { PayAccounts, PayCredentials } from '../../modules/wechat/index.ts'
import { readPrivateKey } from '../../platform/crypto/pem-keys.ts'
import type { Sm } from '../../platform/crypto/sm.ts'
import type { Log } from '../../platform/log.ts'
import { type PayClient, type PayHosts, payClient, sendTo } from './client.ts'
import { platformKeys } from './platform-keys.ts'
import { rsaSuite, smSuite } from './suites.ts'
import { openWire } from './wire.ts'
import { type CallV2, openWireV2 } from './wire-v2.ts'

export interface WechatPayNeeds {
  readonly accounts: Pick<PayAccounts, 'credentials'>
  /** Where WeChat Pay is. */
  readonly hostsOf: (mode: Mode) => PayHosts
  /** Under which WeChat tells us about the account. */
  readonly notifyUrlOf: (account: WechatAccountId) => string
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>
  /** Real time, by which signatures live in every mode. */
  readonly now: () => Instant
  /** Undefined: SM does not work here, and accounts of that kind are refused. */
  readonly sm: Sm | undefined
  readonly timeoutMs?: number
}

export interface AtWork extends PayClient {
  readonly callV2: CallV2
}

/** So long a change in the database may go unseen. */
const freshMs = 2_000
const usualTimeoutMs = 10_000

/** @throws for an account that there is not: a fault of whoever asked. */
export type FindAccount = (account: WechatAccountId) => Promise<AtWork>

export function accountsAtWork(needs: WechatPayNeeds): FindAccount {
  const known = new Map<WechatAccountId, { client: AtWork; seenAt: Instant }>()
  const looking = new Map<WechatAccountId, Promise<AtWork>>()

  async function look(account: WechatAccountId): Promise<AtWork> {
    const credentials = await needs.accounts.credentials(account)
    if (credentials === undefined) throw new Error(`there is no WeChat Pay account ${account}`)
    const before = known.get(account)
    const isSame = before?.client.credentials.version === credentials.version
    const client = isSame ? before.client : put(needs, credentials)
    known.set(account, { client, seenAt: needs.now() })
    return client
  }
  return (account) => {
    const found = known.get(account)
    if (found !== undefined && Math.abs(needs.now() - found.seenAt) < freshMs)
      return Promise.resolve(found.client)
    const underWay = looking.get(account) ?? look(account).finally(() => looking.delete(account))
    looking.set(account, underWay)
    return underWay
  }
}

/** Puts an account to work. @throws where it needs SM and there is none. */
function put(needs: WechatPayNeeds, credentials: PayCredentials): AtWork {
  const { now, sm, log, timeoutMs = usualTimeoutMs } = needs
  const suite = suiteOf(credentials, sm)
  const own = readPrivateKey(credentials.privateKeyPem)
  if (own === undefined) throw new Error('a private key was kept that cannot be read')
  const { mchid, certificateSerial: serial, publicKeyId, publicKeyPem } = credentials
  const hosts = needs.hostsOf(modeOfBook(credentials.book))
  const wire = openWire({ mchid, serial, key: own.key, suite }, timeoutMs)
  const isSm = credentials.algorithm === 'sm'
  const path = isSm ? '/v3/certificates?algorithm_type=ALL' : '/v3/certificates'
  const keys = platformKeys({
    mode: credentials.keyMode,
    kind: isSm ? 'sm2' : 'rsa',
    publicKey:
      publicKeyId === null || publicKeyPem === null
        ? undefined
        : { id: publicKeyId, pem: publicKeyPem },
    apiV3Key: credentials.apiV3Key,
    fetch: (named) =>
      sendTo(hosts, (host) => wire(host, { method: 'GET', path, serial: named }), true),
    now,
    sm,
  })
  const client = payClient({
    credentials,
    ownKey: own.key,
    suite,
    keys,
    wire,
    hosts,
    notifyUrl: needs.notifyUrlOf(credentials.account),
    timeoutMs,
    now,
    sm,
    log,
  })
  return { ...client, callV2: openWireV2(credentials, hosts, timeoutMs, log) }
}

function suiteOf({ algorithm }: PayCredentials, sm: Sm | undefined) {
  if (algorithm === 'rsa') return rsaSuite
  if (sm === undefined) throw new Error('SM2, SM3 and SM4 do not pass their self-test here')
  return smSuite(sm)
}
