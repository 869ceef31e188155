/** Bills of a day: asked for, fetched, held against their digest, and read into rows. */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { Answer, Bill, BillAsked } from '../../modules/wechat/index.ts'
import { unknown } from './answers.ts'
import type { PayClient } from './client.ts'
import { textIn } from './json.ts'

interface BillPlace {
  readonly hashType: string
  readonly hash: string
  /** Path and query of the file. */
  readonly path: string
}

export async function bill(client: PayClient, asked: BillAsked): Promise<Answer<Bill>> {
  const place = await client.call({ method: 'GET', path: pathOf(asked), read: placeIn })
  if (place.status !== 'done') return place
  const file = await client.download(place.value.path)
  if (file.status !== 'done') return file
  const plain = unzipped(file.value)
  if (plain === undefined) return unknown('the bill cannot be unzipped')
  if (!hasDigest(plain, place.value)) return unknown('the bill is not the one that was announced')
  const read = readBill(plain.toString())
  return read === undefined ? unknown('the bill cannot be read') : { status: 'done', value: read }
}

function pathOf(asked: BillAsked): string {
  switch (asked.kind) {
    case 'trade':
      return `/v3/bill/tradebill?bill_date=${asked.date}&bill_type=${asked.type}&tar_type=GZIP`
    case 'fund':
      return `/v3/bill/fundflowbill?bill_date=${asked.date}&account_type=${asked.account}&tar_type=GZIP`
    case 'sharing':
      return `/v3/profitsharing/bills?bill_date=${asked.date}&tar_type=GZIP`
  }
}

/** Only path and query are followed: nobody sends us, signed, to another host. */
function placeIn(body: unknown): BillPlace | undefined {
  const hashType = textIn(body, 'hash_type')
  const hash = textIn(body, 'hash_value')
  const url = textIn(body, 'download_url')
  if (!hashType || !hash || !url || !URL.canParse(url)) return undefined
  const { pathname, search } = new URL(url)
  return { hashType, hash, path: pathname + search }
}

function unzipped(file: Buffer): Buffer | undefined {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file
  try {
    return gunzipSync(file)
  } catch {
    return undefined
  }
}

/** Of the file as it is after unzipping; SM3 where the merchant number is one of SM. */
function hasDigest(plain: Buffer, { hashType, hash }: BillPlace): boolean {
  const name = new Map([
    ['SHA1', 'sha1'],
    ['SM3', 'sm3'],
  ]).get(hashType)
  if (name === undefined) return false
  return createHash(name).update(plain).digest('hex') === hash.toLowerCase()
}

/**
 * A header, a line for each row whose every value has a back-tick before it, then header and values of the summary.
 * Undefined: a row does not have as many values as its header.
 */
export function readBill(text: string): Bill | undefined {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line !== '')
  const [header = '', ...rest] = lines
  const end = rest.findIndex((line) => !line.startsWith('`'))
  if (end === -1) return undefined
  const names = namesIn(header)
  const rows: Record<string, string>[] = []
  for (const line of rest.slice(0, end)) {
    const row = rowOf(names, line)
    if (row === undefined) return undefined
    rows.push(row)
  }
  const summary = rowOf(namesIn(rest[end] ?? ''), rest[end + 1] ?? '')
  return summary && { rows, summary }
}

function namesIn(line: string): string[] {
  return line.split(',').map((name) => name.replace(/^`/, '').trim())
}

function rowOf(names: readonly string[], line: string): Record<string, string> | undefined {
  const values = line.replace(/^`/, '').split(',`')
  if (values.length !== names.length) return undefined
  return Object.fromEntries(names.map((name, at) => [name, (values[at] ?? '').trim()]))
}
