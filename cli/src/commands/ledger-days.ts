/** `lika ledger day|account-days|…correction`: the books by business day, and entries that are taken back by two people. */
import type { Command } from 'commander'
import type { PageOptions } from '../call.ts'
import { download } from '../files.ts'
import { objectsAt } from '../json.ts'
import { day } from '../option-values.ts'
import { at, type Lika } from '../verbs.ts'

type Stretch = { from: string; to: string; output?: string }

const trialColumns = [
  'number',
  'name_zh',
  'opening_debit',
  'opening_credit',
  'debits',
  'credits',
  'closing_debit',
  'closing_credit',
]
const dayColumns = ['day', 'opening', 'debits', 'credits', 'closing']
const correctionColumns = ['id', 'entry_id', 'status', 'reason', 'proposed_by', 'decided_by']

export function addLedgerDays(lika: Lika, ledger: Command): void {
  const { say } = lika
  const output = say('CSV 文件；- 为标准输出', 'CSV, into this file; - is stdout')
  lika
    .verb(ledger, 'day <day>', '某日试算平衡表', 'the trial balance of a business day')
    .option('--output <file>', output)
    .action(
      lika.action(async (call, asked: string, { output: file }: { output?: string }) => {
        const path = '/v1/ledger/days/trial_balance'
        const query = { day: day(asked) }
        if (file !== undefined) return download(call, { path, query, accept: 'text/csv' }, file)
        const answer = await call.get(path, query)
        if (call.options.json) return call.showText(answer)
        return call.showRows(objectsAt(answer.body, 'data'), trialColumns)
      }),
    )
  lika
    .verb(ledger, 'account-days <account>', '账户按日对账', 'an account by business days')
    .requiredOption('--from <day>', say('首日', 'the first day'), day)
    .requiredOption('--to <day>', say('末日（含）', 'the last day'), day)
    .option('--output <file>', output)
    .action(
      lika.action(async (call, account: string, { from, to, output: file }: Stretch) => {
        const path = at`/v1/ledger/accounts/${account}/days`
        const query = { from, to }
        if (file !== undefined) return download(call, { path, query, accept: 'text/csv' }, file)
        const answer = await call.get(path, query)
        if (call.options.json) return call.showText(answer)
        return call.showRows(objectsAt(answer.body, 'data'), dayColumns)
      }),
    )
  addCorrections(lika, ledger)
}

function addCorrections(lika: Lika, ledger: Command): void {
  const correct = lika
    .write(ledger, 'correct <entry>', '申请冲正分录', 'ask for the reversal of an entry')
    .requiredOption('--reason <text>', lika.say('理由', 'the reason'))
  correct.action(
    lika.action(async (call, entry: string, { reason }: { reason: string }) =>
      call.show(await call.make(at`/v1/ledger/entries/${entry}/corrections`, { reason })),
    ),
  )
  lika.examples(correct, 'ledger correct ent_… --reason "typed twice"')
  lika
    .list(ledger, 'corrections', '列出冲正', 'list corrections')
    .action(
      lika.action((call, options: PageOptions) =>
        call.list('/v1/ledger/corrections', options, correctionColumns),
      ),
    )
  lika
    .verb(ledger, 'correction <correction>', '查看冲正', 'show a correction')
    .action(
      lika.action(async (call, correction: string) =>
        call.show(await call.get(at`/v1/ledger/corrections/${correction}`)),
      ),
    )
  for (const [name, verb, zh, en] of [
    [
      'approve-correction',
      'approve',
      '复核冲正（须另一人）',
      'agree to a reversal, as a second person',
    ],
    [
      'reject-correction',
      'reject',
      '驳回冲正（须另一人）',
      'refuse a reversal, as a second person',
    ],
  ] as const) {
    lika
      .write(ledger, `${name} <correction>`, zh, en)
      .action(
        lika.action(async (call, correction: string) =>
          call.show(await call.make(at`/v1/ledger/corrections/${correction}/${verb}`, {})),
        ),
      )
  }
}
