/** `lika reserve …`: what must be set aside for holders and is, and what the authority is told of it. */
import { download } from '../files.ts'
import { objectsAt } from '../json.ts'
import { day, yuan } from '../option-values.ts'
import { body, type Lika } from '../verbs.ts'

type Profile = { class: string; revenue?: number; topUpDeposit?: true; began?: string }
type Days = { from: string; to: string }
type Filed = Days & { output?: string }

const positionColumns = ['day', 'rule', 'base', 'required', 'custody', 'bank', 'shortfall']
const balanceColumns = ['day', 'opening', 'issued', 'spent', 'refunded', 'redeemed', 'closing']

export function addReserve(lika: Lika): void {
  const { say } = lika
  const reserve = lika.noun('reserve', '存管资金', 'the reserve')
  const output = say('写入文件；- 为标准输出', 'into this file; - is stdout')
  const stretch = (name: string, zh: string, en: string) =>
    lika
      .verb(reserve, name, zh, en)
      .requiredOption('--from <day>', say('首日', 'the first day'), day)
      .requiredOption('--to <day>', say('末日（含）', 'the last day'), day)

  const profile = lika
    .verb(reserve, 'profile', '查看或登记企业类别', 'show of which class the issuer is, or say so')
    .option('--class <class>', 'scale | group | brand | other')
    .option(
      '--revenue <yuan>',
      say('上年度主营业务收入', 'revenue of the last financial year'),
      yuan,
    )
    .option('--top-up-deposit', say('选用充值保证金', 'keep the deposit on top-ups'))
    .option('--began <day>', say('开展业务日期', 'the first day of the business'), day)
  profile.action(
    lika.action(async (call, options: Partial<Profile>) => {
      const { class: issuerClass, revenue, topUpDeposit, began } = options
      if (issuerClass === undefined) return call.show(await call.get('/v1/reserve/profile'))
      const sent = body({
        issuer_class: issuerClass,
        last_year_revenue: revenue,
        top_up_deposit: topUpDeposit,
        business_began: began,
      })
      return call.show(await call.post('/v1/reserve/profile', sent))
    }),
  )
  lika.examples(profile, 'reserve profile --class brand --revenue 9,000,000')

  lika
    .verb(
      reserve,
      'approve-profile',
      '复核企业类别的变更（须另一人）',
      'agree to a change of the profile, as a second person',
    )
    .action(
      lika.action(async (call) => call.show(await call.post('/v1/reserve/profile/approve', {}))),
    )
  lika
    .verb(reserve, 'show', '应存管与已存管', 'what must be set aside now, and what is')
    .action(lika.action(async (call) => call.show(await call.get('/v1/reserve'))))
  lika
    .verb(reserve, 'positions', '每日存管情况', 'the reserve at the end of each day')
    .option('--from <day>', say('首日', 'the first day'), day)
    .option('--to <day>', say('末日（含）', 'the last day'), day)
    .action(
      lika.action((call, { from, to }: Partial<Days>) =>
        call.list('/v1/reserve/positions', {}, positionColumns, { from, to }),
      ),
    )
  lika
    .verb(reserve, 'quarter <quarter>', '季度报告', 'the quarterly set, such as of 2026Q3')
    .option('--output <file>', `CSV: ${output}`)
    .action(
      lika.action(async (call, quarter: string, { output: file }: { output?: string }) => {
        const path = '/v1/reserve/quarters'
        if (file === undefined) return call.show(await call.get(path, { quarter }))
        return download(call, { path, query: { quarter }, accept: 'text/csv' }, file)
      }),
    )
  stretch('balances', '余额台账', 'the balance ledger')
    .option('--output <file>', `CSV: ${output}`)
    .action(
      lika.action(async (call, { from, to, output: file }: Filed) => {
        const path = '/v1/reserve/balance_ledger'
        const query = { from, to }
        if (file !== undefined) return download(call, { path, query, accept: 'text/csv' }, file)
        const answer = await call.get(path, query)
        if (call.options.json) return call.showText(answer)
        return call.showRows(objectsAt(answer.body, 'data'), balanceColumns)
      }),
    )
  stretch('turnover', '资金周转天数', 'how many days money lies on cards').action(
    lika.action(async (call, { from, to }: Days) =>
      call.show(await call.get('/v1/reserve/turnover', { from, to })),
    ),
  )
  for (const [name, path, zh, en] of [
    ['issuance', '/v1/reserve/issuance_ledger.csv', '发卡台账（CSV）', 'the issuance ledger, CSV'],
    ['buyers', '/v1/reserve/buyers.csv', '购卡人登记（CSV）', 'the register of buyers, CSV'],
  ] as const) {
    stretch(name, zh, en)
      .option('--output <file>', output)
      .action(
        lika.action((call, { from, to, output: file }: Filed) =>
          download(call, { path, query: { from, to }, accept: 'text/csv' }, file),
        ),
      )
  }
}
