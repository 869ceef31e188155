/**
 * Compares the ledger with its model: many writers send random commands at once; at each quiet point the journal says in
 * which order they ran, the model runs them in that order, and every outcome and every account must be the same.
 */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import {
  type CommandId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
  refusal,
} from '@lika/contract'
import fc from 'fast-check'
import { Auditor, LedgerReads } from '../../server/src/modules/ledger/index.ts'
import { newId } from '../../server/src/platform/ids.ts'
import type { Command, Executed } from '../../server/src/platform/lanes/index.ts'
import {
  charge,
  endHold,
  hold,
  type Issuer,
  type LedgerBook,
  ledgerBook,
  load,
  move,
  newIssuer,
  refund,
} from './ledger-book.ts'
import { type Asked, type Kind, kinds, LedgerModel } from './ledger-model.ts'

const twists = ['none', 'repeat', 'reuse', 'late', 'in time', 'cancel'] as const

interface Step {
  readonly kind: Kind
  readonly twist: (typeof twists)[number]
  readonly a: number
  readonly b: number
  readonly amount: Fen
  readonly bonus: Fen
  readonly expiresInMs: number
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Kind>('charge') },
    { weight: 8, arbitrary: fc.constantFrom(...kinds) },
  ),
  twist: fc.oneof(
    { weight: 10, arbitrary: fc.constant<Step['twist']>('none') },
    { weight: 2, arbitrary: fc.constantFrom(...twists) },
  ),
  a: fc.nat(),
  b: fc.nat(),
  amount: fc.bigInt({ min: 1n, max: 4_000n }),
  bonus: fc.bigInt({ min: 0n, max: 300n }),
  expiresInMs: fc.integer({ min: 1, max: 3_600_000 }),
})

export interface ModelRun {
  readonly commands: number
  readonly writers: number
  readonly seed: number
  /** Commands of one writer between two quiet points. */
  readonly each: number
}

/** A command that got an id, and everything that was answered for it. */
interface Sent {
  readonly asked: Asked
  readonly answers: Executed[]
  /** Of the tombstone that raced with it. */
  cancelled: Executed | undefined
}

interface EntryRow {
  readonly lane: Lane
  readonly seq: bigint
  readonly commandId: CommandId
  readonly kind: string
  readonly refused: boolean
  readonly at: Instant
  readonly code: string | null
}

const refusals = [
  'funds.insufficient',
  'hold.exceeded',
  'hold.expired',
  'hold.released',
  'hold.captured',
  'hold.not_found',
  'command.too_late',
  'payment.cancelled',
  'idempotency.key_reused',
]
const others = [
  'two lanes',
  'replayed',
  'tombstone too late',
  'clock moved',
  'hold expired under way',
]

/** How often each kind of command and of answer occurred. @throws AssertionError where ledger and model part. */
export async function compareWithModel(run: ModelRun): Promise<ReadonlyMap<string, number>> {
  const ledger = await ledgerBook(3)
  try {
    const comparison = new Comparison(ledger)
    const perRound = run.writers * run.each
    const property = fc.asyncProperty(
      fc.array(step, { minLength: perRound, maxLength: perRound }),
      (steps) => comparison.round(steps, run.writers),
    )
    const numRuns = Math.ceil(run.commands / perRound)
    await fc.assert(property, { numRuns, seed: run.seed, endOnFailure: true })
    await comparison.finish()
    return comparison.counts
  } finally {
    await ledger.close()
  }
}

class Comparison {
  readonly counts = new Map<string, number>(
    [...kinds, ...refusals, ...others].map((name) => [name, 0]),
  )
  readonly #ledger: LedgerBook
  readonly #issuer: Issuer = newIssuer('test')
  readonly #model = new LedgerModel(this.#issuer)
  readonly #cards: string[] = []
  readonly #merchants = [newId(), newId(), newId()]
  /** Those made in the rounds before, and made in this one. */
  readonly #holds: { id: string; card: string }[] = []
  readonly #sent = new Map<CommandId, Sent>()
  readonly #seqs = new Map<Lane, bigint>()
  #offsetMs = 0

  constructor(ledger: LedgerBook) {
    this.#ledger = ledger
    const lanes = ledger.engine.lanesOf('test')
    for (let card = 0; card < 300; card += 1) this.#cards.push(newId(lanes[card % lanes.length]))
  }

