/**
 * The money of a campaign as one command draws on it. Every lane has a share of the budget; a command that finds its
 * own share short is parked, and runs again with the home lane, then with all lanes under its lock. What it lacks comes
 * over transit accounts in the same command, so the shares always sum up to what is left of the budget.
 */
import {
  type AccountId,
  type Fen,
  issuerOfBook,
  type Lane,
  modeOfBook,
  type Uuid,
} from '@lika/contract'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import {
  type BudgetLineRow,
  findBudgetLines,
  lineKey,
  type Promised,
} from '../../modules/loyalty/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { Desks } from '../payments/desks.ts'
import { NotPrepared } from '../prepared.ts'

type Reach = 'own' | 'home' | 'all'

export type PurseContext = Pick<FlowContext, 'engine' | 'database' | 'loyalty' | 'newId'>

/** The id of the budget line of a period; undefined: none was opened, or it is closed. */
export async function openLineOf(
  { database, loyalty }: PurseContext,
  { campaignId, homeLane }: Promised,
  period: string,
): Promise<BudgetLineRow['id'] | undefined> {
  const key = lineKey(campaignId, period)
  const known = loyalty.lines.get(key)
  if (known !== undefined) return known
  const lines = await findBudgetLines(database.sql, homeLane, [campaignId])
  const line = lines.find((one) => one.period === period && one.status === 'open')
  if (line !== undefined) loyalty.lines.set(key, line.id)
  return line?.id
}

/** One budget line as a command in `lane` sees it. The same purse serves every attempt of the command. */
export class Purse {
  readonly promised: Promised
  readonly line: BudgetLineRow['id']
  /** For the voucher that it may give: a command has one of each campaign. */
  readonly voucherId: Uuid
  readonly #context: PurseContext
  readonly #lane: Lane
  #reach: Reach = 'own'

  constructor(context: PurseContext, promised: Promised, line: BudgetLineRow['id'], lane: Lane) {
    this.#context = context
    this.promised = promised
    this.line = line
    this.#lane = lane
    this.voucherId = context.newId(lane)
  }

  /** The lanes that the next attempt needs; its own is the first. */
  lanes(): Lane[] {
    const { homeLane } = this.promised
    switch (this.#reach) {
      case 'own':
        return [this.#lane]
      case 'home':
        return [...new Set([this.#lane, homeLane])]
      case 'all':
        return [...new Set([this.#lane, homeLane, ...this.#pool()])]
    }
  }

  reads(): Read[] {
    return this.lanes().map((lane) => read(accounts, lane, this.share(lane)))
  }

  /** The budget account in that lane. */
  share(lane: Lane): AccountId {
    return accountId(this.line, 'rebate_budget', lane)
  }

  /**
   * Brings so much into the share of the command's lane and answers what may be spent of it: `amount`, or where the
   * budget has less, with `rest` that rest, else nothing.
   * @throws NotPrepared where other lanes have to be locked to know.
   */
  draw(view: View, desks: Desks, amount: Fen, rest = false): Fen {
    const own = desks.in(this.#lane).available(this.share(this.#lane))
    if (own >= amount) return amount
    const lanes = this.lanes().filter((lane) => lane !== this.#lane)
    const missing = amount - own
    const others = lanes.map((lane) => ({ lane, has: desks.in(lane).available(this.share(lane)) }))
    const there = others.reduce((sum, { has }) => sum + has, 0n)
    if (there < missing && this.#reach !== 'all') return this.#widen(own, amount, rest)
    if (there < missing) this.#context.loyalty.left.set(this.#leftKey(), own + there)
    if (there < missing && !rest) return 0n
    let open = there < missing ? there : missing
    if (this.#reach === 'home') open = this.#portion(open, there)
    for (const { lane, has } of others) {
      const part = has < open ? has : open
      if (part > 0n) this.#move(view, desks, lane, part)
      open -= part
    }
    return there < missing ? own + there : amount
  }

  /** A lane that came back for more gets some for those that follow. */
  #portion(missing: Fen, there: Fen): Fen {
    const portion = there / BigInt(2 * this.#pool().length)
    return portion > missing ? portion : missing
  }

  /** Parks the command until more lanes are locked; not where it was just seen that they do not have it either. */
  #widen(own: Fen, amount: Fen, rest: boolean): Fen {
    const left = this.#context.loyalty.left.get(this.#leftKey())
    if (left !== undefined && left < amount && !rest) return 0n
    if (left === 0n && own === 0n) return 0n
    const isHome = this.#lane === this.promised.homeLane
    const wider: Reach = this.#reach === 'own' && !isHome ? 'home' : 'all'
    throw new NotPrepared('the share of a budget', async () => {
      this.#reach = wider
    })
  }

  /** What is left of a budget only becomes less, until a version raises it. */
  #leftKey(): string {
    return `${this.line} ${this.promised.version}`
  }

  #move(view: View, desks: Desks, from: Lane, amount: Fen): void {
    const transit = (lane: Lane) => accountId(issuerOfBook(view.bookId), 'transit', lane)
    const to = this.#lane
    desks.in(from).transfer({ debit: this.share(from), credit: transit(from), amount })
    desks.in(to).transfer({ debit: transit(to), credit: this.share(to), amount })
  }

  #pool(): Lane[] {
    return this.#context.engine.lanesOf(modeOfBook(this.promised.book))
  }
}
