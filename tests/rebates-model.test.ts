/**
 * Over load, bonus, rebate, cash-back, voucher, spend, refund, split and redemption a holder never takes out more than was
 * paid in plus bonus spent at merchants: in memory over many runs, and with the engine, whose books must say the same.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { dayMs, parseId, startOfDay } from '@lika/contract'
import fc from 'fast-check'
import type { Law } from '../server/src/flows/cards/law.ts'
import { mondayOf, type Rule } from '../server/src/modules/loyalty/index.ts'
import {
  choosePacks,
  effectiveRules,
  loadPacks,
  loadTables,
} from '../server/src/modules/policy/index.ts'
import { type Campaigns, startCampaigns } from './harness/campaigns.ts'
import { HolderModel, type ModelRules, type RedemptionWorld } from './harness/holder-model.ts'
import { type Answered, deliveredPolicies } from './harness/http-app.ts'
import type { TestCard } from './harness/tills.ts'

const ladder: Rule = { kind: 'ladder', on: 'load', step: 500n, rateBp: 1_000 }
const spend: Rule = { kind: 'ladder', on: 'payment', step: 300n, rateBp: 700 }
const voucher: Rule = { kind: 'voucher', threshold: 800n, face: 150n, minAmount: 0n, validDays: 90 }
const cashBack: Rule = { kind: 'cash_back', rateBp: 500, windowDays: 1 }
const random = { kind: 'random', min: 1n, max: 400n, minLoad: 200n } as const

const rules: ModelRules = {
  load: [ladder],
  payment: [spend, voucher],
  window: [cashBack],
  claim: random,
}

type Step = {
  readonly what: (typeof kinds)[number]
  readonly which: number
  readonly amount: number
}
const kinds = [
  'load',
  'pay',
  'pay',
  'pay with a voucher',
  'refund',
  'refund',
  'refund whole',
  'give a load back',
  'claim',
  'split',
  'redeem',
  'windows close',
] as const

const steps = (maxLength: number) =>
  fc.array(
    fc.record<Step>({
      what: fc.constantFrom(...kinds),
      which: fc.nat(30),
      amount: fc.integer({ min: 1, max: 2_000 }),
    }),
    // Long ones too: it takes a history to go wrong.
    { minLength: 4, maxLength, size: 'max' },
  )

function pick<T>(all: readonly T[], which: number): T | undefined {
  return all[which % all.length]
}

/** One step of the model; answers whether it was allowed. undefined: there was nothing to do it with. */
function apply(model: HolderModel, { what, which, amount }: Step): boolean | undefined {
  const fen = BigInt(amount)
  const card = pick(model.cards, which)
  const payment = pick(model.payments, which)
  const load = pick(model.loads, which)
  if (card === undefined) return undefined
  switch (what) {
    case 'load':
      return model.load(card, fen)
    case 'pay':
      return model.pay(card, fen)
    case 'pay with a voucher': {
      const one = pick(model.vouchers, which)
      return one && model.pay(one.card, fen, one)
    }
    case 'refund':
      return payment && model.refund(payment, fen)
    case 'refund whole': {
      const left = payment && payment.amount - payment.refunded
      return payment === undefined || left === undefined || left === 0n
        ? undefined
        : model.refund(payment, left)
    }
    case 'give a load back':
      return load && model.refundLoad(load, fen)
    case 'claim':
      return load && model.claim(load, (fen % random.max) + 1n)
    case 'split':
      return model.split(card, fen) !== undefined
    case 'redeem':
      return model.redeem(card)
    case 'windows close':
      model.closeWindows()
      return true
  }
}

function assertHonest({ total, cards, vouchers }: HolderModel): void {
  const { paidIn, paidOut, spent, given, takenBack, lost } = total
  const goods = spent.principal + spent.bonus + spent.voucher
  const gifts = spent.bonus + spent.voucher
  assert.ok(paidOut + goods <= paidIn + gifts, `${paidOut} + ${goods} > ${paidIn} + ${gifts}`)
  for (const { principal, bonus, owed } of cards)
    assert.ok(principal >= 0n && bonus >= 0n && owed >= 0n)
  const sum = (amounts: bigint[]) => amounts.reduce((left, right) => left + right, 0n)
  const held = {
    principal: sum(cards.map((card) => card.principal)),
    bonus: sum(cards.map((card) => card.bonus)),
    owed: sum(cards.map((card) => card.owed)),
    vouchers: sum(vouchers.map(({ left }) => left)),
  }
  // Every fen that was paid in or given is on a card, spent, paid out, taken back or kept by the law of redemptions.
  assert.equal(
    held.principal + held.bonus + held.vouchers + goods + paidOut + lost - held.owed,
    paidIn + given - takenBack,
  )
}