  /** The steps dealt out to the writers, then the quiet point. */
  async round(steps: readonly Step[], writers: number): Promise<void> {
    const hands = Array.from({ length: writers }, (_, writer) =>
      steps.filter((_, at) => at % writers === writer),
    )
    this.#sent.clear()
    await Promise.all([...hands.map((hand) => this.#write(hand)), this.#moveClock()])
    await this.#compare()
  }

  async finish(): Promise<void> {
    const { app } = this.#ledger.database
    const report = await new Auditor({ database: app }).verify({ book: undefined })
    assert.equal(report.firstWrong, null)
  }

  /** A writer has two commands under way at a time. */
  async #write(hand: readonly Step[]): Promise<void> {
    for (let at = 0; at < hand.length; at += 2)
      await Promise.all(hand.slice(at, at + 2).map((one) => this.#send(one)))
  }

  /** Somewhere in the middle of the round, so that holds expire under the hands of the writers. */
  async #moveClock(): Promise<void> {
    this.#offsetMs += 600_000
    await this.#ledger.engine.setTestOffset(this.#offsetMs)
    this.#count('clock moved')
  }

  async #send(one: Step): Promise<void> {
    const asked = this.#askedOf(one)
    const { engine } = this.#ledger
    this.#count(one.kind)
    if (one.kind === 'move' && laneOfId(asked.card) !== laneOfId(asked.other))
      this.#count('two lanes')
    const key = newId()
    const command = () => this.#watched(this.#commandOf(asked, one, key), asked, one)
    const answer = await engine.execute(command())
    if (one.kind === 'hold' && answer.status === 'done')
      this.#holds.push({ id: answer.commandId, card: asked.card })
    if (answer.status === 'refused' && answer.refusal.code === 'hold.not_found')
      this.#count('hold.not_found')
    if (one.twist === 'repeat') await this.#repeat(command(), answer)
    if (one.twist === 'reuse' && !isGone(answer)) {
      const other = { ...command(), input: { another: 'input' } }
      const reused = await engine.execute(other)
      assert.equal(reused.status === 'refused' && reused.refusal.code, 'idempotency.key_reused')
      this.#count('idempotency.key_reused')
    }
  }

  async #repeat(command: Command, first: Executed): Promise<void> {
    const [again, third] = await Promise.all([
      this.#ledger.engine.execute(command),
      this.#ledger.engine.execute(command),
    ])
    if (isGone(first)) return
    for (const answer of [again, third]) {
      assert.equal(answer.replayed, true)
      assert.deepEqual({ ...answer, replayed: first.replayed }, JSON.parse(JSON.stringify(first)))
      this.#count('replayed')
    }
  }

  #askedOf(one: Step): Asked {
    const pick = <T>(from: readonly T[], at: number): T => from[at % from.length] as T
    // A tenth of the holds asked for do not exist.
    const known = one.b % 10 === 0 ? undefined : this.#holds.at(-1 - (one.a % 400))
    const isOfHold = ['capture', 'capture part', 'release'].includes(one.kind)
    const card = isOfHold && known !== undefined ? known.card : pick(this.#cards, one.a)
    const others = this.#cards.filter((other) => other !== card)
    return {
      kind: one.kind,
      card,
      other: pick(others, one.b),
      merchant: pick(this.#merchants, one.b),
      amount: one.kind === 'capture part' ? (one.amount % 900n) + 1n : one.amount,
      bonus: one.bonus,
      expiresInMs: one.expiresInMs,
      holdId: known?.id ?? newId(laneOfId(card)),
      isLate: one.twist === 'late',
    }
  }

  #commandOf(asked: Asked, { twist }: Step, key: string): Command {
    const { card, amount, merchant, holdId } = asked
    const notAfter = twist === 'late' ? 1 : twist === 'in time' ? 4_000_000_000_000 : undefined
    const given = { key, notAfter }
    const issuer = this.#issuer
    switch (asked.kind) {
      case 'load':
        return load(issuer, card, amount, asked.bonus, given)
      case 'charge':
        return charge(issuer, card, merchant, amount, given)
      case 'move':
        return move(issuer, card, asked.other, amount, given)
      case 'hold':
        return hold(issuer, card, amount, (now) => now + asked.expiresInMs, given)
      case 'capture':
        return endHold(issuer, holdId, card, merchant, undefined, given)
      case 'capture part':
        return endHold(issuer, holdId, card, merchant, amount, given)
      case 'release':
        return endHold(issuer, holdId, card, undefined, undefined, given)
      case 'refund':
        return refund(issuer, card, merchant, amount, given)
      default:
        return assert.fail(asked.kind satisfies never)
    }
  }

  /** Notes which id it got, and cancels it by that id where it should be. */
  #watched(command: Command, asked: Asked, { twist, a }: Step): Command {
    return {
      ...command,
      plan: async (id, name) => {
        const known = this.#sent.get(id)
        const sent: Sent = known ?? { asked, answers: [], cancelled: undefined }
        this.#sent.set(id, sent)
        if (twist === 'cancel' && known === undefined) {
          const racing = this.#cancel(id, sent)
          if (a % 2 === 0) await racing
          else await setImmediate()
        }
        return command.plan(id, name)
      },
    }
  }

