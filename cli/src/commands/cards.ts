/** `lika cards …`: issuing, finding and reading cards. What changes a card's state or money is in
 * card-life.ts and card-money.ts. */
import { cardStatuses } from '@lika/contract'
import { type Command, Option } from 'commander'
import type { PageOptions } from '../call.ts'
import { download } from '../files.ts'
import { count, fromInstant, onlyStdin, toInstant, yuan } from '../option-values.ts'
import { readSecret } from '../secrets.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'
import { addCardLife } from './card-life.ts'
import { addCardMoney } from './card-money.ts'
import { addCardRedeem } from './card-redeem.ts'
import { cardColumns } from './card-table.ts'
import { buyerOption, type Funded, fundingOf, fundingOptions } from './funding.ts'
import { waitForJob, waitOption } from './jobs.ts'

export function addCards(lika: Lika): void {
  const cards = lika.noun('cards', '卡', 'cards')
  addIssue(lika, cards)
  addBatch(lika, cards)
  addList(lika, cards)
  addLookup(lika, cards)
  addCardLife(lika, cards)
  addCardMoney(lika, cards)
  addCardRedeem(lika, cards)
  addStatement(lika, cards)
}

type Issue = Labels &
  Funded & { product: string; amount: number; bonus?: number; activate?: boolean }

function activateOptions(lika: Lika, command: Command): Command {
  const { say } = lika
  return command
    .option(
      '--activate',
      say('立即激活（电子卡默认）', 'activate at once (default of virtual cards)'),
    )
    .option('--no-activate', say('暂不激活（实体卡默认）', 'not yet (default of physical cards)'))
}

function addIssue(lika: Lika, cards: Command): void {
  const { say } = lika
  const issue = lika.write(cards, 'issue', '发一张卡', 'issue a card')
  issue
    .requiredOption('--product <product>', say('产品', 'product'))
    .requiredOption('--amount <yuan>', say('本金（元）', 'principal in yuan'), yuan)
    .option('--bonus <yuan>', say('赠送金（元）', 'bonus in yuan'), yuan)
  buyerOption(lika, activateOptions(lika, fundingOptions(lika, lika.labels(issue))))
  lika.examples(
    issue,
    'cards issue --product prod_… --amount 100 --funding cash',
    'cards issue --product prod_… --amount 1,000 --bonus 50 --funding wechat --funding-reference 4200… --buyer buyer.json',
  )
  issue.action(
    lika.action(async (call, options: Issue) => {
      const { product, amount, bonus, activate, buyer, agent, reference, metadata } = options
      const sent = body({
        product_id: product,
        amount,
        bonus_amount: bonus,
        buyer,
        agent,
        funding: fundingOf(options),
        activate,
        reference,
        metadata,
      })
      call.show(await call.make('/v1/cards', sent))
    }),
  )
}

type Batch = Issue & { count: number; ageRecipient?: string; wait?: true }

function addBatch(lika: Lika, cards: Command): void {
  const { say } = lika
  const batch = lika.write(cards, 'batch', '批量制卡（任务）', 'issue many cards (a job)')
  batch
    .requiredOption('--product <product>', say('产品', 'product'))
    .requiredOption('--amount <yuan>', say('每张本金（元）', 'principal of each in yuan'), yuan)
    .requiredOption('--count <n>', say('张数', 'how many'), count)
    .option('--age-recipient <age1…>', say('制卡商的 age 公钥', "the printer's age public key"))
  const funded = fundingOptions(lika, lika.labels(batch))
  waitOption(lika, buyerOption(lika, activateOptions(lika, funded)))
  lika.examples(
    batch,
    'cards batch --product prod_… --amount 100 --count 100000 --funding bank_transfer --funding-reference 7781 --wait',
    'cards batch --product prod_… --amount 50 --count 500 --funding none --age-recipient age1…',
  )
  batch.action(
    lika.action(async (call, options: Batch) => {
      const { product, amount, buyer, agent, activate, ageRecipient, reference, metadata } = options
      const sent = body({
        product_id: product,
        amount,
        count: options.count,
        buyer,
        agent,
        funding: fundingOf(options),
        activate,
        age_recipient: ageRecipient,
        reference,
        metadata,
      })
      await waitForJob(call, await call.make('/v1/cards/batches', sent), options.wait)
    }),
  )
}

type Filter = PageOptions & {
  number?: string
  last4?: string
  status?: string
  product?: string
  batch?: string
}

