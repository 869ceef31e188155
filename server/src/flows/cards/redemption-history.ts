/**
 * What has to be known of a card's past to redeem it: when it was sold, how it was paid for, by whom, and what was spent
 * from it. Read before the round; the decision holds it against the accounts as they then are.
 */
import { type AccountId, asId, type CardId, type Fen, type Instant, laneOfId } from '@lika/contract'
import {
  type Buyer,
  type CardRow,
  loadCards,
  openBuyer,
  type PaidIn,
  selectFundings,
} from '../../modules/cards/index.ts'
import {
  type AccountKindName,
  accountId,
  accounts,
  kindOfAccount,
  sumCounters,
} from '../../modules/ledger/index.ts'
import type { View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import type { OnCard } from './on-card.ts'

export interface CardHistory {
  /** The first sale of the card, of the one that it replaces, or of the one that it was split from. */
  readonly soldAt: Instant
  /** Spent at merchants and not refunded; by cards that this one replaced too. */
  readonly spent: { readonly principal: Fen; readonly bonus: Fen }
  /** Of the bonus that came onto it, what campaigns gave and did not take back. */
  readonly fromCampaigns: Fen
  /** The card and those that it replaced. */
  readonly self: readonly CardId[]
  /** The newest first; of a card that was split off or came in a batch there are none. */
  readonly fundings: readonly PaidIn[]
  /** On record, of the newest purchase that has one. */
  readonly buyer: Buyer | undefined
  /** The accounts as they were when this was read. */
  readonly seen: ReadonlyMap<AccountId, { readonly balance: Fen; readonly seq: bigint }>
}

/** undefined: there is no such card. */
export async function readHistory(
  { database: { sql }, keyring }: Pick<FlowContext, 'database' | 'keyring'>,
  cardId: CardId,
): Promise<CardHistory | undefined> {
  const lane = laneOfId(cardId)
  const { self, first } = await lineOf(cardId, async (id) => (await loadCards(sql, lane, [id]))[0])
  const [card] = self
  if (card === undefined || first === undefined) return undefined
  const principals = self.map(({ id }) => accountId(id, 'card_principal', lane))
  const bonuses = self.map(({ id }) => accountId(id, 'card_bonus', lane))
  const rows = await accounts.load(sql, lane, [...principals, ...bonuses])
  const until = rows.reduce((last, { seq }) => (seq > last ? seq : last), 0n)
  const counters = await sumCounters(sql, lane, [...principals, ...bonuses], until)
  const fundings = await selectFundings(sql, lane, principals)
  const spentOf = (ids: readonly AccountId[]) =>
    counters
      .filter(({ account, counter }) => ids.includes(account) && isMerchants(counter))
      .reduce((sum, { debits, credits }) => sum + debits - credits, 0n)
  const recorded = fundings.find(({ personId }) => personId !== null)?.personId ?? null
  return {
    soldAt: first.activatedAt ?? first.createdAt,
    spent: { principal: spentOf(principals), bonus: spentOf(bonuses) },
    fromCampaigns: counters
      .filter(({ account, counter }) => bonuses.includes(account) && isOfCampaigns(counter))
      .reduce((sum, { debits, credits }) => sum + credits - debits, 0n),
    self: self.map(({ id }) => id),
    fundings: card.parentId === null ? fundings : [],
    buyer: recorded === null ? undefined : await openBuyer(sql, keyring, recorded),
    seen: new Map(rows.map((row) => [row.id, row])),
  }
}

/** `self`: the card and those that it replaced, one after the other; `first`: where its money was paid in. */
async function lineOf(
  cardId: CardId,
  load: (id: CardId) => Promise<CardRow | undefined>,
): Promise<{ self: CardRow[]; first: CardRow | undefined }> {
  const self: CardRow[] = []
  let next: CardId | null = cardId
  while (next !== null) {
    const card: CardRow | undefined = await load(next)
    if (card === undefined) break
    self.push(card)
    next = card.replaces
  }
  let first = self.at(-1)
  while (first !== undefined) {
    const earlier: CardId | null = first.parentId ?? first.replaces
    const card: CardRow | undefined = earlier === null ? undefined : await load(asId(earlier))
    if (card === undefined) break
    first = card
  }
  return { self, first }
}

/** Also those of other lanes, which are paid by way of the accounts in transit. */
function isMerchants(counter: AccountId): boolean {
  const kind = kindOfAccount(counter)
  return kind === 'merchant_unsettled' || kind === 'transit'
}

/** Given out of the budget of a campaign, by way of a voucher or pre-sale too; taken back to what its rebates cost. */
function isOfCampaigns(counter: AccountId): boolean {
  const kind = kindOfAccount(counter)
  return kind !== undefined && kindsOfCampaigns.includes(kind)
}

const kindsOfCampaigns: readonly AccountKindName[] = [
  'rebate_budget',
  'rebate_expense',
  'deferred_revenue',
  'voucher',
]

/**
 * An account that moved since the history was read has another one. A hold that this very command released changed the
 * entry of its account, not the money.
 * @throws NotPrepared
 */
export function assertUnchanged(
  { view, desk, lane, principal, bonus }: OnCard,
  { seen }: CardHistory,
): void {
  for (const id of [principal, bonus]) {
    const { balance, seq } = desk.account(id)
    const before = seen.get(id)
    const isSame = before?.seq === seq || isReleasedHere(view, seq, lane)
    if (!isSame || balance !== (before?.balance ?? 0n))
      throw new NotPrepared('what moved on the card meanwhile')
  }
}

function isReleasedHere(view: View, seq: bigint, lane: number): boolean {
  return seq === view.seq(lane)
}
