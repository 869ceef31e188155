/**
 * Runs the fuzzer: requests in flight side by side, and every so often some of them alone, between two looks at the
 * books, so that a refusal that moved value is seen at once.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Sql } from '../../server/src/platform/db.ts'
import { newId } from '../../server/src/platform/ids.ts'
import { cardFile, formOf } from './card-file.ts'
import type { Client, ClientAnswer, Sent } from './client.ts'
import { type FuzzBook, filled, fuzzBook, harvest } from './fuzz-pools.ts'
import { type Draft, draftsFor } from './fuzz-requests.ts'
import { makePlace, makeThings, type World } from './world.ts'

export type FuzzOptions = {
  requests: number
  seed: number
  inFlight?: number
  /** Requests between two looks at the books, and how many are then sent alone. */
  stretch?: number
  alone?: number
  say: (line: string) => void
}

export type FuzzReport = {
  sent: number
  succeeded: number
  alone: number
  aloneRefused: number
  /** Answers by operation and status; what no route takes is under `none`. */
  counts: Map<string, Map<number, number>>
  /** Each with the request as it was sent. */
  failures: string[]
}

const mostFailures = 10

export async function fuzz(world: World, options: FuzzOptions): Promise<FuzzReport> {
  const { requests, seed, inFlight = 16, stretch = 2_000, alone = 30, say } = options
  const { client, database } = world
  const { books, ofWiping } = await openBooks(world)
  const drafts = draftsFor(client.check.operations)
  const report: FuzzReport = {
    sent: 0,
    succeeded: 0,
    alone: 0,
    aloneRefused: 0,
    counts: new Map(),
    failures: [],
  }
  const usedKeys: string[] = []
  const failed = new Set<string>()
  say(`seed ${seed}`)

  const isEnough = () => report.sent >= requests || report.failures.length >= mostFailures
  for (let round = 0; !isEnough(); round += 1) {
    const some = fc.sample(drafts, { seed: seed + round, numRuns: stretch })
    await Promise.all(Array.from({ length: inFlight }, () => work(some)))
    await quiet(database.owner.sql)
    const fewer = fc.sample(drafts, { seed: seed - 1 - round, numRuns: alone * 20 })
    await sendAlone(fewer.filter(mayMoveValue).slice(0, alone))
  }
  return report

  async function work(some: Draft[]): Promise<void> {
    for (let draft = some.pop(); draft !== undefined && !isEnough(); draft = some.pop())
      await sendOne(draft)
  }

  async function sendAlone(some: readonly Draft[]): Promise<void> {
    const { sql } = database.owner
    let before = await stateOf(sql)
    for (const draft of some) {
      if (isEnough()) return
      const { sent, answer } = await sendOne(draft)
      if (answer?.status === 202) await quiet(sql)
      const after = await stateOf(sql)
      report.alone += 1
      const isRefused = answer !== undefined && answer.status >= 400
      if (isRefused) report.aloneRefused += 1
      if (isRefused && before !== after)
        fail(sent, answer, [
          `a refusal moved value: ${before} → ${after}`,
          ...(await lastEntries(sql)),
        ])
      before = after
    }
  }

  async function sendOne(draft: Draft): Promise<{ sent: Sent; answer: ClientAnswer | undefined }> {
    const own = ownerOf(draft)
    const other = books[(draft.who + 1) % books.length] ?? own
    const sent = await resolve(draft, own, other)
    report.sent += 1
    try {
      const answer = await client.send(sent)
      count(answer, sent)
      if (answer.complaints.length > 0) fail(sent, answer, answer.complaints)
      else if (answer.status < 300) {
        report.succeeded += 1
        // The key of another book or the operator's sees what is not ours.
        if (draft.key === 'own' || draft.key === 'few')
          harvest(own, answer.body, JSON.stringify(answer.body))
      }
      return { sent, answer }
    } catch (error) {
      // The server may answer before it has read all of a large body, and hang up.
      if (Buffer.byteLength(sent.body ?? '') < 262_144) fail(sent, undefined, [String(error)])
      return { sent, answer: undefined }
    }
  }

  function count({ operation, status }: ClientAnswer, { method }: Sent): void {
    const name = method === 'HEAD' ? 'none' : (operation?.id ?? 'none')
    const statuses = report.counts.get(name) ?? new Map<number, number>()
    report.counts.set(name, statuses)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }

  /** Once for each thing that goes wrong with an operation. */
  function fail(sent: Sent, answer: ClientAnswer | undefined, complaints: readonly string[]): void {
    const kind = `${answer?.operation?.id} ${answer?.status} ${complaints[0]?.slice(0, 25)}`
    if (failed.has(kind)) return
    failed.add(kind)
    const said = JSON.stringify(answer?.body ?? null).slice(0, 600)
    const request = JSON.stringify({ ...sent, body: sent.body?.toString().slice(0, 4_000) })
    report.failures.push(
      `${complaints.join('; ')}\n  request ${request}\n  answer ${answer?.status} ${said}`,
    )
  }

  /** What is thrown away is another issuer's, or soon there would be nothing to try anything with. */
  function ownerOf(draft: Draft): FuzzBook {
    const removes = draft.method === 'DELETE' && draft.path.startsWith('/v1/webhook_endpoints')
    const isWiping = removes || draft.path.startsWith('/v1/test/data')
    const book = isWiping ? ofWiping : books[draft.who % books.length]
    assert.ok(book)
    return book
  }

  async function resolve(draft: Draft, own: FuzzBook, other: FuzzBook): Promise<Sent> {
    const fill = (text: string) => filled(text, own, other)
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(draft.query))
      search.append(name, fill(textOf(value)))
    const { body, type } = await bodyOf(draft, fill)
    const key = keyFor(draft, own, other, world.operator)
    const idempotency = idempotencyFor(draft, usedKeys)
    return {
      method: draft.method,
      path: fill(draft.path) + (search.size === 0 ? '' : `?${search.toString()}`),
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(type !== undefined && { 'content-type': type }),
        ...(idempotency !== undefined && { 'idempotency-key': idempotency }),
        ...draft.headers,
      },
      ...(body !== undefined && { body }),
    }
  }
}