function addList(lika: Lika, cards: Command): void {
  const { say } = lika
  const list = lika
    .list(cards, 'list', '查找卡', 'find cards')
    .option('--number <number>', say('完整卡号', 'the whole number'))
    .option('--last4 <digits>', say('卡号后四位', 'last four digits'))
    .addOption(new Option('--status <status>', say('状态', 'status')).choices(cardStatuses))
    .option('--product <product>', say('产品', 'product'))
    .option('--batch <batch>', say('批次', 'batch'))
    .action(
      lika.action((call, options: Filter) => {
        const { number, last4, status, product, batch } = options
        const filter = { number, last4, status, product_id: product, batch_id: batch }
        return call.list('/v1/cards', options, cardColumns, filter)
      }),
    )
  lika.examples(list, 'cards list --status frozen', 'cards list --batch batch_… --all --json')

  lika
    .verb(cards, 'show <card>', '查看卡', 'show a card')
    .option('--at <time>', say('某一时刻的余额', 'its balance at that time'), fromInstant)
    .action(
      lika.action(async (call, card: string, options: { at?: string }) =>
        call.show(await call.get(at`/v1/cards/${card}`, { at: options.at })),
      ),
    )

  lika
    .verb(cards, 'export', '导出全部卡（CSV）', 'export all cards (CSV)')
    .option('--output <file>', say('写入新文件，默认标准输出', 'into a new file, else to stdout'))
    .action(
      lika.action((call, { output }: { output?: string }) =>
        download(call, { path: '/v1/exports/cards.csv', accept: 'text/csv' }, output),
      ),
    )
}

function addLookup(lika: Lika, cards: Command): void {
  const { say } = lika
  const lookup = lika
    .verb(cards, 'lookup', '凭卡号与卡密查卡', 'find a card by number and secret')
    .requiredOption('--number <number>', say('卡号', 'card number'))
    .option(
      '--secret <->',
      say('卡密从标准输入读取（默认即是）', 'read the secret from stdin, as without'),
      onlyStdin,
    )
    .action(
      lika.action(async (call, { number }: { number: string }) => {
        const secret = await readSecret(call, '卡密', 'secret of the card')
        call.show(await call.post('/v1/cards/lookup', { number, secret }))
      }),
    )
  lika.examples(
    lookup,
    'cards lookup --number 9…',
    'cards lookup --number 9… --secret - < secret.txt',
  )

  lika
    .write(
      cards,
      'reveal <card>',
      '查看卡号与卡密（需 cards:reveal 权限）',
      'show number and secret (scope cards:reveal)',
    )
    .action(
      lika.action(async (call, card: string) =>
        call.show(await call.make(at`/v1/cards/${card}/reveal`, {})),
      ),
    )
  lika
    .write(cards, 'reset-secret <card>', '换新卡密', 'give the card a new secret')
    .action(
      lika.action(async (call, card: string) =>
        call.show(await call.make(at`/v1/cards/${card}/reset_secret`, {})),
      ),
    )
  lika
    .verb(cards, 'pay-code <card>', '生成付款码（60 秒内有效）', 'make a pay code (good for 60 s)')
    .action(
      lika.action(async (call, card: string) =>
        call.show(await call.post(at`/v1/cards/${card}/pay_codes`, {})),
      ),
    )
}

type Statement = PageOptions & { from?: string; to?: string; csv?: true; output?: string }

const lineColumns = [
  'at',
  'kind',
  'reference',
  'counterparty',
  'sub_balance',
  'amount',
  'balance_before',
  'balance_after',
]

function addStatement(lika: Lika, cards: Command): void {
  const { say } = lika
  const statement = lika
    .list(cards, 'statement <card>', '对账单，从旧到新', 'statement, oldest first')
    .option('--from <time>', say('从：日期或时刻', 'from: a day or an instant'), fromInstant)
    .option(
      '--to <time>',
      say('到：日期（含当天）或时刻', 'to: a day (itself included) or an instant'),
      toInstant,
    )
    .option('--csv', say('CSV 格式', 'as CSV'))
    .option('--output <file>', say('CSV 写入新文件', 'CSV into a new file'))
    .action(
      lika.action((call, card: string, options: Statement) => {
        const { from, to, csv, output, limit, cursor } = options
        const path = at`/v1/cards/${card}/statement`
        if (!csv && output === undefined) {
          return call.list(path, options, lineColumns, { from, to })
        }
        const query = { from, to, limit, cursor }
        return download(call, { path, query, accept: 'text/csv' }, output)
      }),
    )
  lika.examples(statement, 'cards statement card_… --from 2026-11-01 --to 2026-11-30 --csv')
}