let world: RedemptionWorld
before(async () => {
  const chosen = choosePacks(await loadPacks(deliveredPolicies), ['open'])
  assert.ok(chosen.ok)
  const now = startOfDay('2026-12-01')
  const policy = effectiveRules(chosen.value, now)
  // Of the issuer nothing is asked.
  const law = { issuer: {}, at: () => policy } as unknown as Law
  world = { law, tables: await loadTables(join(deliveredPolicies, 'tables')), now }
})

test('in memory: a holder never takes out more than was paid in plus bonus spent at merchants', () => {
  fc.assert(
    fc.property(steps(60), (all) => {
      const model = new HolderModel(rules, world)
      model.newCard(1_000n)
      for (const step of all) {
        apply(model, step)
        assertHonest(model)
      }
    }),
    { numRuns: 3_000 },
  )
})

test('in memory: when everything is undone, nothing is left of what was given but what is owed for it', () => {
  fc.assert(
    fc.property(steps(40), (all) => {
      const model = new HolderModel(rules, world)
      model.newCard(1_000n)
      for (const step of all)
        if (step.what !== 'split' && step.what !== 'redeem') apply(model, step)
      model.closeWindows()
      for (const payment of model.payments)
        if (payment.refunded < payment.amount)
          model.refund(payment, payment.amount - payment.refunded)
      for (const load of model.loads) {
        const left = load.amount - load.refunded
        const [card] = model.cards
        assert.ok(card)
        const most = left < card.principal ? left : card.principal
        if (most > 0n) model.refundLoad(load, most)
      }
      const { paidIn, paidOut, spent } = model.total
      const [card] = model.cards
      assert.ok(card)
      assert.deepEqual(spent, { principal: 0n, bonus: 0n, voucher: 0n })
      // Nothing was spent in the end, so no gift made the holder richer.
      assert.ok(paidOut + card.principal <= paidIn)
    }),
    { numRuns: 2_000 },
  )
})

let shop: Campaigns | undefined
after(async () => {
  await shop?.check()
  await shop?.stop()
})

/** The model, and the engine that does the same. */
class Beside {
  readonly model: HolderModel
  readonly #shop: Campaigns
  readonly #claims: string
  readonly #cards: TestCard[] = []
  readonly #payments: string[] = []
  readonly #loads: string[] = []
  readonly #weeks: string[] = []
  readonly #vouchers: string[] = []

  constructor(running: Campaigns, model: HolderModel, claims: string) {
    this.#shop = running
    this.model = model
    this.#claims = claims
  }

  add(card: TestCard): void {
    this.#cards.push(card)
  }

