/** Custody accounts and what moves on them: from the issuer's bank and back, and to holders of redeemed cards. */
import {
  asId,
  businessDateOf,
  type Fen,
  formatId,
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
  custodyAccounts,
  custodyMovements,
  guaranteesOfBook,
} from '../../modules/reserve/index.ts'
import { type Command, type NameState, read, type View } from '../../platform/lanes/index.ts'
import { claimedInput } from '../cards/caller.ts'
import type { Body } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { doneBy, homeLaneOf, type ReserveCaller } from './desk.ts'
import { checkOutflow, checkRoom, type Prepared, prepareOutflow } from './outflow.ts'

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
