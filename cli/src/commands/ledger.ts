/** `lika ledger …` and `lika books verify`: the accounts behind the cards, and whether they are in
 * order. The operator's key audits the books of every issuer, an issuer's key its own. */
import type { Call, PageOptions } from '../call.ts'
import type { Answer } from '../client.ts'
import { NotInOrder } from '../failures.ts'
import { longSeconds } from '../files.ts'
import { isObject, type Json, type JsonObject, memberAt, objectsAt } from '../json.ts'
import { formatMember } from '../members.ts'
import { fromInstant, toInstant } from '../option-values.ts'
import { at, type Lika } from '../verbs.ts'
import { addLedgerDays } from './ledger-days.ts'

const accountColumns = ['id', 'kind', 'name_zh', 'name', 'type', 'owner_id', 'balance']
const entryColumns = [
  'id',
  'at',
  'kind',
  'debit_kind',
  'debit_account',
  'credit_kind',
  'credit_account',
  'amount',
]

/** A row for each transfer of an entry. */
function transfersOf(entry: JsonObject): readonly JsonObject[] {
  return objectsAt(entry, 'transfers').map((transfer) => ({ ...entry, ...transfer }))
}

export function addLedger(lika: Lika): void {
  const { say } = lika
  const ledger = lika.noun('ledger', '账务', 'the ledger')
  const atOption = say('某一时刻', 'at that time')

  lika
    .list(ledger, 'accounts', '列出账户', 'list accounts')
    .option('--at <time>', atOption, fromInstant)
    .action(
      lika.action((call, options: PageOptions & { at?: string }) =>
        call.list('/v1/ledger/accounts', options, accountColumns, { at: options.at }),
      ),
    )
  lika
    .verb(ledger, 'account <account>', '查看账户', 'show an account')
    .option('--at <time>', atOption, fromInstant)
    .action(
      lika.action(async (call, account: string, options: { at?: string }) =>
        call.show(await call.get(at`/v1/ledger/accounts/${account}`, { at: options.at })),
      ),
    )
  lika
    .list(ledger, 'entries', '记账分录', 'entries')
    .option('--from <time>', say('从：日期或时刻', 'from: a day or an instant'), fromInstant)
    .option(
      '--to <time>',
      say('到：日期（含当天）或时刻', 'to: a day (itself included) or an instant'),
      toInstant,
    )
    .action(
      lika.action((call, options: PageOptions & { from?: string; to?: string }) => {
        const { from, to } = options
        return call.list('/v1/ledger/entries', options, entryColumns, { from, to }, transfersOf)
      }),
    )
  lika
    .verb(ledger, 'trial-balance', '试算平衡表', 'trial balance')
    .option('--at <time>', atOption, fromInstant)
    .action(
      lika.action(async (call, options: { at?: string }) =>
        call.show(await call.get('/v1/ledger/trial_balance', { at: options.at })),
      ),
    )
  addLedgerDays(lika, ledger)
}

export function addBooks(lika: Lika): void {
  const { say } = lika
  const books = lika.noun('books', '账簿', 'the books')
  const verify = lika
    .verb(
      books,
      'verify',
      '审计全部账目；有误时退出码为 1',
      'audit everything; exit 1 when something is wrong',
    )
    .option(
      '--since-verified-cut',
      say('只审计上次日结之后的', 'only what came after the last cut that was verified'),
    )
    .action(
      lika.action(async (call, options: { sinceVerifiedCut?: true }) => {
        const since = options.sinceVerifiedCut ? 'verified_cut' : undefined
        const answer = await call.send({
          method: 'POST',
          path: '/v1/ledger/verify',
          query: { since },
          body: {},
          timeoutSeconds: longSeconds,
        })
        report(call, answer)
      }, 'operator-or-issuer'),
    )
  lika.examples(verify, 'books verify')
}

/** @throws NotInOrder naming the first row that is wrong. */
function report(call: Call, answer: Answer): void {
  const checked = memberAt(answer.body, 'checked')
  if (call.options.json) call.showText(answer)
  else if (isObject(checked)) {
    call.world.print(call.say('已核对', 'Checked'))
    for (const [name, value] of Object.entries(checked)) {
      call.world.print(`  ${name}: ${formatMember(`checked.${name}`, value)}`)
    }
  }
  if (memberAt(answer.body, 'ok') !== true) {
    const named = nameOf(memberAt(answer.body, 'first_wrong'))
    throw new NotInOrder(
      call.say(`账目有误，第一处：${named}`, `The books are wrong, first at ${named}`),
    )
  }
  if (!call.options.json) call.world.print(call.say('账目相符。', 'The books are in order.'))
}

/** `account, lane 3, id = '…', balance: why` */
function nameOf(row: Json | undefined): string {
  const text = (name: string) => formatMember(name, memberAt(row, name))
  const column = memberAt(row, 'column') === null ? '' : `, ${text('column')}`
  return `${text('table')}, lane ${text('lane')}, ${text('key')}${column}: ${text('why')}`
}
