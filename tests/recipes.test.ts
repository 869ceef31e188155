import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { businessDateOf, formatYuan } from '@lika/contract'
import { type DayCloser, startDayCloser } from '../server/src/flows/close-day.ts'
import { tendOrders } from '../server/src/flows/purchase/runner.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'

/** See docs/recipes/README.md on how a page is written. */
const folder = join(import.meta.dirname, '../docs/recipes')
const pages = readdirSync(folder).filter((name) => name !== 'README.md')

type Request = {
  method: string
  path: string
  body: string
  names: [string, string][]
  isOfAnother: boolean
}
/** What happens in WeChat: a buyer pays the code that is named, or a refund arrives. */
type Elsewhere = { wechat: string; moved: string[][] }
type Step = { request: Request; moved: string[][] } | Elsewhere | { balance: string[][] }

let app: WechatTestApp
let closer: DayCloser

// A day whose payment days the published calendar has, and one lane: the pages show what moves, not over which lanes.
const today = '2026-11-02'
before(async () => {
  app = await startWechatApp({ laneCount: 1 })
  await app.database.owner.sql`
    update lika.lane
    set open_day = ${today}
    where pool = 'test'`
  const offset = Date.parse(`${today}T10:00:00+08:00`) - Date.now()
  await app.lanes.engine.setTestOffset(offset)
  await app.flows.tellTestClock(offset)
  closer = startDayCloser(app.flows, { log: console, lookEveryMs: 3_600_000 })
})
after(async () => {
  await closer.stop()
  await app.stop()
})

describe('the recipes', () => {
  test('are listed in their README, each with a title', () => {
    const listed = readFileSync(join(folder, 'README.md'), 'utf8')
    assert.ok(pages.length > 0)
    for (const page of pages) assert.ok(listed.includes(`(${page})`), page)
  })

  for (const page of pages) {
    const text = readFileSync(join(folder, page), 'utf8')
    test(`${/^# (.*)/.exec(text)?.[1] ?? page}: the ledger holds what the page says`, async () => {
      const { id, test: key } = await app.makeIssuer()
      const { secret: another } = await app.makeKey(id, 'test', { owner: 'another person' })
      const merchant = await app.call('POST', '/v1/merchants', {
        key,
        body: { name: 'Bistro', category: 'food' },
      })
      const known = new Map([
        ['product', await app.makeProduct(key)],
        ['merchant', merchant.body.id],
        ['today', businessDateOf(app.lanes.engine.now('test'))],
      ])
      await connect(key)
      let seen = 0
      const steps = stepsOf(text)
      assert.ok(steps.some((step) => 'balance' in step) && steps.some((step) => 'request' in step))
      for (const step of steps) {
        if ('balance' in step) {
          assert.deepEqual(await trialBalance(key), step.balance)
          continue
        }
        const what = await take(step, { key, another, known })
        const rows = await movedSoFar(key)
        assert.deepEqual(rows.slice(seen), step.moved, what)
        seen = rows.length
      }
      const { body: audited } = await app.call('POST', '/v1/ledger/verify', { key })
      assert.deepEqual([audited.ok, audited.first_wrong], [true, null])
    })
  }
})

/** A merchant number at the local WeChat for the issuer of the page. */
async function connect(key: string): Promise<void> {
  const merchant = await app.twin.control.merchant({ appids: ['wxofficial000000001'] })
  const { mchid, appids, api_v3_key, private_key_pem, serial: certificate_serial } = merchant
  const keys = { api_v3_key, private_key_pem, certificate_serial, key_mode: 'certificate' }
  const body = { mchid, appids, ...keys }
  const made = await app.call('POST', '/v1/wechat/pay_accounts', { key, body })
  assert.equal(made.status, 201, JSON.stringify(made.body))
}

type Page = { key: string; another: string; known: Map<string, string> }

