/**
 * Every figure that WeChat is said to hold to, in one place. What the sheet calls recalled is here because nobody should
 * rely on it: `POST /_twin/settings` changes any of them. Other files may add their own.
 */
import type { Store, Table } from './store.ts'

export const defaults = {
  /** Of a request's timestamp, in seconds either way. */
  clockSkewSeconds: 300,
  nonceSeconds: 600,
  /** Pictures of cards are larger than any other call: up to one megabyte and what goes round them. */
  bodyBytes: 2_097_152,
  /** A request without these is refused; that `User-Agent` is demanded is recalled. */
  demandUserAgent: true,
  prepaySeconds: 2 * 3600,
  codeUrlSeconds: 2 * 3600,
  h5UrlSeconds: 300,
  orderSeconds: 7 * 86_400,
  /** `time_expire` sooner than this after the order is raised to it. */
  leastExpirySeconds: 60,
  refundDays: 365,
  refundsPerOrder: 50,
  refundGapSeconds: 60,
  /** How long a refund is PROCESSING. */
  refundSeconds: 30,
  /** What the merchant pays WeChat for a payment, in millionths of it. */
  feePpm: 6_000,
  appidsPerMerchant: 50,
  /** Between attempts of a notification; the fifteenth is the last. */
  ladderSeconds: [
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
  ],
  notificationAnswerMs: 5_000,
  /** Every how many answers and notifications one is a probe whose signature does not hold; 0 is never. */
  probeEvery: 0,
  /** A new platform certificate is listed this long before it signs. */
  certificateLeadSeconds: 86_400,
  certificateYears: 5,
  /** HTTP status of the certificate list for merchants who have only the public key; recalled. */
  noCertificatesStatus: 404,
  /** HTTP status of closing a paid order; partly recalled. */
  closePaidStatus: 400,
  /** How another order under a paid or closed number is refused; partly recalled. */
  reorderPaid: { status: 400, code: 'ORDER_PAID' },
  reorderClosed: { status: 400, code: 'ORDER_CLOSED' },
  /** `older` answers codes as pages of earlier years spell them (`ORDERNOTEXIST`). */
  spelling: 'current',
  /** Whether the page behind an h5_url wants to be opened from the address that the order names. */
  checkH5Address: false,
  /** How long a share is PROCESSING; recalled. */
  shareSeconds: 5,
  shareFirstSeconds: 60,
  /** After these what is left goes to the payer. */
  shareDays: 30,
  /** Whether what waits to be shared is kept from refunds of other orders, transfers and returns. */
  holdSharedMoney: true,
  shareRequests: 50,
  shareReceivers: 20_000,
  /** What a person may get by sharing in a month, in fen. */
  shareMonthlyFen: 20_000_000,
  /** How long a return is PROCESSING; 0 is at once. */
  returnSeconds: 0,
  returnDays: 180,
  returnsPerOrder: 50,
  /** How long a return waits for an empty account before TIME_OUT_CLOSED; 0: it fails with BALANCE_NOT_ENOUGH. Recalled. */
  returnWaitSeconds: 172_800,
  transferLeastFen: 10,
  /** From here on `user_name` is demanded. */
  transferNameFen: 200_000,
  transferConfirmSeconds: 86_400,
  /** How long a transfer is ACCEPTED and PROCESSING before the user is asked; recalled. */
  transferAcceptSeconds: 0,
  /** How long a transfer is TRANSFERING after the user's yes, and CANCELING after the merchant's no; recalled. */
  transferSeconds: 2,
  transferQueryDays: 30,
  /** The hour in China at which the bills of the day before are there. */
  billHour: 10,
  billDays: 90,
  billUrlSeconds: 300,
  /** Bills begin with a byte order mark, as those of V2 do; recalled. */
  billMark: true,
  /** A payment code is another one after this. */
  authCodeSeconds: 60,
  /** From this amount on a payment by code asks for a password; recalled. */
  passwordFen: 100_000,
  /** How long the user may take over it; recalled. */
  passwordSeconds: 30,
  reverseDays: 7,
  /** Calls a second: a merchant's on each kind of call, by real time. `default` for all that have none of their own. */
  rates: {
    default: 1_000,
    'order.jsapi': 500,
    'order.native': 600,
    'order.h5': 600,
    'order.app': 600,
    'order.query': 1_800,
    'order.close': 600,
    'refund.create': 150,
    'refund.failing': 6,
    'refund.query': 300,
    certificates: 1_000,
    'sharing.provider': 300,
    'sharing.payee': 30,
    'sharing.order': 1,
    'sharing.query': 500,
    'sharing.return': 100,
    'transfer.create': 100,
    'v2.micropay': 33,
  } as Record<string, number>,
  /** Accounts, mini-programs and cards: seconds of real time, and how many calls a window lets through (-1: no limit). */
  app: {
    codeSeconds: 300,
    accessTokenSeconds: 7200,
    /** For so long the token before stays good after a new one of `/cgi-bin/token`. */
    overlapSeconds: 300,
    /** A stable token is renewed so long before its end. */
    renewalSeconds: 300,
    forcedApartSeconds: 30,
    refreshTokenSeconds: 30 * 86_400,
    ticketSeconds: 7200,
    /** How far ahead of us a card's signature may be; behind us it lives as long as its ticket. Recalled. */
    signatureAheadSeconds: 300,
    callbackSeconds: 5,
    /** Between two attempts at a callback, and how many come after the first. Recalled. */
    callbackRetrySeconds: 5,
    callbackRepeats: 3,
    /** How long a given card may wait for the friend, on the virtual clock. Recalled. */
    giftSeconds: 86_400,
    /** How long after a user did something an app may write to him, and how often. Recalled. */
    conversationSeconds: 48 * 3600,
    customMessages: 5,
    /** Any one call with an access token. */
    apiMinute: -1,
    apiDay: -1,
    tokenDay: 2_000,
    stableTokenMinute: 10_000,
    stableTokenDay: 500_000,
    stableForcedDay: 20,
    clearQuotaMonth: 10,
    loginUserMinute: 100,
    /** Recalled. */
    phoneMinute: 5_000,
    subscribeDay: 10_000_000,
    /** Recalled. */
    templateDay: 100_000,
    /** Found in no source: a figure that is told, not confirmed. */
    cardCreateSecond: 50,
    cardCreateDay: 100_000,
    /** Of one code. Recalled. */
    memberUpdateMinute: 60,
  },
}

