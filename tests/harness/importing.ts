/** Card files that are imported over HTTP into a server process, and what became of them. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatInstant, parseId } from '@lika/contract'
import type { LegacyFile } from '../fixtures/legacy-cards.ts'
import type { Answered } from './http-app.ts'
import type { LikaProcess } from './lika-process.ts'

export interface Shop {
  key: string
  product: string
}

export type Fields = { encoding?: string; dry_run?: string; reference?: string; metadata?: string }

export interface Stored {
  number: string
  state: string
  principal: bigint
  bonus: bigint
  expires_at: number
}

export function importing(lika: LikaProcess) {
  async function open(terms: object = {}): Promise<Shop> {
    const key = await lika.makeIssuer()
    return { key, product: await lika.makeProduct(key, terms) }
  }

  function upload(
    { key, product }: Shop,
    bytes: Buffer | string,
    fields: Fields = {},
    idempotencyKey?: string,
  ) {
    const form = new FormData()
    const all = { product_id: product, encoding: 'utf-8', dry_run: 'false', ...fields }
    for (const [name, value] of Object.entries(all)) form.set(name, value)
    form.set('file', new Blob([new Uint8Array(Buffer.from(bytes))]), 'cards.csv')
    return lika.call('POST', '/v1/imports', {
      key,
      form,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    })
  }

  async function imported(shop: Shop, bytes: Buffer | string, fields: Fields = {}) {
    const { status, body } = await upload(shop, bytes, fields)
    assert.equal(status, 202)
    const job = await lika.ended(shop.key, body.id)
    return { job, ...(await shown(shop, job)) }
  }

  /** The import and all of its errors, once its end is known. */
  async function shown({ key }: Shop, job: Answered['body']) {
    const path = `/v1/imports/${job.result.import_id}`
    let { body } = await lika.call('GET', path, { key })
    for (; body.status === 'running'; body = (await lika.call('GET', path, { key })).body)
      await sleep(20)
    const errors: Answered['body'][] = []
    let cursor = ''
    do {
      const page = await lika.call('GET', `${path}/errors?limit=200${cursor}`, { key })
      errors.push(...page.body.data)
      cursor = page.body.next_cursor === null ? '' : `&cursor=${page.body.next_cursor}`
    } while (cursor !== '')
    return { shown: body, errors }
  }

  /** A digest of every row of the database, by table, but for what tells of commands and of the import itself. */
  async function world(): Promise<Record<string, string>> {
    const { sql } = lika.database.owner
    const mayChange =
      /^(claim|lane|journal.*|consumer|job|job_file|import|import_error|import_file|webhook.*)$/
    const tables = await sql<{ name: string }[]>`
      select tablename as name
      from pg_tables
      where schemaname = 'lika'
      order by tablename`
    const digests: Record<string, string> = {}
    for (const { name } of tables.filter((table) => !mayChange.test(table.name))) {
      const [row] = await sql.unsafe<{ digest: string }[]>(
        `select md5(coalesce(string_agg(row::text, ',' order by row::text), '')) as digest from lika.${name} row`,
      )
      digests[name] = row?.digest ?? ''
    }
    return digests
  }

  /** The cards of an issuer with their balances, by number. */
  async function cardsOf({ key }: Shop): Promise<Map<string, Stored>> {
    const product = (await lika.call('GET', '/v1/products', { key })).body.data[0].id
    const { sql } = lika.database.owner
    const rows = await sql<Stored[]>`
      select
        number, state, expires_at, coalesce(p.balance, 0) as principal, coalesce(b.balance, 0) as bonus
      from lika.card
      left join lika.account as p
        on p.lane = card.lane
        and p.id = overlay(card.id::text placing lpad(to_hex(1024 + card.lane), 4, '0') from 33)::uuid
      left join lika.account as b
        on b.lane = card.lane
        and b.id = overlay(card.id::text placing lpad(to_hex(2048 + card.lane), 4, '0') from 33)::uuid
      where product_id = ${parseId('product', product) ?? ''}`
    return new Map(rows.map((row) => [row.number, row]))
  }

  /** Kills the server when the job has come some way, and starts it again. */
  async function killAt({ key }: Shop, job: string, done: number): Promise<void> {
    for (;;) {
      const { body } = await lika.call('GET', `/v1/jobs/${job}`, { key })
      if (body.done >= done || body.finished_at !== null) break
      await sleep(10)
    }
    await lika.kill()
    await lika.start()
  }

  return { open, upload, imported, shown, world, cardsOf, killAt }
}

export function assertCards(found: Map<string, Stored>, file: LegacyFile): void {
  assert.equal(found.size, file.cards.length)
  for (const card of file.cards) {
    const row = found.get(card.number)
    assert.ok(row, `line ${card.line}`)
    assert.deepEqual(
      [row.principal, row.bonus, row.state],
      [card.amount, card.bonusAmount, 'active'],
      `line ${card.line}`,
    )
    if (card.expiresAt !== null)
      assert.equal(
        formatInstant(Number(new Date(row.expires_at))),
        card.expiresAt,
        `line ${card.line}`,
      )
  }
}

export const inShort = ({
  line,
  column,
  code,
}: {
  line: number
  column: string | null
  code: string
}) => `${line} ${column} ${code}`
