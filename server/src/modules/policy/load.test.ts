import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOfDay } from '@lika/contract'
import { explain } from './explain.ts'
import { loadPacks } from './load.ts'
import { type Pack, type Rule, ruleKinds } from './model.ts'

const delivered = join(import.meta.dirname, '../../../../policies')

/** Loads a copy of the delivered folder after `change` was made to one pack of it. */
async function loadEdited(name: string, change: (pack: Pack) => unknown) {
  const dir = await mkdtemp(join(tmpdir(), 'lika-policies-'))
  try {
    await cp(delivered, dir, { recursive: true })
    const file = join(dir, `${name}.json`)
    await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, 'utf8')))))
    return await loadPacks(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}

const withRule = (index: number, change: Partial<Record<keyof Rule, unknown>>) => (pack: Pack) => ({
  ...pack,
  rules: pack.rules.map((rule, at) => (at === index ? { ...rule, ...change } : rule)),
})

test('the delivered packs load', async () => {
  const names = ['cn-beijing', 'cn-national', 'cn-shanghai', 'multi-purpose', 'open']
  assert.deepEqual([...(await loadPacks(delivered)).keys()], names)
})

test('the schema knows exactly the rules of the catalogue, and the unit ends each name', async () => {
  const schema = JSON.parse(await readFile(join(delivered, 'schema.json'), 'utf8'))
  assert.deepEqual(schema.$defs.rule.properties.id.enum, Object.keys(ruleKinds))
  const named = ['fen', 'months', 'days', 'years', 'seconds']
  for (const [id, { unit }] of Object.entries(ruleKinds)) {
    if (named.includes(unit)) assert.ok(id.endsWith(`_${unit}`), id)
    assert.equal(/_may_/.test(id), unit === 'switch', id)
  }
})

const wrong: [string, string, (pack: Pack) => unknown, RegExp][] = [
  ['a float', 'open', withRule(0, { value: 1.5 }), /open\.json: \/rules\/0\/value .*integer/],
  ['a negative number', 'open', withRule(0, { value: -1 }), /open\.json: \/rules\/0\/value/],
  ['a text for a number', 'open', withRule(1, { value: '5' }), /open\.json: \/rules\/1\/value/],
  [
    'a number for a switch',
    'cn-national',
    withRule(2, { value: 0 }),
    /\/rules\/2\/value .*boolean/,
  ],
  ['an unknown rule', 'open', withRule(2, { id: 'x' }), /open\.json: \/rules\/2\/id/],
  ['a member that is not known', 'open', (pack) => ({ ...pack, rate: 1 }), /open\.json: \/rate/],
  [
    'a day that does not exist',
    'cn-national',
    withRule(3, { effectiveFrom: '2026-02-30' }),
    /cn-national\.json: \/rules\/3\/effectiveFrom/,
  ],
  [
    'an end before the beginning',
    'cn-national',
    withRule(3, { effectiveTo: '2012-11-01' }),
    /\/rules\/3\/effectiveTo is not after effectiveFrom/,
  ],
  [
    'an article for what nobody confirmed',
    'cn-national',
    withRule(0, { status: 'unconfirmed' }),
    /\/rules\/0\/source\/article/,
  ],
  [
    'a confirmed rule without an article',
    'cn-national',
    withRule(0, { source: { document: 'hearsay', article: null } }),
    /\/rules\/0\/source\/article/,
  ],
  [
    'one rule twice at a time',
    'cn-national',
    (pack) => ({
      ...pack,
      rules: [...pack.rules, { ...pack.rules[0], effectiveTo: '2030-01-01' }],
    }),
    /\/rules\/29 overlaps \/rules\/0: card_limit_registered_fen twice/,
  ],
  [
    'another name than the file',
    'cn-national',
    (pack) => ({ ...pack, name: 'cn' }),
    /\/name is not the name of the file/,
  ],
  [
    'a required rule that begins too late',
    'open',
    withRule(2, { effectiveFrom: '2020-01-01' }),
    /\/rules leave split_depth_max unset from 1970-01-01/,
  ],
  [
    'a required rule that ends',
    'open',
    withRule(2, { effectiveTo: '2030-01-01' }),
    /\/rules leave split_depth_max unset from 2030-01-01/,
  ],
  [
    'no default pack',
    'cn-national',
    (pack) => ({ ...pack, standing: 'by_name' }),
    /one pack must have standing default, not 0/,
  ],
]

for (const [what, name, change, message] of wrong) {
  test(`${what} stops the start and is named`, async () => {
    await assert.rejects(loadEdited(name, change), message)
  })
}

test('a folder without schema stops the start', async () => {
  await assert.rejects(loadPacks(import.meta.dirname), /schema\.json/)
})

/** What an issuer that names no pack is under. */
async function lawAndOwn() {
  const packs = await loadPacks(delivered)
  return ['cn-national', 'open'].flatMap((name) => packs.get(name) ?? [])
}

test('explain lists what binds at a date with its sources, in both languages', async () => {
  const packs = await lawAndOwn()
  const [cap, , expiry] = explain(packs, startOfDay('2026-11-24'))
  assert.equal(
    cap?.zh,
    '记名卡余额上限:5000.00 元(单用途商业预付卡管理办法(试行) 18;2012-11-01 起)',
  )
  assert.equal(
    cap.en,
    'highest balance of a registered card: 5000.00 yuan ' +
      '(单用途商业预付卡管理办法(试行) 18; since 2012-11-01; pack cn-national)',
  )
  assert.deepEqual(cap.outweighs, [{ pack: 'open', value: 5_000_000 }])
  assert.match(expiry?.zh ?? '', /^记名卡可设有效期:否/)
})

test('explain before the law was in force lists the product’s own limits only', async () => {
  const packs = await lawAndOwn()
  const names = explain(packs, startOfDay('2012-10-31')).map((rule) => rule.pack)
  assert.deepEqual([...new Set(names)], ['open'])
})