  async step(step: Step): Promise<void> {
    const { model } = this
    const before = {
      cards: model.cards.length,
      payments: model.payments.length,
      loads: model.loads.length,
      vouchers: model.vouchers.length,
    }
    const answer = await this.#send(step)
    if (answer === undefined && step.what !== 'windows close') return
    const { status = 200, body } = answer ?? {}
    const week = pick(this.#weeks, step.which)
    if (step.what === 'claim' && week !== mondayOf(this.#shop.now())) {
      assert.equal(status, 409, JSON.stringify(body))
      return
    }
    const amount = step.what === 'claim' && status === 201 ? body.amount - 1 : step.amount
    const allowed = apply(model, { ...step, amount })
    const isDone = status < 300
    assert.equal(isDone, allowed, `${step.what}: ${JSON.stringify(body)}`)
    if (!isDone) return
    if (model.payments.length > before.payments) this.#payments.push(body.id)
    if (model.loads.length > before.loads) {
      this.#loads.push(body.id)
      this.#weeks.push(mondayOf(Date.parse(body.created_at)))
    }
    if (model.vouchers.length > before.vouchers)
      for (const one of body.rebates)
        if (one.voucher_id !== null) this.#vouchers.push(one.voucher_id)
    if (model.cards.length > before.cards) this.#cards.push(cardFrom(body.cards[0]))
    await this.#compare()
  }

  async #send({ what, which, amount }: Step): Promise<Answered | undefined> {
    const { model } = this
    const running = this.#shop
    const card = pick(this.#cards, which)
    const payment = pick(this.#payments, which)
    const load = pick(this.#loads, which)
    assert.ok(card)
    switch (what) {
      case 'load':
        return running.load(card, amount)
      case 'pay':
        return running.pay(card, amount)
      case 'pay with a voucher': {
        const id = pick(this.#vouchers, which)
        const owner = pick(model.vouchers, which)?.card
        const payer = owner && this.#cards[model.cards.indexOf(owner)]
        if (id === undefined || payer === undefined) return undefined
        return running.pay(payer, amount, { vouchers: [id] })
      }
      case 'refund':
        return payment === undefined ? undefined : running.refund(payment, amount)
      case 'refund whole': {
        const one = pick(model.payments, which)
        const left = one === undefined ? 0 : Number(one.amount - one.refunded)
        return payment !== undefined && left > 0 ? running.refund(payment, left) : undefined
      }
      case 'give a load back':
        return load === undefined ? undefined : running.refundLoad(load, amount)
      case 'claim':
        return load === undefined
          ? undefined
          : running.request('POST', `/v1/campaigns/${this.#claims}/claims`, { load_id: load })
      case 'split':
        return running.request('POST', `/v1/cards/${card.id}/split`, { amounts: [amount] })
      case 'redeem':
        return running.request('POST', `/v1/cards/${card.id}/redemptions`, {
          reason: 'operator',
          payout: { method: 'same_name_account', account_name: 'A', account_number: '1' },
          holder: { kind: 'person', name: 'A' },
        })
      case 'windows close':
        await running.goTo(running.now() + 3 * dayMs)
        await running.run()
        return undefined
    }
  }

  async #compare(): Promise<void> {
    for (const [index, { principal, bonus, owed }] of this.model.cards.entries()) {
      const card = this.#cards[index]
      assert.ok(card)
      const has = await this.#shop.balance(card)
      const debt = await this.#shop.request('GET', `/v1/cards/${card.id}/rebate_debt`)
      assert.deepEqual(
        [has.principal, has.bonus, debt.body.amount],
        [Number(principal), Number(bonus), Number(owed)],
      )
    }
  }
}

function cardFrom({ id }: { id: string }): TestCard {
  const uuid = parseId('card', id)
  assert.ok(uuid)
  return { id, uuid, number: '', secret: '', lane: Number.parseInt(uuid.slice(-4), 16) & 0x3ff }
}

test('with the engine: its books say what the model says, whatever the holder does', async () => {
  const running = await startCampaigns()
  shop = running
  await running.goTo(startOfDay(mondayOf(running.now())) + 9 * dayMs + dayMs / 2)
  const productId = await running.makeProduct({})
  const about = { products: [productId], budget: 100_000_000, ends_on: running.dayIn(3_000) }
  await running.campaign({ kind: 'ladder', step: 500, rate_bp: 1_000 }, about)
  await running.campaign({ kind: 'ladder', on: 'payment', step: 300, rate_bp: 700 }, about)
  await running.campaign({ kind: 'voucher', threshold: 800, face: 150, valid_days: 90 }, about)
  await running.campaign({ kind: 'cash_back', rate_bp: 500, window_days: 1 }, about)
  const claims = await running.campaign({ kind: 'random', min: 1, max: 400, min_load: 200 }, about)
  await fc.assert(
    fc.asyncProperty(steps(18), async (all) => {
      const model = new HolderModel(rules, { ...world, now: running.now() })
      const beside = new Beside(running, model, claims)
      const card = await running.card(1_000, { productId })
      model.newCard(1_000n)
      beside.add(card)
      for (const step of all) {
        await beside.step(step)
        assertHonest(model)
      }
    }),
    { numRuns: 20, endOnFailure: true },
  )
})
