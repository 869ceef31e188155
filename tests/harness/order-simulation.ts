/**
 * Orders by the thousand at a server and a local WeChat, from one seed: who buys what in which way, who pays, turns to
 * another way, cancels, leaves, comes too late, sends back, spends; and what goes wrong on the way between the two. What
 * became of each order follows from its script alone, never from what went wrong: that is what the hash of the book shows.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type OrderShop, startOrderShop } from './orders.ts'
import { compareWithBills, reconcileAll, untilEvening } from './simulation-bills.ts'
import { type FaultAsked, refunds, SimulatedFaults } from './simulation-faults.ts'

export interface Simulated {
  /** Over every order, its cards and the accounts of the book, by the orders' references. */
  readonly hash: string
  /** How often each act, each fault and each end came about. */
  readonly counts: ReadonlyMap<string, number>
}

const common = ['change', 'cancel', 'leave', 'expire', 'early', 'late', 'spend'] as const
/** How a refund ends that somebody has to help with: a person at WeChat, or who asks for it once more. */
const rare = ['abnormal', 'closed'] as const
type Act = 'pay' | (typeof common)[number] | (typeof rare)[number]

interface Script {
  readonly reference: string
  readonly act: Act
  readonly scene: 'jsapi' | 'native' | 'h5'
  readonly amount: number
  readonly quantity: number
  /** Of a card that was there before: a top-up. */
  readonly card: number | undefined
}

/** Whatever JSON: it is looked at member by member. */
type Json = ReturnType<typeof JSON.parse>

interface Running extends Script {
  id: string
  invitation: Json
}

const together = 20
const cardsBefore = 12

export async function simulateOrders(seed: number, orders: number): Promise<Simulated> {
  const shop = await startOrderShop({ twin: { seed: String(seed) }, timeoutMs: 2_000 })
  try {
    return await new Simulation(shop, seed).run(orders)
  } finally {
    await shop.stop()
  }
}

class Simulation {
  readonly #shop: OrderShop
  readonly #random: () => number
  readonly #faults: SimulatedFaults
  readonly #counts = new Map<string, number>()
  readonly #all: Running[] = []
  #cards: string[] = []
  #merchant = ''

  constructor(shop: OrderShop, seed: number) {
    this.#shop = shop
    this.#random = randomFrom(seed)
    this.#faults = new SimulatedFaults(shop, this.#random, (what) => this.#count(what))
  }

