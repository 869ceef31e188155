/** `lika custody …` and `lika guarantees …`: the accounts that hold the reserve, and what stands for a part of it. */
import { type Command, Option } from 'commander'
import type { Call, PageOptions } from '../call.ts'
import { UsageError } from '../failures.ts'
import { objectsAt } from '../json.ts'
import { day, readBytes, yuan } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'

type Account = Labels & { bank: string; bankCode: string; name: string; number: string }
type Statement = {
  day: string
  opening: number
  closing: number
  file: Buffer
  encoding: string
}
type Guarantee = Labels & {
  kind: string
  guarantor: string
  document: string
  amount: number
  from: string
  to: string
}

const accountColumns = ['id', 'bank_name', 'account_name', 'account_number', 'balance']
const movementColumns = ['id', 'day', 'kind', 'amount', 'settled', 'reference', 'created_at']
const statementColumns = ['id', 'custody_id', 'day', 'opening_balance', 'closing_balance', 'lines']
const lineColumns = ['line', 'amount', 'reference', 'bank_number', 'movement_id', 'case_id']
const guaranteeColumns = ['id', 'kind', 'guarantor', 'amount', 'valid_from', 'valid_to', 'ended_on']

export function addCustody(lika: Lika): void {
  const { say } = lika
  const custody = lika.noun('custody', '存管账户', 'accounts that hold the reserve')

  const open = lika
    .labels(lika.write(custody, 'open', '登记存管账户', 'put an account on record'))
    .requiredOption('--bank <name>', say('开户银行', 'the bank'))
    .requiredOption('--bank-code <code>', say('银行行号', "the bank's code"))
    .requiredOption('--name <name>', say('户名', 'the name of the account'))
    .requiredOption('--number <number>', say('账号', 'its number'))
  open.action(
    lika.action(async (call, options: Account) => {
      const { bank, bankCode, name, number, reference, metadata } = options
      const account = { bank_name: bank, bank_code: bankCode, account_name: name }
      const sent = body({ ...account, account_number: number, reference, metadata })
      call.show(await call.make('/v1/custody_accounts', sent))
    }),
  )
  lika
    .verb(custody, 'list', '列出存管账户', 'list the accounts')
    .action(lika.action((call) => showAll(call, '/v1/custody_accounts', accountColumns)))
  lika
    .verb(custody, 'show <account>', '查看存管账户', 'show an account')
    .action(
      lika.action(async (call, account: string) =>
        call.show(await call.get(at`/v1/custody_accounts/${account}`)),
      ),
    )
  addMovements(lika, custody)
  addStatements(lika, custody)
}

function addMovements(lika: Lika, custody: Command): void {
  for (const [name, kind, zh, en] of [
    ['deposit', 'deposit', '自有账户转入存管', "put money aside from the issuer's bank"],
    ['withdraw', 'withdrawal', '存管转回自有账户', "take money back to the issuer's bank"],
    ['pay-holders', 'redemption_payout', '向退卡人付款', 'pay holders of redeemed cards'],
  ] as const) {
    lika.labels(lika.write(custody, `${name} <account> <amount>`, zh, en)).action(
      lika.action(
        async (call, account: string, amount: string, { reference, metadata }: Labels) => {
          const sent = body({ kind, amount: yuan(amount), reference, metadata })
          call.show(await call.make(at`/v1/custody_accounts/${account}/movements`, sent))
        },
      ),
    )
  }
  lika
    .list(custody, 'movements <account>', '存管划转', 'what moved on an account by the books')
    .option('--open', lika.say('只列银行尚未显示的', 'only what the bank has not shown yet'))
    .action(
      lika.action((call, account: string, options: PageOptions & { open?: true }) =>
        call.list(at`/v1/custody_accounts/${account}/movements`, options, movementColumns, {
          settled: options.open ? 'false' : undefined,
        }),
      ),
    )
}

