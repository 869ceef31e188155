/**
 * A reward in cash out of the budget of a campaign: the money leaves the budget when it is promised, and is the member's
 * when he has taken it, or the budget's again when he has not. Once for each business number of the issuer.
 */
import {
  asId,
  type BookId,
  type CampaignId,
  type Fen,
  formatId,
  type Instant,
  issuerOfBook,
  type Lane,
  laneOfId,
  type MemberId,
  ok,
  type RedPacketId,
  type Refusal,
  refusal,
  refused,
  type WechatAppId,
} from '@lika/contract'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import {
  budgetLines,
  findBudgetLines,
  isRunning,
  type Promised,
} from '../../modules/loyalty/index.ts'
import { outBillNoOf, type RedPacketRow, redPackets } from '../../modules/red-packets/index.ts'
import {
  type Command,
  type Decision,
  type Executed,
  type NameState,
  type Outcome,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { type Rest, restOf } from '../combined/rest.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { Desks } from '../payments/desks.ts'
import { refusedUnlessDone } from '../prepared.ts'
import { whyNot } from '../rebates/campaigns.ts'
import { Purse } from '../rebates/purse.ts'

export interface RedPacketInput {
  readonly campaignId: CampaignId
  readonly memberId: MemberId
  /** The app in which the member takes it; undefined: the first that the merchant number is bound to. */
  readonly appId?: WechatAppId | undefined
  readonly amount: Fen
  /** What the member reads, 32 characters at most. */
  readonly remark: string
  /** The issuer's own number; it gives once. */
  readonly reference: string
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Refusals that leave nothing: those of `whyNot` where the campaign gives nothing now, those of `restOf`. Then
 * `reference.already_used`, `campaign.not_running`, `campaign.budget_spent`. A key that stands is answered as it was first,
 * whatever became of the campaign, the merchant number and the member.
 */
export async function giveRedPacketCommand(
  context: FlowContext,
  book: BookId,
  input: RedPacketInput,
  key: string,
): Promise<Command> {
  const { campaignId, memberId, appId, amount, remark, reference, metadata } = input
  const base = {
    book,
    operation: 'red_packet.created',
    key,
    input: {
      campaign: campaignId,
      member: memberId,
      ...(appId === undefined ? {} : { app: appId }),
      amount: String(amount),
      remark,
      reference,
      ...(metadata === undefined ? {} : { metadata }),
    },
  }
  const known = await context.loyalty.inForce(book)
  const promised = known.find((one) => one.campaignId === campaignId)
  if (promised === undefined) {
    const { why, home } = await whyNot(context, book, campaignId)
    return refusedUnlessDone(context, { ...base, ...home }, why)
  }
  const atHome = { ...base, homeLane: () => promised.homeLane }
  const lines = await findBudgetLines(context.database.sql, promised.homeLane, [campaignId])
  const line = lines.find(({ status }) => status === 'open')
  if (line === undefined) return refusedUnlessDone(context, atHome, notRunning)
  const way = await restOf(context, book, { scene: 'jsapi', appId, memberId })
  if (!way.ok) return refusedUnlessDone(context, atHome, way.refusal)
  const purse = new Purse(context, promised, line.id, promised.homeLane)
  const giving = { input, way: way.value, purse, promised }
  return {
    ...atHome,
    name: { kind: nameKinds.redPacket, name: reference },
    plan: (_, name) => ({
      lanes: purse.lanes(),
      reads: purse.reads(),
      decide: (view, now) => give(view, { ...giving, taken: takenBy(name) }, now),
    }),
  }
}

const notRunning = refusal('campaign.not_running', 'The campaign gives nothing at present.')

function takenBy(name: NameState): Refusal | undefined {
  if (name === 'own') return undefined
  const detail = 'A red packet was given under this reference.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  const data = { existing_id: formatId('red_packet', name.takenBy) }
  return refusal('reference.already_used', detail, { data })
}

interface Giving {
  readonly input: RedPacketInput
  readonly way: Rest
  readonly purse: Purse
  readonly promised: Promised
  readonly taken: Refusal | undefined
}

/** Until the timer looks after it: who gave it is at WeChat by itself meanwhile. */
const leftAloneMs = 10_000

function give(view: View, { input, way, purse, promised, taken }: Giving, now: Instant): Decision {
  if (taken !== undefined) return refused(taken)
  if (!isRunning(promised.terms, now)) return refused(notRunning)
  const { amount, campaignId } = input
  const lane = promised.homeLane
  const desks = new Desks(view)
  if (purse.draw(view, desks, amount) < amount)
    return refused(refusal('campaign.budget_spent', 'The budget has less than that.'))
  const credit = accountId(issuerOfBook(view.bookId), 'order_suspense', lane)
  desks.in(lane).transfer({ debit: purse.share(lane), credit, amount })
  const id: RedPacketId = asId(view.commandId)
  view.put(redPackets, lane, {
    id,
    bookId: view.bookId,
    campaignId,
    budgetLine: purse.line,
    memberId: input.memberId,
    accountId: way.accountId,
    appid: way.appid,
    amount,
    status: 'sending',
    reason: null,
    outBillNo: outBillNoOf(id),
    remark: input.remark,
    reference: input.reference,
    metadata: input.metadata ?? null,
    createdAt: now,
    endedAt: null,
    nextAt: now + leftAloneMs,
    tries: 0,
  })
  const body = { redPacketId: id, campaignId, memberId: input.memberId, amountFen: String(amount) }
  return ok({ kind: 'red_packet.created', version: 1, body })
}

/** The member has it; or nobody will. Either once, whoever learns it. */
export function endRedPacket(
  context: Pick<FlowContext, 'engine'>,
  row: RedPacketRow,
  end: { readonly status: 'received' | 'returned'; readonly reason: string | null },
): Promise<Executed> {
  const lane = laneOfId(row.id)
  return context.engine.execute({
    book: row.bookId,
    operation: 'red_packet.ended',
    key: row.id,
    input: {},
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [
        read(redPackets, lane, row.id),
        read(budgetLines, lane, row.budgetLine),
        read(accounts, lane, accountId(row.budgetLine, 'rebate_budget', lane)),
      ],
      decide: (view, now) => {
        const current = view.get(redPackets, row.id)
        if (current === undefined || current.bookId !== view.bookId)
          throw new Error(`the red packet ${row.id} is not there`)
        return ok(settle(view, lane, current, end, now))
      },
    }),
  })
}

function settle(
  view: View,
  lane: Lane,
  row: RedPacketRow,
  { status, reason }: { readonly status: 'received' | 'returned'; readonly reason: string | null },
  now: Instant,
): Outcome {
  const own = (kind: 'wechat' | 'order_suspense' | 'rebate_expense') =>
    accountId(issuerOfBook(view.bookId), kind, lane)
  const line = view.get(budgetLines, row.budgetLine)
  const isOpen = line?.status === 'open'
  const back = isOpen ? accountId(row.budgetLine, 'rebate_budget', lane) : own('rebate_expense')
  const credit = status === 'received' ? own('wechat') : back
  const { amount } = row
  new Desks(view).in(lane).transfer({ debit: own('order_suspense'), credit, amount })
  // A budget that was closed meanwhile says so of what came back to it.
  if (status === 'returned' && line !== undefined && !isOpen)
    view.put(budgetLines, lane, { ...line, returned: line.returned + amount })
  view.put(redPackets, lane, { ...row, status, reason, endedAt: now })
  const body = {
    redPacketId: row.id,
    campaignId: row.campaignId,
    amountFen: String(amount),
    reason,
  }
  return { kind: `red_packet.${status}`, version: 1, body }
}