  async run(orders: number): Promise<Simulated> {
    const shop = this.#shop
    const body = { name: 'Tea house', category: 'tea' }
    this.#merchant = (await shop.call('POST', '/v1/merchants', { key: shop.key, body })).body.id
    for (let made = 0; made < cardsBefore; made += 1)
      this.#cards.push((await shop.makeCard(shop.key, shop.product, 1_000)).id)
    await untilEvening(shop)
    for (let from = 0; from < orders; from += together)
      await this.#wave(from, Math.min(from + together, orders))
    await this.#end()
    await shop.check()
    await reconcileAll(shop, (what) => this.#count(what))
    await this.#compareWithWechat()
    return { hash: await this.#hash(), counts: this.#counts }
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }

  #upTo(count: number): number {
    return Math.floor(this.#random() * count)
  }

  #oneOf<T>(some: readonly T[]): T {
    return some[this.#upTo(some.length)] as T
  }

  #script(number: number): Script {
    // Half of all simply pay.
    const others = this.#random() < 0.05 ? rare : common
    const act: Act = this.#random() < 0.5 ? 'pay' : this.#oneOf<Act>(others)
    const isTopUp = !isSentBack(act) && this.#random() < 0.2
    return {
      reference: `order-${number}`,
      act,
      scene: this.#oneOf(['jsapi', 'native', 'h5']),
      amount: 100 * (1 + this.#upTo(50)),
      quantity: isTopUp || this.#random() < 0.8 ? 1 : 2 + this.#upTo(3),
      card: isTopUp ? this.#upTo(cardsBefore) : undefined,
    }
  }

  /** Some orders side by side, on a line of which something may be broken. */
  async #wave(from: number, until: number): Promise<void> {
    const all = Array.from({ length: until - from }, (_, at) => this.#script(from + at))
    for (const script of all.filter(isOverAtOnce)) this.#all.push(await this.#expire(script))
    const scripts = all.filter((script) => !isOverAtOnce(script))
    const faults = Array.from({ length: this.#upTo(4) }, () => this.#faults.ofOrders())
    for (const [match, effect] of faults) await this.#shop.twin.control.fault(match, effect)
    const orders = await Promise.all(scripts.map((script) => this.#begin(script)))
    this.#all.push(...orders)
    await this.#shop.twin.control.settle()
    await this.#shop.twin.control.clearFaults()
    await this.#untilDelivered(orders.filter(isPaid))
    for (const order of orders)
      if (isOf(rare, order.act))
        await this.#shop.twin.control
          .fault({ path: refunds }, `refund_${order.act}`)
          .then(() => this.#sendBack(order))
    await this.#shop.twin.control.clearFaults()
    const again = this.#upTo(3) === 0 ? this.#faults.ofRefunds() : undefined
    if (again !== undefined) await this.#shop.twin.control.fault(...again)
    await Promise.all(orders.filter(({ act }) => act === 'early').map((one) => this.#sendBack(one)))
    await this.#shop.twin.control.clearFaults()
    if (this.#upTo(3) === 0) await this.#arrive(this.#faults.ofNoticesOfRefunds())
  }

  /** Half a minute in which refunds arrive, on a line that is broken so. */
  async #arrive(fault: FaultAsked): Promise<void> {
    await this.#shop.twin.control.fault(...fault)
    await this.#shop.advance(35)
    await this.#shop.twin.control.settle()
    await this.#shop.twin.control.clearFaults()
  }

  async #begin(script: Script): Promise<Running> {
    const { reference, act, scene, amount, quantity, card } = script
    this.#count(`act ${act}`)
    const { id } = await this.#shop.ordered({
      reference,
      amount,
      channel: scene === 'h5' ? 'h5' : 'official_account',
      ...(card === undefined
        ? { quantity }
        : { kind: 'top_up', product_id: undefined, card_id: this.#cards[card] }),
    })
    const order = { ...script, id, invitation: undefined }
    if (act === 'leave' || act === 'expire') return order
    order.invitation = await this.#invited(order, scene)
    if (act === 'cancel') {
      await this.#shop.twin.control.do(this.#shop.buyer.id, 'cancel', wayOf(order.invitation))
      return order
    }
    if (act === 'change')
      order.invitation = await this.#invited(order, scene === 'native' ? 'jsapi' : 'native')
    await this.#shop.twin.control.do(this.#shop.buyer.id, 'pay', wayOf(order.invitation))
    return order
  }

  /** Its time at WeChat is over as soon as it is placed there: nobody can pay it. */
  async #expire(script: Script): Promise<Running> {
    const { control } = this.#shop.twin
    await control.fault({ path: '/v3/pay/transactions/{scene}', method: 'POST' }, 'expire_now')
    const order = await this.#begin(script)
    const invitation = await this.#invited(order, script.scene)
    await control.clearFaults()
    await assert.rejects(
      control.do(this.#shop.buyer.id, 'pay', wayOf(invitation)),
      /ORDER_CLOSED|INVITATION_EXPIRED/,
    )
    return { ...order, invitation }
  }

  /** As a page does: the same key while nobody answers, a new one when WeChat would not. */
  async #invited({ id, reference }: { id: string; reference: string }, scene: Script['scene']) {
    const { key } = this.#shop
    const body = { scene, ...(scene === 'h5' && { client_ip: '203.0.113.9' }) }
    const heard: string[] = []
    for (let asked = 0; ; asked += 1) {
      for (let tried = 0; tried < 8; tried += 1) {
        const once = `${reference}-${scene}-${asked}`
        const answer = await this.#shop.again(key, `/v1/orders/${id}/pay`, once, body)
        if (answer.status === 200) return answer.body
        heard.push(`${answer.status} ${answer.body.code}`)
        const isOurs = answer.status === 503 || answer.body.code === 'wechat.refused'
        assert.ok(isOurs, JSON.stringify(answer.body))
        if (answer.status !== 503) break
        // As long as a call may be under way, nobody says what became of it.
        await this.#shop.advance(10)
      }
      assert.ok(asked < 5, `nobody can pay ${reference}: ${heard.join(', ')}`)
    }
  }

  async #untilDelivered(orders: readonly Running[]): Promise<void> {
    let waiting = orders
    for (let visits = 0; waiting.length > 0; visits += 1) {
      const shown = await Promise.all(waiting.map(({ id }) => this.#shop.show(id)))
      waiting = waiting.filter((_, at) => ['created', 'paying'].includes(shown[at].status))
      if (waiting.length === 0) return
      assert.ok(visits < 12, `${waiting[0]?.reference} was paid and is not delivered`)
      await this.#shop.advance(30)
      await this.#shop.tend()
    }
  }

  async #sendBack({ id, reference }: Running): Promise<void> {
    const { status, body } = await this.#shop.refund(id)
    assert.equal(status, 200, `${reference}: ${JSON.stringify(body)}`)
  }

  /** The hours pass; who waited acts; what can no longer be paid is closed; what goes back arrives. */
  async #end(): Promise<void> {
    const shop = this.#shop
    await shop.advance(45 * 60)
    await shop.tend()
    await shop.advance(3 * 3_600)
    await shop.tend()
    for (const order of this.#all) {
      if (order.act === 'spend') await this.#spend(order)
      if (order.act === 'late') await this.#late(order)
    }
    const closed = this.#all.filter(({ act }) => act === 'closed')
    await shop.twin.control.fault(...this.#faults.ofRefunds())
    for (const order of closed) await this.#askAgain(order)
    await shop.twin.control.clearFaults()
    await this.#arrive(this.#faults.ofNoticesOfRefunds())
    for (let visits = 0; visits < 30; visits += 1) {
      await shop.advance(120)
      await shop.tend()
    }
  }

  async #spend(order: Running): Promise<void> {
    const shown = await this.#shop.show(order.id)
    const paid = await this.#shop.post(this.#shop.key, '/v1/payments', {
      amount: 50,
      currency: 'CNY',
      merchant_id: this.#merchant,
      reference: order.reference,
      sources: [{ card_id: shown.cards[0] ?? shown.card_id }],
    })
    this.#count(`spent ${paid.status}`)
    assert.equal(paid.status, 201, JSON.stringify(paid.body))
  }

  /** WeChat has closed what was to go back: it is asked for under another number. */
  async #askAgain(order: Running): Promise<void> {
    const [first] = (await this.#shop.show(order.id)).refunds
    assert.equal(first.status, 'closed', `${order.reference}: ${JSON.stringify(first)}`)
    this.#count('asked again')
    await this.#sendBack(order)
  }

  async #late({ id }: Running): Promise<void> {
    const { status, body } = await this.#shop.refund(id)
    assert.ok(status === 200 || status === 409 || status === 422, JSON.stringify(body))
    this.#count(`late ${body.code ?? 'refunded'}`)
  }

  /** Book = WeChat = bills = cards = orders, each to the fen. */
  async #compareWithWechat(): Promise<void> {
    const shop = this.#shop
    const atWechat: Json[] = await shop.twin.control.orders(shop.merchant.mchid)
    const kept = new Map<string, number>()
    for (const { out_trade_no: no, transaction_id, total, refunded } of atWechat)
      if (transaction_id !== undefined) kept.set(no, total - refunded)
    const orders: Json[] = []
    for (const { id, reference, act } of this.#all) {
      const order = await shop.show(id)
      orders.push(order)
      this.#count(`end ${order.status}`)
      const numbers: string[] = order.payments.map((one: Json) => one.out_trade_no)
      const paid = numbers.filter((no) => kept.has(no))
      const rest = numbers.reduce((sum, no) => sum + (kept.get(no) ?? 0), 0)
      const isSold = ['delivered', 'completed'].includes(order.status)
      const what = `${reference} (${act}, ${order.status})`
      assert.ok(paid.length <= 1, `${what} was paid more than once`)
      if (isSold) assert.equal(rest, order.total - order.refunded_amount, what)
      else if (act !== 'abnormal')
        assert.equal(rest, order.total * paid.length - order.refunded_amount, what)
      assert.ok(
        expected[act].includes(order.status),
        `${what} should be ${expected[act].join(' or ')}`,
      )
    }
    const sum = [...kept.values()].reduce((all, one) => all + one, 0)
    const kinds = [
      'wechat',
      'channel_fee',
      'card_principal',
      'order_suspense',
      'redemption_payable',
    ]
    const [wechat = 0, fees = 0, principal = 0, late = 0, owed = 0] = await shop.accounts(...kinds)
    // What WeChat could not give back lies with it, and we owe it still; its fees it has kept.
    assert.equal(wechat + fees + late + owed, sum, 'the account of WeChat and WeChat')
    assert.equal(-principal, await this.#onCards(), 'the accounts of cards and the cards')
    await compareWithBills(shop, orders)
  }

  async #onCards(): Promise<number> {
    let sum = 0
    let cursor: string | null = ''
    while (cursor !== null) {
      const at: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { body } = await this.#shop.get(this.#shop.key, `/v1/cards?limit=200${at}`)
      for (const card of body.data) sum += card.balance.principal
      cursor = body.next_cursor
    }
    return sum
  }

  async #hash(): Promise<string> {
    const lines: string[] = []
    for (const { id, reference } of this.#all) {
      const order = await this.#shop.show(id)
      const cards: Json[] = await Promise.all(
        order.cards.map(
          async (card: string) => (await this.#shop.get(this.#shop.key, `/v1/cards/${card}`)).body,
        ),
      )
      const worth = cards.map(
        ({ status, balance }) => `${status}:${balance.principal}:${balance.bonus}`,
      )
      lines.push(
        [
          reference,
          order.kind,
          order.status,
          order.total,
          order.refunded_amount,
          ...worth.sort(),
        ].join(' '),
      )
    }
    const { body } = await this.#shop.get(this.#shop.key, '/v1/ledger/trial_balance')
    for (const { kind, debit, credit } of body.data) lines.push(`${kind} ${debit - credit}`)
    return createHash('sha256').update(lines.join('\n')).digest('hex')
  }
}

const expected: Readonly<Record<Act, readonly string[]>> = {
  pay: ['completed'],
  change: ['completed'],
  cancel: ['closed'],
  leave: ['closed'],
  expire: ['closed'],
  early: ['refunded'],
  late: ['completed', 'refunded'],
  spend: ['completed'],
  abnormal: ['refunding'],
  closed: ['refunded'],
}

function isOf(some: readonly Act[], act: Act): boolean {
  return some.includes(act)
}

/** While its cards are sealed still. */
function isSentBack(act: Act): boolean {
  return act === 'early' || isOf(rare, act)
}

function isOverAtOnce({ act }: Script): boolean {
  return act === 'expire'
}

function isPaid({ act }: Script): boolean {
  return act !== 'cancel' && act !== 'leave'
}

function wayOf({ parameters, code_url, h5_url }: Json): Record<string, unknown> {
  if (code_url !== undefined) return { code_url }
  if (h5_url !== undefined) return { h5_url }
  return { prepay_id: String(parameters.package).replace('prepay_id=', '') }
}

function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let bits = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return ((bits ^ (bits >>> 15)) >>> 0) / 0x1_0000_0000
  }
}
