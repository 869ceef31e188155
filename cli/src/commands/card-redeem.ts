/** `lika cards redeem` and `lika redemptions …`: a card is given back for money. */
import { type Command, Option } from 'commander'
import type { JsonObject } from '../json.ts'
import { count, day, objectFile, yuan } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'

type Redeem = Labels & {
  reason: string
  account?: JsonObject
  holder?: JsonObject
  listPrice?: number
  termDays?: number
  usedDays?: number
  rescindedOn?: string
  dryRun?: true
}

export function addCardRedeem(lika: Lika, cards: Command): void {
  const { say } = lika
  const reason = new Option(
    '--reason <reason>',
    say('无理由、消费者原因、经营者原因、提现', 'why, and by whose reason'),
  )
    .choices(['cooling_off', 'consumer', 'operator', 'withdrawal'])
    .makeOptionMandatory()
  const redeem = lika
    .labels(lika.write(cards, 'redeem <card>', '退卡退款', 'redeem a card for money'))
    .addOption(reason)
    .option(
      '--account <file>',
      say(
        '收款账户 JSON 文件（account_name,account_number），- 为标准输入；不给则原路退回',
        'the account, a JSON file (account_name,account_number), - is stdin; else back the way it came',
      ),
      objectFile,
    )
    .option(
      '--holder <file>',
      say('持卡人 JSON 文件，格式同购卡人', 'whoever brings the card, a file like that of a buyer'),
      objectFile,
    )
    .option(
      '--list-price <yuan>',
      say('已兑付部分的原价', 'undiscounted price of what was had'),
      yuan,
    )
    .option('--term-days <n>', say('期限卡总天数', 'days of a term card'), count)
    .option('--used-days <n>', say('已过天数', 'days of it that are over'), count)
    .option('--rescinded-on <day>', say('合同解除日', 'day on which the contract ended'), day)
    .option('--dry-run', say('只试算', 'only say what would happen'))
  redeem.action(
    lika.action(async (call, card: string, options: Redeem) => {
      const { account, reference, metadata, termDays, usedDays } = options
      const method = account === undefined ? 'original_route' : 'same_name_account'
      const sent = {
        reason: options.reason,
        payout: { method, ...account },
        holder: options.holder,
        list_price: options.listPrice,
        term: termDays === undefined ? undefined : { days: termDays, used_days: usedDays ?? 0 },
        rescinded_on: options.rescindedOn,
        dry_run: options.dryRun,
        reference,
        metadata,
      }
      call.show(await call.make(at`/v1/cards/${card}/redemptions`, body(sent)))
      if (options.dryRun)
        call.world.note(call.say('仅为试算，未退卡。', 'Only a dry run: nothing was redeemed.'))
    }),
  )
  lika.examples(
    redeem,
    'cards redeem card_… --reason consumer --account account.json --dry-run',
    'cards redeem card_… --reason cooling_off',
  )
}

export function addRedemptions(lika: Lika): void {
  const redemptions = lika.noun('redemptions', '退卡', 'cards given back for money')
  lika
    .verb(redemptions, 'show <redemption>', '查看退卡', 'show a redemption')
    .action(
      lika.action(async (call, redemption: string) =>
        call.show(await call.get(at`/v1/redemptions/${redemption}`)),
      ),
    )
}
