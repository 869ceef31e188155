/** The routes of the ledger: accounts, journal entries, trial balance, and the audit of it all. */
import { currency, fenToJson, formatId, formatInstant, type Instant, refused } from '@lika/contract'
import { type Books, openBooks } from '../../flows/books.ts'
import {
  type AccountBalance,
  type AuditReport,
  accountKindNames,
  accountKinds,
  accountOverLanes,
  kindOfAccount,
  type LedgerEntry,
  ledgerEntries,
  ownerOf,
  type TrialBalance,
} from '../../modules/ledger/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import {
  instantPart,
  integerPart,
  presentPage,
  readPage,
  smallPart,
  uuidPart,
} from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readInstant,
  SignedAmount,
  type Static,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const KindName = oneOf(accountKindNames(), 'the kind of account')
const Side = oneOf(['debit', 'credit'])
const TypeName = oneOf(['asset', 'liability', 'equity', 'expense', 'income'])
const naming = {
  kind: KindName,
  name: Type.String({ description: 'what accountants call it, in English' }),
  name_zh: Type.String({ description: 'the same in Chinese' }),
  type: TypeName,
}

const Account = closed({
  id: idOf('account'),
  ...naming,
  normal_side: Side,
  owner_id: Type.String({ description: 'the card, merchant or issuer whose account it is' }),
  is_control: Type.Boolean({
    description: 'the sum of all accounts of this kind, which belong to cards or merchants',
  }),
  balance: SignedAmount,
  currency: Currency,
  at: Timestamp,
})

const Entry = closed({
  id: idOf('entry'),
  lane: Type.Integer(),
  seq: Type.Integer(),
  at: Timestamp,
  kind: Type.String({ description: 'the type of the event: payment.created, load.created …' }),
  currency: Currency,
  transfers: Type.Array(
    closed({
      debit_account: idOf('account'),
      debit_kind: KindName,
      credit_account: idOf('account'),
      credit_kind: KindName,
      amount: Amount,
    }),
  ),
})

const TrialBalanceBody = closed({
  at: Timestamp,
  currency: Currency,
  total_debit: AmountOrZero,
  total_credit: AmountOrZero,
  data: Type.Array(closed({ ...naming, debit: AmountOrZero, credit: AmountOrZero })),
})

const Report = closed({
  ok: Type.Boolean(),
  checked: Type.Record(Type.String({ pattern: '^[a-z_]+$' }), Type.Integer({ minimum: 0 }), {
    additionalProperties: false,
    description: 'how many rows of what were looked at',
  }),
  first_wrong: nullable(
    closed({
      table: Type.String(),
      lane: Type.Integer(),
      key: Type.String({ description: 'the rest of the primary key, as SQL would ask for it' }),
      column: nullable(Type.String({ description: 'where it can be told' })),
      why: Type.String(),
    }),
  ),
})

const atQuery = {
  at: Type.Optional(
    Type.String({ format: 'date-time', maxLength: 40, description: 'now unless given' }),
  ),
}