async function openBooks(world: World): Promise<{ books: FuzzBook[]; ofWiping: FuzzBook }> {
  const wanted = [
    { issuer: 0, mode: 'test' },
    { issuer: 0, mode: 'live' },
    { issuer: 1, mode: 'test' },
    { issuer: 2, mode: 'test' },
  ] as const
  const issuers = await Promise.all([0, 1, 2].map(() => world.makeIssuer()))
  const books: FuzzBook[] = []
  for (const { issuer, mode } of wanted) {
    const book = await world.openBook(issuers[issuer] ?? '', mode)
    const few = { name: 'few', owner: 'tests', mode, scopes: ['cards:read'] }
    const { secret: fewKey } = await book.ask('POST', '/v1/keys', few)
    const place = await makePlace(book)
    const things = await makeThings(book, place)
    const made = fuzzBook(book, fewKey, place, things)
    harvest(made, { number: things.number, secret: things.secret }, JSON.stringify(things))
    harvest(made, { code: things.payCode }, '')
    books.push(made)
  }
  const ofWiping = books.pop()
  assert.ok(ofWiping)
  return { books, ofWiping }
}

function keyFor(
  { key }: Draft,
  own: FuzzBook,
  other: FuzzBook,
  operator: string,
): string | undefined {
  switch (key) {
    case 'own':
      return own.book.key
    case 'foreign':
      return other.book.key
    case 'few':
      return own.fewKey
    case 'operator':
      return operator
    case 'odd':
      return `lika_test_${newId().replaceAll('-', '')}`
    case 'none':
      return undefined
  }
}

function idempotencyFor({ idempotency }: Draft, used: string[]): string | undefined {
  if (idempotency === 'none') return undefined
  if (idempotency === 'odd') return 'k'.repeat(256)
  const again = idempotency === 'again' ? used.at(-7) : undefined
  const key = again ?? newId()
  used.push(key)
  if (used.length > 50) used.shift()
  return key
}

async function bodyOf(
  draft: Draft,
  fill: (text: string) => string,
): Promise<{ body?: string | Buffer; type?: string }> {
  if (draft.raw !== undefined) return { body: fill(draft.raw), type: 'application/json' }
  if (draft.fields !== undefined) {
    const fields = Object.entries(draft.fields).map(([name, value]) => [name, fill(value)])
    const form = new Response(formOf(Object.fromEntries(fields), cardFile()))
    return {
      body: Buffer.from(await form.arrayBuffer()),
      type: form.headers.get('content-type') ?? '',
    }
  }
  if (draft.body === undefined) return {}
  return { body: fill(JSON.stringify(draft.body) ?? 'null'), type: 'application/json' }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.toWellFormed() : (JSON.stringify(value) ?? '')
}

const mayMoveValue = ({ method, path }: Draft) =>
  method === 'POST' && /^\/v1\/(cards|payments|holds|bulk|imports)/.test(path)

/** Balances, and how much there is of what goes with them. Holds are left out: they expire by themselves. */
async function stateOf(sql: Sql): Promise<string> {
  const [row] = await sql<{ state: string }[]>`
    select concat_ws(' ',
      (select md5(string_agg(concat_ws(':', lane, id, balance), ',' order by lane, id)) from lika.account),
      (select count(*) from lika.transfer),
      (select count(*) from lika.card),
      (select count(*) from lika.funding)) as state`
  return row?.state ?? ''
}

/** What the journal says of the last things that happened. */
async function lastEntries(sql: Sql): Promise<string[]> {
  const rows = await sql<{ entry: string }[]>`
    select concat_ws(' ', lane, seq, kind, refused, at, now(), left(body::text, 200)) as entry
    from lika.journal
    order by at desc, lane, seq desc
    limit 8`
  return rows.map(({ entry }) => entry)
}

/** Until no job is left to do anything by itself. */
async function quiet(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<{ open: number }[]>`
      select count(*)::int as open from lika.job where not announced`
    if (row?.open === 0) return
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
  }
}

/** Every operation with the statuses that it documents, and how often each was seen. */
export function tableOf(client: Client, { counts }: FuzzReport): string[] {
  const rows = client.check.operations.map(({ id, responses }) => {
    const seen = Object.keys(responses).map(
      (status) => `${status}×${counts.get(id)?.get(Number(status)) ?? 0}`,
    )
    return `${id.padEnd(36)} ${seen.join(' ')}`
  })
  const others = [...(counts.get('none') ?? [])].map(([status, times]) => `${status}×${times}`)
  return [...rows, `${'no such route, or HEAD'.padEnd(36)} ${others.join(' ')}`]
}
