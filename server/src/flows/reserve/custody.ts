/** Custody accounts and what moves on them: from the issuer's bank and back, and to holders of redeemed cards. */
import {
  asId,
  businessDateOf,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  formatYuan,
  type Id,
  type Instant,
  issuerOfBook,
  laneOfId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type AccountKindName, accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import {
  accountsOfBook,
  type CustodyAccountRow,
  type CustodyMovementRow,
  coverageOf,
  custodyAccounts,
  custodyMovements,
  type GuaranteeRow,
  guaranteesOfBook,
  mostCustody,
  requirementOf,
  selectAccounts,
  unconfirmedDeposits,
} from '../../modules/reserve/index.ts'
import { type Command, type NameState, read, type View } from '../../platform/lanes/index.ts'
import { claimedInput } from '../cards/caller.ts'
import { type Body, fenIn, textIn } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { NotPrepared } from '../prepared.ts'
import { doneBy, homeLaneOf, type ReserveCaller } from './desk.ts'
import { groundsNow, type ReserveGrounds } from './requirement.ts'

const custodyNotFound = refusal('custody.not_found', 'No custody has this id here (cust_…).')

export interface NewAccount {
  readonly bankName: string
  readonly bankCode: string
  readonly accountName: string
  readonly accountNumber: string
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** Refusals: `name.already_used` where the account is known already. */
export function openCustodyAccount(
  context: FlowContext,
  caller: ReserveCaller,
  input: NewAccount,
  key: string,
): Command {
  const lane = homeLaneOf(context, caller.mode)
  return {
    book: caller.book,
    operation: 'custody.opened',
    key,
    input: claimedInput(input),
    homeLane: () => lane,
    name: { kind: nameKinds.custodyAccount, name: input.accountNumber },
    plan: (_, name) => ({
      lanes: [lane],
      reads: [],
      decide: (view, now) => {
        const taken = takenRefusal(name, 'custody', 'name.already_used')
        if (taken !== undefined) return { ok: false, refusal: taken }
        const id: Id<'custody'> = asId(view.commandId)
        view.put(custodyAccounts, lane, {
          ...input,
          id,
          bookId: view.bookId,
          balance: 0n,
          redemptionsPaid: 0n,
          reference: input.reference ?? null,
          metadata: input.metadata ?? null,
          openedAt: now,
          ...doneBy(caller),
        })
        return ok({ kind: 'custody.opened', version: 1, body: { custodyId: id } })
      },
    }),
  }
}

export interface MovementInput {
  readonly accountId: Id<'custody'>
  readonly kind: 'deposit' | 'withdrawal' | 'redemption_payout'
  readonly amount: Fen
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Money onto a custody account or off it. Refusals:
 *
 * 1. `custody.not_found` (not final)
 * 2. `reference.already_used`
 * 3. `amount.out_of_range` for more than custody accounts hold in all
 * 4. `reserve.not_ready` for what goes out (not final)
 * 5. `funds.insufficient`: there is less on the account
 * 6. `amount.out_of_range`: less is owed to holders of redeemed cards
 * 7. `policy.reserve_short`: less would be left than must be set aside
 */
export function moveCustody(
  context: FlowContext,
  caller: ReserveCaller,
  input: MovementInput,
  key: string,
): Result<Command> {
  const lane = homeLaneOf(context, caller.mode)
  const { reference } = input
  if (laneOfId(input.accountId) !== lane) return refused(custodyNotFound)
  return ok({
    book: caller.book,
    operation: 'custody.moved',
    key,
    input: claimedInput(input),
    homeLane: () => lane,
    ...(reference !== undefined && { name: { kind: nameKinds.custodyMovement, name: reference } }),
    plan: async (_, name) => {
      const prepared = input.kind === 'deposit' ? undefined : await prepareOutflow(context, caller)
      return {
        lanes: [lane],
        reads: [
          read(custodyAccounts, lane, input.accountId),
          read(accountsOfBook, lane, caller.book),
          read(guaranteesOfBook, lane, caller.book),
        ],
        decide: (view, now) => {
          const account = view.get(custodyAccounts, input.accountId)
          if (account === undefined || account.bookId !== view.bookId)
            return { ok: false, final: false, refusal: custodyNotFound }
          const taken = takenRefusal(name, 'movement', 'reference.already_used')
          if (taken !== undefined) return { ok: false, refusal: taken }
          const allowed = judge(view, now, account, input, prepared)
          if (!allowed.ok) return allowed
          return ok({
            kind: 'custody.moved',
            version: 1,
            body: move(view, now, account, input, caller),
          })
        },
      }
    },
  })
}

/** `final` is false where the same call can be answered otherwise once the day is closed. */
function judge(
  view: View,
  now: Instant,
  account: CustodyAccountRow,
  input: MovementInput,
  prepared: Result<Prepared> | undefined,
): { ok: true } | { ok: false; refusal: Refusal; final?: boolean } {
  const room = checkRoom(view, input.kind === 'deposit' ? input.amount : 0n)
  if (!room.ok || prepared === undefined) return room
  if (!prepared.ok) return { ok: false, final: false, refusal: prepared.refusal }
  return checkOutflow(view, now, account, input, prepared.value)
}

/** Whether that much more finds room on the custody accounts of the book. Refusals: `amount.out_of_range`. */
export function checkRoom(view: View, more: Fen): Result<void> {
  const total = totalOf(view.find(accountsOfBook, view.bookId))
  if (total + more <= mostCustody && total + more >= -mostCustody) return ok(undefined)
  return refused(
    refusal(
      'amount.out_of_range',
      `Custody accounts hold ${formatYuan(mostCustody)} yuan at most.`,
      {
        data: {
          allowed: { min: 1, max: fenToJson(total < mostCustody ? mostCustody - total : 0n) },
        },
      },
    ),
  )
}

/** What an outflow is judged by: read before the round. */
export interface Prepared {
  readonly grounds: ReserveGrounds
  /** What lay on all accounts when the rest was read: where it has moved since, all is read again. */
  readonly total: Fen
  /** Deposits among it that the bank has not shown, by account: they cover nothing that leaves. */
  readonly unconfirmed: ReadonlyMap<string, Fen>
  /** Paid to holders of redeemed cards when the grounds were read. */
  readonly redemptionsPaid: Fen
}

export async function prepareOutflow(
  context: FlowContext,
  { book, mode }: Pick<ReserveCaller, 'book' | 'mode'>,
): Promise<Result<Prepared>> {
  const lane = homeLaneOf(context, mode)
  const { sql } = context.database
  const accounts = await selectAccounts(sql, lane, { books: [book] })
  const ids = accounts.map(({ id }) => id)
  const unconfirmed = await unconfirmedDeposits(sql, lane, ids)
  const grounds = await groundsNow(context, book)
  if (!grounds.ok) return grounds
  return ok({
    grounds: grounds.value,
    total: totalOf(accounts),
    unconfirmed,
    redemptionsPaid: paidBy(accounts),
  })
}

/** Over all accounts. */
export function sumOf(unconfirmed: ReadonlyMap<string, Fen>): Fen {
  return [...unconfirmed.values()].reduce((sum, amount) => sum + amount, 0n)
}

function totalOf(accounts: readonly CustodyAccountRow[]): Fen {
  return accounts.reduce((sum, { balance }) => sum + balance, 0n)
}

function paidBy(accounts: readonly CustodyAccountRow[]): Fen {
  return accounts.reduce((sum, one) => sum + one.redemptionsPaid, 0n)
}

/**
 * Whether that much may leave the reserve. The accounts of the book are under the lock of their lane, so that two
 * withdrawals that only together take too much come one after the other. `confirms`: of what is taken back, the part that
 * the bank has not shown.
 */
export function checkOutflow(
  view: View,
  now: Instant,
  account: CustodyAccountRow,
  asked: { readonly kind: string; readonly amount: Fen; readonly confirms?: Fen },
  { grounds, total, unconfirmed, redemptionsPaid }: Prepared,
): Result<void> {
  const { kind, amount, confirms = 0n } = asked
  const accounts = view.find(accountsOfBook, view.bookId)
  if (grounds.day !== businessDateOf(now)) throw new NotPrepared('the day')
  if (totalOf(accounts) !== total) throw new NotPrepared('what moved meanwhile')
  if (account.balance < amount)
    return refused(
      refusal('funds.insufficient', `${formatYuan(account.balance)} yuan lie on the account.`, {
        data: { available: fenToJson(account.balance) },
      }),
    )
  const isPayout = kind === 'redemption_payout'
  if (isPayout && paidBy(accounts) !== redemptionsPaid)
    throw new NotPrepared('what was paid to holders meanwhile')
  if (isPayout && amount > grounds.redemptionPayable)
    return refused(
      refusal(
        'amount.out_of_range',
        `${formatYuan(grounds.redemptionPayable)} yuan are owed to holders of redeemed cards.`,
        { data: { allowed: { min: 1, max: fenToJson(grounds.redemptionPayable) } } },
      ),
    )
  const sure = total - sumOf(unconfirmed) + confirms
  const left = { custody: sure - amount, owedLess: isPayout ? amount : 0n }
  return checkReserve(grounds, view.find(guaranteesOfBook, view.bookId), left)
}

/** Refusals: `policy.reserve_short` with the rule, what is required, and how much could be taken. */
export function checkReserve(
  { policy, profile, bases, day }: ReserveGrounds,
  guarantees: readonly GuaranteeRow[],
  { custody, owedLess }: { readonly custody: Fen; readonly owedLess: Fen },
): Result<void> {
  const { daily } = bases
  const after = { ...bases, daily: { ...daily, customers: daily.customers - owedLess } }
  const { required, binding } = requirementOf(policy, profile, after)
  const { surplus, guaranteed } = coverageOf(policy, required, custody, guarantees, day)
  if (surplus >= 0n || binding === undefined) return ok(undefined)
  const { rule, base, baseDay } = binding
  const article = rule.source.article ?? 'unconfirmed'
  return refused(
    refusal(
      'policy.reserve_short',
      `${formatYuan(required)} yuan must be set aside: ${formatYuan(custody)} would be left, with ${formatYuan(guaranteed)} guaranteed (${rule.source.document} ${article}).`,
      {
        data: {
          required: fenToJson(required),
          base: fenToJson(base),
          base_day: baseDay,
          ratio_bp: binding.ratioBp,
          guaranteed: fenToJson(guaranteed),
          short: fenToJson(-surplus),
        },
        policy: { pack: rule.pack, rule: rule.id, article },
      },
    ),
  )
}

const otherSide = {
  deposit: 'bank',
  withdrawal: 'bank',
  redemption_payout: 'redemption_payable',
} as const satisfies Record<MovementInput['kind'], AccountKindName>

function move(
  view: View,
  now: Instant,
  account: CustodyAccountRow,
  input: MovementInput,
  caller: ReserveCaller,
): Body {
  const lane = laneOfId(account.id)
  const own = (kind: AccountKindName) => accountId(issuerOfBook(view.bookId), kind, lane)
  const [custody, other] = [own('custody'), own(otherSide[input.kind])]
  const { amount, kind } = input
  const signed = kind === 'deposit' ? amount : -amount
  new LedgerDesk(view, lane).transfer(
    signed > 0n
      ? { debit: custody, credit: other, amount }
      : { debit: other, credit: custody, amount },
  )
  const balance = account.balance + signed
  const redemptionsPaid = account.redemptionsPaid + (kind === 'redemption_payout' ? amount : 0n)
  view.put(custodyAccounts, lane, { ...account, balance, redemptionsPaid })
  const day = businessDateOf(now)
  view.put(custodyMovements, lane, {
    id: asId<'movement'>(view.commandId),
    bookId: view.bookId,
    accountId: account.id,
    kind,
    amount: signed,
    day,
    reference: input.reference ?? null,
    metadata: input.metadata ?? null,
    causeId: null,
    settled: false,
    at: now,
    ...doneBy(caller),
  })
  return {
    movementId: view.commandId,
    custodyId: account.id,
    movementKind: kind,
    amountFen: String(signed),
    balanceFen: String(balance),
    day,
  }
}

function takenRefusal(
  name: NameState,
  kind: 'custody' | 'movement',
  code: 'name.already_used' | 'reference.already_used',
): Refusal | undefined {
  if (name === 'own') return undefined
  const detail =
    kind === 'custody'
      ? 'This account is one of the issuer’s custody accounts already.'
      : 'The reference belongs to another movement of this issuer.'
  if (name === 'cancelled') return refusal(code, detail)
  return refusal(code, detail, { data: { existing_id: formatId(kind, name.takenBy) } })
}

export function presentAccount(row: CustodyAccountRow) {
  return {
    id: formatId('custody', row.id),
    bank_name: row.bankName,
    bank_code: row.bankCode,
    account_name: row.accountName,
    account_number: row.accountNumber,
    balance: fenToJson(row.balance),
    currency: 'CNY' as const,
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.openedAt),
  }
}

/** The account as it is when it is opened: from the outcome and the caller's own input, so that a repeat gets the same. */
export function presentOpened(body: Body, at: Instant, input: NewAccount) {
  return {
    id: formatId('custody', textIn(body, 'custodyId')),
    bank_name: input.bankName,
    bank_code: input.bankCode,
    account_name: input.accountName,
    account_number: input.accountNumber,
    balance: 0,
    currency: 'CNY' as const,
    reference: input.reference ?? null,
    metadata: { ...input.metadata },
    created_at: formatInstant(at),
  }
}

export function presentMovement(row: CustodyMovementRow) {
  return {
    id: formatId('movement', row.id),
    custody_id: formatId('custody', row.accountId),
    kind: row.kind,
    amount: fenToJson(row.amount),
    currency: 'CNY' as const,
    day: row.day,
    settled: row.settled,
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.at),
  }
}

export function presentMoved(
  body: Body,
  at: Instant,
  { kind, reference, metadata }: Pick<MovementInput, 'kind' | 'reference' | 'metadata'>,
) {
  return {
    id: formatId('movement', textIn(body, 'movementId')),
    custody_id: formatId('custody', textIn(body, 'custodyId')),
    kind,
    amount: fenToJson(fenIn(body, 'amountFen')),
    currency: 'CNY' as const,
    day: textIn(body, 'day'),
    settled: false,
    reference: reference ?? null,
    metadata: { ...metadata },
    created_at: formatInstant(at),
  }
}