function addStatements(lika: Lika, custody: Command): void {
  const { say } = lika
  const bring = lika
    .verb(custody, 'import <account>', '导入银行对账单', "bring in the bank's statement of a day")
    .requiredOption('--day <day>', say('对账单日期', 'of which day'), day)
    .requiredOption('--opening <yuan>', say('期初余额', 'the balance before it'), yuan)
    .requiredOption('--closing <yuan>', say('期末余额', 'the balance after it'), yuan)
    .requiredOption('--file <file>', say('CSV 文件，- 为标准输入', 'CSV; - is stdin'), readBytes)
    .addOption(
      new Option('--encoding <encoding>', say('文件编码', 'how the file is written'))
        .choices(['utf-8', 'gbk'])
        .default('utf-8'),
    )
  bring.action(
    lika.action(async (call, account: string, options: Statement) => {
      const sent = {
        day: options.day,
        opening_balance: options.opening,
        closing_balance: options.closing,
        content: decoded(call, options),
      }
      call.show(await call.post(at`/v1/custody_accounts/${account}/statements`, sent))
    }),
  )
  lika.examples(
    bring,
    'custody import cust_… --day 2026-11-24 --opening 1,000 --closing 995 --file 20261124.csv',
  )
  lika
    .list(custody, 'statements', '列出银行对账单', 'list bank statements')
    .option('--account <account>', say('只列此账户', 'only those of this account'))
    .action(
      lika.action((call, options: PageOptions & { account?: string }) =>
        call.list('/v1/bank_statements', options, statementColumns, {
          custody_id: options.account,
        }),
      ),
    )
  lika
    .verb(custody, 'statement <statement>', '查看银行对账单', 'show a bank statement')
    .action(
      lika.action(async (call, statement: string) =>
        call.show(await call.get(at`/v1/bank_statements/${statement}`)),
      ),
    )
  lika
    .list(custody, 'lines <statement>', '对账单明细', 'the lines of a bank statement')
    .action(
      lika.action((call, statement: string, options: PageOptions) =>
        call.list(at`/v1/bank_statements/${statement}/lines`, options, lineColumns),
      ),
    )
}

export function addGuarantees(lika: Lika): void {
  const { say } = lika
  const guarantees = lika.noun(
    'guarantees',
    '保证保险与保函',
    'what stands for a part of the reserve',
  )
  const register = lika
    .labels(lika.write(guarantees, 'register', '登记担保', 'register a guarantee'))
    .requiredOption('--kind <kind>', 'surety_insurance | bank_guarantee')
    .requiredOption('--guarantor <name>', say('担保人', 'who gives it'))
    .requiredOption('--document <number>', say('保单或保函编号', 'the number of its document'))
    .requiredOption('--amount <yuan>', say('担保金额', 'for how much'), yuan)
    .requiredOption('--from <day>', say('首日', 'its first day'), day)
    .requiredOption('--to <day>', say('末日（含）', 'its last day'), day)
  register.action(
    lika.action(async (call, options: Guarantee) => {
      const { kind, guarantor, document, amount, from, to, reference, metadata } = options
      const given = { kind, guarantor, document_number: document, amount }
      const sent = body({ ...given, valid_from: from, valid_to: to, reference, metadata })
      call.show(await call.make('/v1/guarantees', sent))
    }),
  )
  lika
    .verb(guarantees, 'list', '列出担保', 'list guarantees')
    .action(lika.action((call) => showAll(call, '/v1/guarantees', guaranteeColumns)))
  lika
    .verb(guarantees, 'show <guarantee>', '查看担保', 'show a guarantee')
    .action(
      lika.action(async (call, guarantee: string) =>
        call.show(await call.get(at`/v1/guarantees/${guarantee}`)),
      ),
    )
  lika
    .write(
      guarantees,
      'approve <guarantee>',
      '复核担保（须另一人）',
      'agree that it counts, as a second person',
    )
    .action(
      lika.action(async (call, guarantee: string) =>
        call.show(await call.make(at`/v1/guarantees/${guarantee}/approve`, {})),
      ),
    )
  lika
    .write(guarantees, 'end <guarantee>', '提前终止担保', 'end a guarantee before its time')
    .action(
      lika.action(async (call, guarantee: string) =>
        call.show(await call.make(at`/v1/guarantees/${guarantee}/end`, {})),
      ),
    )
}

/** @throws UsageError where the bytes are not of that encoding. */
function decoded(call: Call, { file, encoding }: Statement): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(file)
  } catch {
    throw new UsageError(
      call.say(`文件不是 ${encoding} 编码`, `The file is not written in ${encoding}`),
    )
  }
}

/** A list that has no pages. */
async function showAll(call: Call, path: string, columns: readonly string[]): Promise<void> {
  const answer = await call.get(path)
  if (call.options.json) call.showText(answer)
  else call.showRows(objectsAt(answer.body, 'data'), columns)
}
