/** Routes of the ledger by business day: trial balance and account statements, from closing balances at the cuts. */
import {
  asId,
  currency,
  fenToJson,
  formatId,
  issuerOfBook,
  laneOfId,
  ok,
  refused,
  withKindAndLane,
} from '@lika/contract'
import {
  type AccountDay,
  accountDays,
  type DayLine,
  trialOfDay,
} from '../../flows/reserve/day-books.ts'
import { accountKindNames, accountKinds, kindOfAccount } from '../../modules/ledger/index.ts'
import type { CsvCell } from '../../platform/csv.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { csvFile, wantsCsv } from '../http/csv-answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  AmountOrZero,
  Currency,
  closed,
  DateText,
  idOf,
  oneOf,
  SignedAmount,
  type Static,
  Type,
} from '../http/schemas.ts'

const Format = Type.Optional(oneOf(['json', 'csv']))

const naming = {
  kind: oneOf(accountKindNames(), 'the kind of account'),
  name: Type.String(),
  name_zh: Type.String(),
  type: oneOf(['asset', 'liability', 'equity', 'expense', 'income']),
}

const TrialLine = closed({
  number: Type.Integer({ description: 'of the kind in the chart' }),
  ...naming,
  opening_debit: AmountOrZero,
  opening_credit: AmountOrZero,
  debits: AmountOrZero,
  credits: AmountOrZero,
  closing_debit: AmountOrZero,
  closing_credit: AmountOrZero,
})

const TrialBody = closed({
  day: DateText,
  currency: Currency,
  total_opening: AmountOrZero,
  total_debits: AmountOrZero,
  total_credits: AmountOrZero,
  total_closing: AmountOrZero,
  balanced: Type.Boolean(),
  data: Type.Array(TrialLine),
})

const StatementBody = closed({
  account_id: idOf('account'),
  ...naming,
  from: DateText,
  to: DateText,
  currency: Currency,
  data: Type.Array(
    closed({
      day: DateText,
      opening: SignedAmount,
      debits: AmountOrZero,
      credits: AmountOrZero,
      closing: SignedAmount,
    }),
  ),
})

const trialHeader = [
  '科目编号',
  '科目名称',
  '期初借方余额(元)',
  '期初贷方余额(元)',
  '本日借方发生额(元)',
  '本日贷方发生额(元)',
  '期末借方余额(元)',
  '期末贷方余额(元)',
]
const statementHeader = ['日期', '期初余额(元)', '借方发生额(元)', '贷方发生额(元)', '期末余额(元)']

export function register(app: LikaApp, { flows, merchants }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/days/trial_balance',
      summary: 'The trial balance of a business day that is closed: opening, turnover, closing',
      access: 'ledger:read',
      query: closed({ day: DateText, format: Format }),
      responses: { 200: TrialBody },
      files: ['text/csv'],
      refusals: ['day.not_closed'],
    },
    async ({ caller, query, request }) => {
      const { day } = query
      const lines = await trialOfDay(flows, caller.book, day)
      if (!lines.ok) return lines
      return wantsCsv(query.format, request.headers.accept)
        ? csvFile(`trial-balance-${day}.csv`, trialHeader, lines.value.map(trialRow))
        : okay(presentTrial(day, lines.value))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/ledger/accounts/{id}/days',
      summary:
        'The statement of an account by business days: of the issuer, of a kind, of a merchant',
      access: 'ledger:read',
      id: 'account',
      query: closed({ from: DateText, to: DateText, format: Format }),
      responses: { 200: StatementBody },
      files: ['text/csv'],
      refusals: ['account.not_found', 'date.out_of_range', 'day.not_closed'],
    },
    async (call) => {
      const { caller, id, query, request } = call
      const account = await accountOf(caller.book, id)
      if (!account.ok) return account
      const { from, to } = query
      const days = await accountDays(flows, caller.book, account.value, from, to)
      if (!days.ok) return days
      const { kind } = account.value
      if (wantsCsv(query.format, request.headers.accept)) {
        const name = `${accountKinds[kind].zh}-${from}-${to}.csv`
        return csvFile(encodeURIComponent(name), statementHeader, days.value.map(dayRow))
      }
      const { en, zh, type } = accountKinds[kind]
      return okay({
        account_id: formatId('account', id),
        kind,
        name: en,
        name_zh: zh,
        type,
        from,
        to,
        currency,
        data: days.value.map(presentDay),
      } satisfies Static<typeof StatementBody>)
    },
  )

  /** Refusals: `account.not_found`, also for the account of a single card, which has a statement of its own. */
  async function accountOf(book: Parameters<typeof trialOfDay>[1], id: string) {
    const kind = kindOfAccount(id)
    if (kind === undefined || laneOfId(id) !== 0) return refused(notFound('account'))
    const owner = withKindAndLane(id, 0, 0)
    if (owner === issuerOfBook(book)) return ok({ kind, owner: undefined })
    const isSummed = accountKinds[kind].owner === 'merchant' && !accountKinds[kind].guarded
    const known = isSummed && (await merchants.findMerchant(book, asId(owner))) !== undefined
    return known ? ok({ kind, owner }) : refused(notFound('account'))
  }
}

function presentTrial(day: string, lines: readonly DayLine[]): Static<typeof TrialBody> {
  const sum = (of: (line: DayLine) => bigint) => lines.reduce((total, line) => total + of(line), 0n)
  const [opening, closing] = [sum((line) => line.openingDebit), sum((line) => line.closingDebit)]
  const [debits, credits] = [sum((line) => line.debits), sum((line) => line.credits)]
  const balanced =
    debits === credits &&
    opening === sum((line) => line.openingCredit) &&
    closing === sum((line) => line.closingCredit)
  return {
    day,
    currency,
    total_opening: fenToJson(opening),
    total_debits: fenToJson(debits),
    total_credits: fenToJson(credits),
    total_closing: fenToJson(closing),
    balanced,
    data: lines.map((line) => ({
      number: accountKinds[line.kind].number,
      kind: line.kind,
      name: accountKinds[line.kind].en,
      name_zh: accountKinds[line.kind].zh,
      type: accountKinds[line.kind].type,
      opening_debit: fenToJson(line.openingDebit),
      opening_credit: fenToJson(line.openingCredit),
      debits: fenToJson(line.debits),
      credits: fenToJson(line.credits),
      closing_debit: fenToJson(line.closingDebit),
      closing_credit: fenToJson(line.closingCredit),
    })),
  }
}

function trialRow(line: DayLine): readonly CsvCell[] {
  const { number, zh } = accountKinds[line.kind]
  const amounts = [
    line.openingDebit,
    line.openingCredit,
    line.debits,
    line.credits,
    line.closingDebit,
    line.closingCredit,
  ]
  return [number, zh, ...amounts]
}

function presentDay({ day, opening, debits, credits, closing }: AccountDay) {
  return {
    day,
    opening: fenToJson(opening),
    debits: fenToJson(debits),
    credits: fenToJson(credits),
    closing: fenToJson(closing),
  }
}

function dayRow({ day, opening, debits, credits, closing }: AccountDay): readonly CsvCell[] {
  return [day, opening, debits, credits, closing]
}
