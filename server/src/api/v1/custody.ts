/** Routes of custody accounts, of what moves on them, and of guarantees. */
import { laneOfId, refused } from '@lika/contract'
import { executePrepared } from '../../flows/prepared.ts'
import { moveCustody, openCustodyAccount } from '../../flows/reserve/custody.ts'
import {
  presentAccount,
  presentMoved,
  presentMovement,
  presentOpened,
} from '../../flows/reserve/custody-present.ts'
import { homeLaneOf } from '../../flows/reserve/desk.ts'
import { movementKinds, selectAccounts, selectMovements } from '../../modules/reserve/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  Currency,
  closed,
  DateText,
  given,
  idOf,
  oneOf,
  pageOf,
  paging,
  SignedAmount,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import { requireProfile } from './reserve.ts'

const AccountNumber = Type.String({ pattern: '^[0-9A-Za-z-]{4,34}$' })

const AccountBody = closed({
  id: idOf('custody'),
  bank_name: text(100),
  bank_code: text(20),
  account_name: text(100),
  account_number: AccountNumber,
  balance: SignedAmount,
  currency: Currency,
  ...shown,
  created_at: Timestamp,
})

const NewAccount = closed({
  bank_name: text(100),
  bank_code: text(20),
  account_name: text(100),
  account_number: AccountNumber,
  ...given,
})

const MovementBody = closed({
  id: idOf('movement'),
  custody_id: idOf('custody'),
  kind: oneOf(movementKinds),
  amount: SignedAmount,
  currency: Currency,
  day: DateText,
  settled: Type.Boolean({ description: 'whether the bank has shown it, or never will' }),
  ...shown,
  created_at: Timestamp,
})

const NewMovement = closed({
  kind: oneOf(
    ['deposit', 'withdrawal', 'redemption_payout'],
    'from the issuer’s bank, back to it, or to holders of redeemed cards',
  ),
  amount: Amount,
  ...given,
})

export function register(app: LikaApp, deps: Deps): void {
  registerAccounts(app, deps)
  registerMovements(app, deps)
}

function registerAccounts(app: LikaApp, deps: Deps): void {
  const { flows, database } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/custody_accounts',
      summary: 'Puts an account at a bank on record as one that holds the reserve',
      access: 'reserve:write',
      idempotent: true,
      body: NewAccount,
      responses: { 201: AccountBody },
      refusals: ['reserve.profile_missing', 'name.already_used'],
    },
    async (call) => {
      const { caller, body, idempotencyKey } = call
      const profile = await requireProfile(deps, caller)
      if (!profile.ok) return profile
      const input = {
        bankName: body.bank_name,
        bankCode: body.bank_code,
        accountName: body.account_name,
        accountNumber: body.account_number,
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = openCustodyAccount(flows, caller, input, idempotencyKey)
      return executed(await call.execute(command), 201, (outcome, at) =>
        presentOpened(outcome, at, input),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/custody_accounts',
      summary: 'The accounts that hold the reserve',
      access: 'reserve:read',
      responses: { 200: pageOf(AccountBody) },
      refusals: [],
    },
    async ({ caller }) => {
      const lane = homeLaneOf(flows, caller.mode)
      const rows = await selectAccounts(database.sql, lane, { books: [caller.book] })
      return okay({ data: rows.map(presentAccount), next_cursor: null })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/custody_accounts/{id}',
      summary: 'Shows an account of the reserve',
      access: 'reserve:read',
      id: 'custody',
      responses: { 200: AccountBody },
      refusals: ['custody.not_found'],
    },
    async ({ caller, id }) => {
      const row = await findAccount(deps, caller, id)
      return row === undefined ? refused(notFound('custody')) : okay(presentAccount(row))
    },
  )
}

function registerMovements(app: LikaApp, deps: Deps): void {
  const { flows, database } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/custody_accounts/{id}/movements',
      summary: 'Moves money onto the account or off it; never below what must be set aside',
      access: 'reserve:write',
      idempotent: true,
      id: 'custody',
      body: NewMovement,
      responses: { 201: MovementBody },
      refusals: [
        'custody.not_found',
        'reference.already_used',
        'reserve.not_ready',
        'funds.insufficient',
        'amount.out_of_range',
        'policy.reserve_short',
      ],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const { kind, amount, reference, metadata } = body
      const input = { accountId: id, kind, amount: BigInt(amount), reference, metadata }
      const command = moveCustody(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared(call.execute, command.value)
      return executed(result, 201, (outcome, at) => presentMoved(outcome, at, input))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/custody_accounts/{id}/movements',
      summary: 'What moved on the account by the books, the newest first',
      access: 'reserve:read',
      id: 'custody',
      query: closed({ ...paging, settled: Type.Optional(Type.Boolean()) }),
      responses: { 200: pageOf(MovementBody) },
      refusals: ['custody.not_found', 'cursor.invalid'],
    },
    async ({ caller, id, query }) => {
      const asked = readPage('movements', [uuidPart], query)
      if (!asked.ok) return asked
      if ((await findAccount(deps, caller, id)) === undefined) return refused(notFound('custody'))
      const rows = await selectMovements(database.sql, laneOfId(id), {
        accountId: id,
        settled: query.settled,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('movements', asked.value, rows, (row) => [row.id], presentMovement))
    },
  )
}

/** undefined: the book has no such account. */
export async function findAccount(
  { flows, database }: Pick<Deps, 'flows' | 'database'>,
  caller: { readonly book: string; readonly mode: 'test' | 'live' },
  id: string,
) {
  const lane = homeLaneOf(flows, caller.mode)
  if (laneOfId(id) !== lane) return undefined
  const rows = await selectAccounts(database.sql, lane, { ids: [id] })
  return rows.find((row) => row.bookId === caller.book)
}
