/**
 * The money of campaigns: set aside when a version is published (or a week begins), called home when the campaign ends
 * (or the week is over). What was put in is what was given and what came back, to the fen.
 */
import {
  asId,
  type BookId,
  type Fen,
  issuerOfBook,
  type Lane,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import {
  type BudgetLineRow,
  budgetLines,
  findBudgetLines,
  lineKey,
  linesOfCampaign,
  type Promised,
} from '../../modules/loyalty/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import { textIn } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'
import { executePrepared, NotPrepared } from '../prepared.ts'

/**
 * Puts the version's budget into the line of that period, in the campaign's home lane: all of it where the line is new,
 * else what the version has more. Once for a version and period, whoever asks.
 * Refusals: `campaign.budget_lowered`, `campaign.not_running` where the line is closed.
 */
export function openBudget(
  { database }: Pick<FlowContext, 'database'>,
  promised: Promised,
  period: string,
  kind: string,
): Command {
  const { campaignId, version, book, homeLane, terms } = promised
  return {
    book,
    operation: kind,
    key: `budget ${campaignId} ${period} ${version}`,
    input: { campaign: campaignId, version, period },
    homeLane: () => homeLane,
    plan: async () => {
      const known = await findBudgetLines(database.sql, homeLane, [campaignId])
      return {
        lanes: [homeLane],
        reads: [
          read(linesOfCampaign, homeLane, campaignId),
          ...known.map(({ id }) =>
            read(accounts, homeLane, accountId(id, 'rebate_budget', homeLane)),
          ),
        ],
        decide: (view, now) => {
          const line = view
            .find(linesOfCampaign, campaignId)
            .find((one) => one.period === period && one.bookId === book)
          if (line?.status === 'closed')
            return refused(refusal('campaign.not_running', 'The campaign has ended.'))
          if (line !== undefined && !known.some(({ id }) => id === line.id))
            throw new NotPrepared('a budget line that was just opened')
          const more = terms.budget - (line?.opened ?? 0n)
          if (more < 0n) return refused(lowered(line?.opened ?? 0n))
          const row: BudgetLineRow = line ?? {
            id: view.commandId,
            bookId: book,
            campaignId,
            period,
            opened: 0n,
            returned: 0n,
            status: 'open',
            createdAt: now,
          }
          return putIn(view, promised, row, more, kind)
        },
      }
    },
  }
}

function lowered(opened: Fen) {
  return refusal(
    'campaign.budget_lowered',
    'What was set aside for a campaign comes back when it ends: the budget of a version is not below the one before.',
    { data: { allowed: { min: Number(opened) } } },
  )
}

function putIn(
  view: View,
  { campaignId, version, homeLane }: Promised,
  line: BudgetLineRow,
  more: Fen,
  kind: string,
): Decision {
  const desks = new Desks(view)
  const share = accountId(line.id, 'rebate_budget', homeLane)
  if (more > 0n) {
    if (line.opened === 0n) desks.in(homeLane).open(share)
    const debit = accountId(issuerOfBook(view.bookId), 'rebate_expense', homeLane)
    desks.in(homeLane).transfer({ debit, credit: share, amount: more })
  }
  view.put(budgetLines, homeLane, { ...line, opened: line.opened + more })
  const body = {
    campaignId,
    version,
    period: line.period,
    addedFen: String(more),
    budgetFen: String(line.opened + more),
    _line: line.id,
  }
  return { ok: true, value: { kind, version: 1, body } }
}

/** Calls the shares of every lane home and gives back what is left. A line that is closed stays so. */
export function closeBudget(
  { engine }: Pick<FlowContext, 'engine'>,
  book: BookId,
  homeLane: Lane,
  line: Pick<BudgetLineRow, 'id' | 'campaignId' | 'period'>,
  kind: string,
): Command {
  const lanes = [...new Set([homeLane, ...engine.lanesOf(modeOfBook(book))])]
  const share = (lane: Lane) => accountId(line.id, 'rebate_budget', lane)
  return {
    book,
    operation: kind,
    key: `close ${line.campaignId} ${line.period}`,
    input: { line: line.id },
    weight: 'bulk',
    size: lanes.length,
    homeLane: () => homeLane,
    plan: () => ({
      lanes,
      reads: [
        read(budgetLines, homeLane, line.id),
        ...lanes.map((lane) => read(accounts, lane, share(lane))),
      ],
      decide: (view) => {
        const row = view.get(budgetLines, line.id)
        if (row === undefined || row.bookId !== book) throw new Error(`no budget line ${line.id}`)
        return close(view, row, homeLane, lanes, kind)
      },
    }),
  }
}

function close(
  view: View,
  line: BudgetLineRow,
  homeLane: Lane,
  lanes: readonly Lane[],
  kind: string,
): Decision {
  const desks = new Desks(view)
  const issuer = issuerOfBook(view.bookId)
  const share = (lane: Lane) => accountId(line.id, 'rebate_budget', lane)
  for (const lane of lanes) {
    const amount = desks.in(lane).available(share(lane))
    if (lane === homeLane || amount === 0n) continue
    const transit = (one: Lane) => accountId(issuer, 'transit', one)
    desks.in(lane).transfer({ debit: share(lane), credit: transit(lane), amount })
    desks.in(homeLane).transfer({ debit: transit(homeLane), credit: share(homeLane), amount })
  }
  const returned = desks.in(homeLane).available(share(homeLane))
  if (returned > 0n) {
    const credit = accountId(issuer, 'rebate_expense', homeLane)
    desks.in(homeLane).transfer({ debit: share(homeLane), credit, amount: returned })
  }
  view.put(budgetLines, homeLane, { ...line, returned: line.returned + returned, status: 'closed' })
  const body = {
    campaignId: line.campaignId,
    period: line.period,
    budgetFen: String(line.opened),
    grantedFen: String(line.opened - line.returned - returned),
    returnedFen: String(returned),
    _line: line.id,
  }
  return { ok: true, value: { kind, version: 1, body } }
}

/** The line of a week that has just begun is opened by whoever comes first. Refusals: those of `openBudget`, `busy`. */
export async function ensureLine(
  context: Pick<FlowContext, 'engine' | 'database' | 'loyalty'>,
  promised: Promised,
  period: string,
): Promise<Result<BudgetLineRow['id']>> {
  const command = openBudget(context, promised, period, 'budget.opened')
  const done = await executePrepared((one) => context.engine.execute(one), command)
  if (done.status === 'refused') return refused(done.refusal)
  const id: BudgetLineRow['id'] = asId(textIn(done.body, '_line'))
  context.loyalty.lines.set(lineKey(promised.campaignId, period), id)
  return ok(id)
}