/** One step of a page; answers what it was. */
async function take(
  step: Exclude<Step, { balance: string[][] }>,
  { key, another, known }: Page,
): Promise<string> {
  if ('wechat' in step) {
    await inWechat(step.wechat, known)
    return step.wechat
  }
  await send(step.request.isOfAnother ? another : key, step.request, known)
  return step.request.path
}

async function inWechat(what: string, known: Map<string, string>): Promise<void> {
  const { control } = app.twin
  const [verb, name = ''] = what.split(' ')
  if (verb === 'pay') {
    const buyer = await control.user()
    await control.do(buyer.id, 'pay', { code_url: known.get(name.slice(1, -1)) })
  } else {
    assert.equal(verb, 'refund')
    await app.advance(120)
    await tendOrders(app.flows, 'test', console)
  }
  await control.settle()
}

async function send(key: string, request: Request, known: Map<string, string>): Promise<void> {
  const fill = (text: string) =>
    text.replaceAll(/\{(\w+)\}/g, (_, name) => known.get(name) ?? assert.fail(`{${name}}`))
  const given = fill(request.body).trim()
  const { status, body } = await app.post(
    key,
    fill(request.path),
    given === '' ? undefined : JSON.parse(given),
  )
  if (request.path === '/v1/test/clock') await closer.runNow()
  assert.ok(status < 300, `${request.path}: ${JSON.stringify(body)}`)
  for (const [name, member] of request.names) known.set(name, body[member])
}

/** Every transfer of the book, as rows of a table. */
async function movedSoFar(key: string): Promise<string[][]> {
  const { body } = await app.get(key, '/v1/ledger/entries?limit=200')
  type Transfer = { debit_kind: string; credit_kind: string; amount: number }
  const entries: { transfers: Transfer[] }[] = body.data
  return entries
    .flatMap(({ transfers }) => transfers)
    .map((one) => [one.debit_kind, one.credit_kind, formatYuan(BigInt(one.amount))])
}

async function trialBalance(key: string): Promise<string[][]> {
  const { body } = await app.get(key, '/v1/ledger/trial_balance')
  const lines: { kind: string; debit: number; credit: number }[] = body.data
  const shown = (amount: number) => (amount === 0 ? '' : formatYuan(BigInt(amount)))
  return lines
    .filter(({ debit, credit }) => debit + credit > 0)
    .map(({ kind, debit, credit }) => [kind, shown(debit), shown(credit)])
}

/** Requests with the table behind each, and trial balances, in the order of the page. */
function stepsOf(text: string): Step[] {
  const steps: Step[] = []
  const blocks = text.matchAll(
    /^```http( as another person)?\n([\s\S]*?)^```|^```wechat\n(.*)\n```|^\|(.*)\|\n\|[-:| ]+\|\n((?:\|.*\n?)+)/gm,
  )
  for (const [, another, request, wechat, head, rows] of blocks) {
    if (wechat !== undefined) {
      steps.push({ wechat, moved: [] })
      continue
    }
    if (request !== undefined) {
      const isOfAnother = another !== undefined
      steps.push({ request: { ...requestOf(request), isOfAnother }, moved: [] })
      continue
    }
    const table = (rows ?? '').trim().split('\n').map(cellsOf)
    const columns = cellsOf(`|${head}|`).join()
    const last = steps.at(-1)
    if (columns === 'account,debit,credit') steps.push({ balance: table })
    else if (columns === 'debit,credit,yuan' && last !== undefined && 'moved' in last)
      last.moved.push(...table)
  }
  return steps
}

function requestOf(block: string): Omit<Request, 'isOfAnother'> {
  const [first = '', ...rest] = block.split('\n')
  const [method = '', path = ''] = first.split(' ')
  const names = rest.flatMap((line) => {
    const [, name, member] = /^→ (\w+) = (\w+)$/.exec(line) ?? []
    return name === undefined || member === undefined ? [] : [[name, member] as [string, string]]
  })
  const body = rest.filter((line) => !line.startsWith('→')).join('\n')
  return { method, path, body, names }
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}