export type Settings = typeof defaults

export class SettingsBox {
  readonly #kept: Table<Partial<Settings>>
  #now: Settings

  constructor(store: Store) {
    this.#kept = store.table('settings')
    this.#now = merged(this.#kept.get('changed') ?? {})
  }

  get now(): Readonly<Settings> {
    return this.#now
  }

  /** Unknown names are answered, not ignored; groups (`rates`) are merged member by member. */
  change(members: Record<string, unknown>): string | undefined {
    const known: Record<string, unknown> = defaults
    for (const [name, value] of Object.entries(members)) {
      if (!Object.hasOwn(known, name)) return `unknown setting ${name}`
      if (
        typeof value !== typeof known[name] ||
        Array.isArray(value) !== Array.isArray(known[name])
      )
        return `${name} is of another type`
    }
    const changes = merge(this.#kept.get('changed') ?? {}, members)
    this.#kept.set('changed', changes)
    this.#now = merged(changes)
    return undefined
  }
}

function merged(changes: Partial<Settings>): Settings {
  return merge(defaults, changes as Record<string, unknown>) as Settings
}

function merge(base: object, changes: Record<string, unknown>): Record<string, unknown> {
  const made: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(changes)) {
    const before = made[name]
    made[name] = isGroup(before) && isGroup(value) ? { ...before, ...value } : value
  }
  return made
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