export function register(app: LikaApp, { flows, bookNow }: Deps): void {
  // When first asked, as the only one of these parts that is made of others.
  let opened: Books | undefined
  const books = (): Books => {
    opened ??= openBooks(flows)
    return opened
  }

  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/accounts',
      summary:
        'The accounts of the book: its chart, then what is owed to each merchant, newest first',
      access: 'ledger:read',
      query: closed({ ...paging, ...atQuery }),
      responses: { 200: pageOf(Account) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const page = readPage('ledger_accounts', [uuidPart], query)
      if (!page.ok) return page
      const at = instantOf(query.at)
      const { limit } = page.value
      const after = page.value.after?.map(String)[0]
      const last = after === undefined ? undefined : ownerOf(after)
      const isPastChart = after !== undefined && last !== caller.issuerId
      const chart = isPastChart ? [] : await books().reads.controlAccounts(caller.book, at)
      const begun = chart.findIndex((account) => account.id === after) + 1
      const rest = chart.slice(begun, begun + limit + 1)
      const before = isPastChart ? last : undefined
      const room = limit + 1 - rest.length
      const merchants =
        room > 0 ? await books().reads.merchantAccounts(caller.book, at, before, room) : []
      const shownAt = at ?? bookNow(caller.mode)
      return okay(
        presentPage(
          'ledger_accounts',
          page.value,
          [...rest, ...merchants],
          (account) => [account.id],
          (account) => presentAccount(account, shownAt),
        ),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/accounts/{id}',
      summary: 'An account and its balance, now or at an instant; also of a single card',
      access: 'ledger:read',
      id: 'account',
      query: closed(atQuery),
      responses: { 200: Account },
      refusals: ['account.not_found'],
    },
    async ({ caller, id, query }) => {
      const at = instantOf(query.at)
      const account = await books().reads.account(caller.book, id, at)
      if (account === undefined) return refused(notFound('account'))
      return okay(presentAccount(account, at ?? bookNow(caller.mode)))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/entries',
      summary: 'Journal entries that moved value, with their transfers, oldest first',
      access: 'ledger:read',
      query: closed({
        ...paging,
        from: Type.Optional(Timestamp),
        to: Type.Optional(
          Type.String({
            format: 'date-time',
            maxLength: 40,
            description: 'the first that does not count',
          }),
        ),
      }),
      responses: { 200: pageOf(Entry) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const page = readPage('ledger_entries', [instantPart, smallPart, integerPart], query)
      if (!page.ok) return page
      const { limit, after } = page.value
      const [at = 0, lane = 0, seq = 0] = after?.map(Number) ?? []
      const entries = await ledgerEntries(flows.database, caller.book, {
        from: instantOf(query.from),
        to: instantOf(query.to),
        after: after && { at, lane, seq: BigInt(seq) },
        limit: limit + 1,
      })
      return okay(
        presentPage(
          'ledger_entries',
          page.value,
          entries,
          (entry) => [entry.at, entry.lane, Number(entry.seq)],
          presentEntry,
        ),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/trial_balance',
      summary:
        'The balance of every kind of account, now or at an instant; both sides sum to the same',
      access: 'ledger:read',
      query: closed(atQuery),
      responses: { 200: TrialBalanceBody },
      refusals: [],
    },
    async ({ caller, query }) =>
      okay(presentTrialBalance(await books().reads.trialBalance(caller.book, instantOf(query.at)))),
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/ledger/verify',
      summary: 'Recomputes the books from the journal and names the first row that is wrong',
      access: { operatorOr: 'ledger:read' },
      query: closed({
        since: Type.Optional(
          oneOf(['beginning', 'verified_cut'], 'from where; the beginning unless given'),
        ),
      }),
      responses: { 200: Report },
      refusals: [],
    },
    async ({ caller, query }) => {
      const book = caller.kind === 'operator' ? undefined : caller.book
      const sinceVerifiedCut = query.since === 'verified_cut'
      return okay(presentReport(await books().auditor.verify({ book, sinceVerifiedCut })))
    },
  )
}

function instantOf(text: string | undefined): Instant | undefined {
  return text === undefined ? undefined : readInstant(text)
}

function presentAccount(account: AccountBalance, at: Instant): Static<typeof Account> {
  const { kind, isControl } = account
  const { en, zh, type, normal, owner } = accountKinds[kind]
  return {
    id: formatId('account', account.id),
    kind,
    name: en,
    name_zh: zh,
    type,
    normal_side: normal,
    owner_id: formatId(isControl ? 'issuer' : owner, account.ownerId),
    is_control: isControl,
    balance: fenToJson(account.balance),
    currency,
    at: formatInstant(at),
  }
}

function presentEntry(entry: LedgerEntry): Static<typeof Entry> {
  const { id, lane, seq, at, kind, transfers } = entry
  return {
    id: formatId('entry', id),
    lane,
    seq: Number(seq),
    at: formatInstant(at),
    kind,
    currency,
    transfers: transfers.map(({ debit, credit, amount }) => ({
      debit_account: formatId('account', accountOverLanes(debit)),
      debit_kind: knownKind(debit),
      credit_account: formatId('account', accountOverLanes(credit)),
      credit_kind: knownKind(credit),
      amount: fenToJson(amount),
    })),
  }
}

/** @throws for an id that no transfer can have. */
function knownKind(account: string) {
  const kind = kindOfAccount(account)
  if (kind === undefined) throw new Error(`${account} is not the id of an account`)
  return kind
}

function presentTrialBalance(balance: TrialBalance): Static<typeof TrialBalanceBody> {
  const { at, totalDebit, totalCredit, lines } = balance
  return {
    at: formatInstant(at),
    currency,
    total_debit: fenToJson(totalDebit),
    total_credit: fenToJson(totalCredit),
    data: lines.map(({ kind, debit, credit }) => ({
      kind,
      name: accountKinds[kind].en,
      name_zh: accountKinds[kind].zh,
      type: accountKinds[kind].type,
      debit: fenToJson(debit),
      credit: fenToJson(credit),
    })),
  }
}

function presentReport({ ok, checked, firstWrong }: AuditReport): Static<typeof Report> {
  return {
    ok,
    checked,
    first_wrong: firstWrong && { ...firstWrong, column: firstWrong.column ?? null },
  }
}
