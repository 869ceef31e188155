/**
 * Asking for a bill and fetching it: a call answers a URL that is good for five minutes and the digest of the file, the URL
 * answers the file, unsigned. The bill of a day is there the next day from ten o'clock on, for ninety days.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Merchant } from '../kernel/merchants.ts'
import { unseeded } from '../kernel/random.ts'
import { refuse } from '../kernel/refusal.ts'
import type { Call } from '../kernel/router.ts'
import { fault, object, type Shape, text } from '../kernel/shape.ts'
import { formatDay, startOfDay } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import { V3File } from '../v3/gate.ts'
import { type BillTable, writeBill } from './csv.ts'

/** A day that exists. */
export const billDate: Shape<string> = {
  read: (value, path) =>
    typeof value === 'string' && startOfDay(value) !== undefined
      ? value
      : fault(path, value, '应为 yyyy-MM-dd 格式的日期'),
}

interface BillQuery {
  bill_date: string
  tar_type?: 'GZIP'
}

export interface BillKind<Q extends BillQuery> {
  path: string
  shape: Shape<Q>
  /** Whose bill it is; the caller's own where left out. */
  ownerOf?: (merchant: Merchant, query: Q) => Merchant
  /** A function of what happened until the bill was ready, so that a day's bill is the same whenever it is made. */
  make: (asked: { mchid: string; date: string; query: Q }) => BillTable
}

/** What a token stands for; the bytes themselves are made again after a restart. */
interface Ticket {
  kind: string
  caller: string
  mchid: string
  query: BillQuery
  expires_at: number
}

const shops = new WeakMap<Twin, BillShop>()

/** Opens `path` for bills of a kind. */
export function offer<Q extends BillQuery>(twin: Twin, kind: string, terms: BillKind<Q>): void {
  const shop = shops.get(twin) ?? new BillShop(twin)
  shops.set(twin, shop)
  shop.offer(kind, terms)
}

class BillShop {
  readonly #twin: Twin
  readonly #tickets
  readonly #kinds = new Map<string, (ticket: Ticket) => Buffer>()
  readonly #bytes = new Map<string, Buffer>()

  constructor(twin: Twin) {
    this.#twin = twin
    this.#tickets = twin.store.table<Ticket>('bill_tickets')
    twin.schedule.on<{ token: string }>('bill_over', ({ token }) => {
      this.#tickets.delete(token)
      this.#bytes.delete(token)
    })
    const query = object({ token: text({ max: 128 }) })
    twin.v3.route(
      'GET',
      '/v3/billdownload/file',
      { kind: 'bill.download', query },
      ({ merchant, query: { token } }) => this.#fetch(merchant, token),
    )
  }

  offer<Q extends BillQuery>(kind: string, terms: BillKind<Q>): void {
    const { settings } = this.#twin
    this.#kinds.set(kind, ({ mchid, query }) => {
      const table = terms.make({ mchid, date: query.bill_date, query: query as Q })
      if (table.rows.length === 0) refuse(400, 'NO_STATEMENT_EXIST', '账单文件不存在')
      return writeBill(table, settings.now.billMark)
    })
    this.#twin.v3.route('GET', terms.path, { kind: 'bill', query: terms.shape }, (call) => {
      const owner = terms.ownerOf?.(call.merchant, call.query) ?? call.merchant
      this.#checkDay(call.query.bill_date)
      const seen = seenBy(call.raw, call.merchant)
      if (this.#twin.faults.take(['bill_not_ready'], seen) !== undefined)
        refuse(400, 'STATEMENT_CREATING', '账单文件正在生成中，请稍后再试')
      const expires_at = this.#twin.clock.now() + settings.now.billUrlSeconds * 1000
      const caller = call.merchant.mchid
      const ticket = { kind, caller, mchid: owner.mchid, query: call.query, expires_at }
      return this.#write(ticket, this.#twin.faults.take(['corrupt_bill_hash'], seen) !== undefined)
    })
  }

  /** Refuses days that are not over, not yet written, or gone. */
  #checkDay(date: string): void {
    const { billHour, billDays } = this.#twin.settings.now
    const now = this.#twin.clock.now()
    const start = startOfDay(date) ?? 0
    if (date >= formatDay(now)) refuse(400, 'INVALID_REQUEST', '账单日期不能晚于昨天')
    if (now < start + 86_400_000 + billHour * 3_600_000)
      refuse(400, 'STATEMENT_CREATING', '账单文件正在生成中，请稍后再试')
    if (now > start + (billDays + 1) * 86_400_000)
      refuse(400, 'INVALID_REQUEST', '仅支持三个月内的账单下载申请')
  }

  #write(ticket: Ticket, isCorrupt: boolean): object {
    const bytes = this.#bytesOf(ticket)
    const token = unseeded.letters(64)
    this.#tickets.set(token, ticket)
    this.#bytes.set(token, bytes)
    this.#twin.schedule.at(ticket.expires_at + 1, 'bill_over', { token })
    const hash = createHash('sha1').update(bytes).digest('hex')
    return {
      hash_type: 'SHA1',
      // Of the file as it is after gunzip.
      hash_value: isCorrupt ? createHash('sha1').update(hash).digest('hex') : hash,
      download_url: `${this.#twin.url}/v3/billdownload/file?token=${token}`,
    }
  }

  #fetch(merchant: Merchant, token: string): V3File {
    const ticket = this.#tickets.get(token)
    if (ticket === undefined || this.#twin.clock.now() > ticket.expires_at)
      return refuse(400, 'INVALID_REQUEST', '下载链接已失效')
    if (ticket.caller !== merchant.mchid) return refuse(403, 'NO_AUTH', '无权下载该账单')
    const bytes = this.#bytes.get(token) ?? this.#bytesOf(ticket)
    return ticket.query.tar_type === 'GZIP'
      ? new V3File('application/x-gzip', gzipSync(bytes))
      : new V3File('text/plain; charset=utf-8', bytes)
  }

  #bytesOf(ticket: Ticket): Buffer {
    const make = this.#kinds.get(ticket.kind)
    if (make === undefined) throw new Error(`no bill ${ticket.kind}`)
    return make(ticket)
  }
}

function seenBy(raw: Call, merchant: Merchant) {
  return { method: raw.method, paths: [raw.path], mchid: merchant.mchid }
}