  async #cancel(id: CommandId, sent: Sent): Promise<void> {
    const why = refusal('payment.cancelled', 'cancelled')
    sent.cancelled = await this.#ledger.engine.tombstone(id, this.#issuer.book, why)
  }

  /** A command over two lanes runs when it comes next in both. */
  async #compare(): Promise<void> {
    const queues = (await this.#entries()).map((entries) => entries.toReversed())
    const lanesOf = Map.groupBy(queues.flat(), (entry) => entry.commandId)
    let left = lanesOf.size
    while (left > 0) {
      const heads = Map.groupBy(
        queues.flatMap((queue) => queue.slice(-1)),
        (entry) => entry.commandId,
      )
      const next = [...heads].find(([id, some]) => some.length === lanesOf.get(id)?.length)
      const [id, [entry]] = next ?? assert.fail('commands over two lanes stand in one order')
      if (entry !== undefined) this.#replay(entry)
      for (const queue of queues) if (queue.at(-1)?.commandId === id) queue.pop()
      left -= 1
    }
    await this.#compareAccounts()
  }

  #replay(entry: EntryRow): void {
    const sent = this.#sent.get(entry.commandId) ?? assert.fail('an entry of an unknown command')
    if (entry.kind === 'command.cancelled') {
      assert.equal(entry.code, 'payment.cancelled')
      this.#count('payment.cancelled')
      return
    }
    if (sent.cancelled !== undefined) {
      assert.equal(sent.cancelled.status, entry.refused ? 'refused' : 'done')
      this.#count('tombstone too late')
    }
    const released = this.#model.expiredReleases
    const code = this.#model.run(entry.commandId, sent.asked, entry.at)
    if (this.#model.expiredReleases > released) this.#count('hold expired under way')
    assert.equal(entry.code ?? undefined, code, JSON.stringify(entry, bigintAsText))
    if (code !== undefined) this.#count(code)
  }

  /** What was written since the last quiet point, a queue for each lane. */
  #entries(): Promise<EntryRow[][]> {
    return Promise.all(
      this.#ledger.engine.lanesOf('test').map(async (lane) => {
        const rows = await this.#ledger.database.app.sql<EntryRow[]>`
          select
            lane, seq, command_id as "commandId", kind, refused, at,
            case when refused then body ->> 'code' end as code
          from journal
          where lane = ${lane}
            and seq > ${this.#seqs.get(lane) ?? 0n}
          order by seq`
        const last = rows.at(-1)
        if (last !== undefined) this.#seqs.set(lane, last.seq)
        return [...rows]
      }),
    )
  }

  async #compareAccounts(): Promise<void> {
    const { sql } = this.#ledger.database.app
    const rows = await sql<{ id: string; balance: Fen; held: Fen }[]>`
      select id, balance, held from account`
    const stored = new Map(rows.map((row) => [row.id, row]))
    const summed = await this.#summed()
    for (const [id, balance] of this.#model.balances) {
      const row = stored.get(id)
      assert.equal(row?.balance ?? summed.get(id) ?? 0n, balance, id)
      assert.equal(row?.held ?? 0n, this.#model.held(id), id)
      stored.delete(id)
    }
    assert.deepEqual([...stored.keys()], [], 'accounts that the model does not know')
    await this.#compareTrialBalance()
  }

  async #summed(): Promise<Map<string, Fen>> {
    const { sql } = this.#ledger.database.app
    const rows = await sql<{ id: string; balance: Fen }[]>`
      select id, (sign * sum(amount))::bigint as balance
      from (
        select debit_account as id, case when right(debit_account::text, 4) like '0%' then -amount else amount end as amount, 1 as sign
        from transfer
        where debit_balance is null
        union all
        select credit_account, case when right(credit_account::text, 4) like '0%' then amount else -amount end, 1
        from transfer
        where credit_balance is null
      ) as side
      group by id, sign`
    return new Map(rows.map((row) => [row.id, row.balance]))
  }

  async #compareTrialBalance(): Promise<void> {
    const owners = {
      hasCard: async () => true,
      hasMerchant: async () => true,
      merchantsBefore: async () => [],
    }
    const reads = new LedgerReads(this.#ledger.database.app, this.#ledger.engine, owners)
    const { totalDebit, totalCredit, lines } = await reads.trialBalance(
      this.#issuer.book,
      undefined,
    )
    assert.equal(totalDebit, totalCredit)
    const transit = lines.find(({ kind }) => kind === 'transit')
    assert.deepEqual([transit?.debit, transit?.credit], [0n, 0n])
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}

/** Refused without a trace: its key is free. */
function isGone(answer: Executed): boolean {
  return answer.status === 'refused' && answer.refusal.code === 'hold.not_found'
}

const bigintAsText = (_: string, value: unknown) =>
  typeof value === 'bigint' ? String(value) : value
