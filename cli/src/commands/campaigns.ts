/** `lika campaigns …` and what campaigns give: `rebates`, `vouchers`, `presales`, and loads that are given back. */
import type { Command } from 'commander'
import type { PageOptions } from '../call.ts'
import type { JsonObject } from '../json.ts'
import { objectFile, yuan } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'
import { buyerOption, type Funded, fundingOf, fundingOptions } from './funding.ts'
import { addGiving } from './red-packets.ts'

const columns = ['id', 'status', 'version', 'latest_version', 'reference', 'created_at']

export function addCampaigns(lika: Lika): void {
  const { say } = lika
  const campaigns = lika.noun('campaigns', '营销活动', 'campaigns that give bonus and rebates')
  addProposals(lika, campaigns)

  lika
    .verb(
      campaigns,
      'publish <campaign>',
      '发布最新版本（须另一人）',
      'publish the newest version, by a second person',
    )
    .action(
      lika.action(async (call, campaign: string) =>
        call.show(await call.post(at`/v1/campaigns/${campaign}/publish`, {})),
      ),
    )
  lika
    .verb(campaigns, 'end <campaign>', '提前结束并收回预算', 'end it; its money comes back')
    .action(
      lika.action(async (call, campaign: string) =>
        call.show(await call.post(at`/v1/campaigns/${campaign}/end`, {})),
      ),
    )
  lika
    .listCreated(campaigns, 'list', '列出活动', 'list campaigns')
    .action(
      lika.action((call, options: ListOptions) =>
        call.list('/v1/campaigns', options, columns, { reference: options.reference }),
      ),
    )
  lika
    .verb(campaigns, 'show <campaign>', '查看活动', 'show a campaign')
    .action(
      lika.action(async (call, campaign: string) =>
        call.show(await call.get(at`/v1/campaigns/${campaign}`)),
      ),
    )
  lika
    .verb(campaigns, 'budget <campaign>', '预算与已发放', 'what it was given, gave and has left')
    .action(
      lika.action(async (call, campaign: string) =>
        call.show(await call.get(at`/v1/campaigns/${campaign}/budget`)),
      ),
    )
  lika
    .verb(campaigns, 'versions <campaign>', '所有版本与经办人', 'every version with its two people')
    .action(
      lika.action(async (call, campaign: string) =>
        call.show(await call.get(at`/v1/campaigns/${campaign}/versions`)),
      ),
    )
  lika
    .write(campaigns, 'claim <campaign>', '领取随机返利', 'claim a random rebate for a load')
    .requiredOption('--load <load>', say('本周的充值', 'a load of this week'))
    .action(
      lika.action(async (call, campaign: string, { load }: { load: string }) =>
        call.show(await call.make(at`/v1/campaigns/${campaign}/claims`, { load_id: load })),
      ),
    )
  lika
    .verb(
      campaigns,
      'run',
      '按日历过账到期返利（平时自动进行）',
      'post what is due by the calendar, as the schedule does by itself',
    )
    .action(lika.action(async (call) => call.show(await call.post('/v1/campaigns/run', {}))))
  addGiving(lika, campaigns)
}

function addProposals(lika: Lika, campaigns: Command): void {
  const { say } = lika
  const file = say(
    '活动条款（JSON，金额为分），- 为标准输入',
    'the terms as JSON (fen); - is stdin',
  )
  const propose = lika
    .verb(campaigns, 'propose', '提出活动', 'propose a campaign')
    .requiredOption('--file <file>', file, objectFile)
  propose.action(
    lika.action(async (call, { file: terms }: { file: JsonObject }) =>
      call.show(await call.post('/v1/campaigns', terms)),
    ),
  )
  lika.examples(propose, 'campaigns propose --file ladder.json')
  lika
    .verb(campaigns, 'change <campaign>', '提出下一版本', 'propose its next version')
    .requiredOption('--file <file>', file, objectFile)
    .action(
      lika.action(async (call, campaign: string, { file: terms }: { file: JsonObject }) =>
        call.show(await call.patch(at`/v1/campaigns/${campaign}`, terms)),
      ),
    )
}

const rebateColumns = ['id', 'campaign_id', 'card_id', 'source', 'amount', 'reversed', 'created_at']

export function addRebates(lika: Lika): void {
  const { say } = lika
  const rebates = lika.noun('rebates', '返利', 'what campaigns gave')
  lika
    .list(rebates, 'list', '列出返利', 'list rebates')
    .option('--card <card>', say('只列此卡', 'only those of this card'))
    .option('--campaign <campaign>', say('只列此活动', 'only those of this campaign'))
    .action(
      lika.action((call, options: PageOptions & { card?: string; campaign?: string }) =>
        call.list('/v1/rebates', options, rebateColumns, {
          card_id: options.card,
          campaign_id: options.campaign,
        }),
      ),
    )
  lika
    .verb(rebates, 'debt <card>', '持卡人欠回的返利', 'what the holder of a card owes of them')
    .action(
      lika.action(async (call, card: string) =>
        call.show(await call.get(at`/v1/cards/${card}/rebate_debt`)),
      ),
    )
}

export function addVouchers(lika: Lika): void {
  const vouchers = lika.noun('vouchers', '代金券', 'vouchers')
  lika
    .verb(vouchers, 'list <card>', '列出卡的代金券', 'list the vouchers of a card')
    .action(
      lika.action(async (call, card: string) =>
        call.show(await call.get(at`/v1/cards/${card}/vouchers`)),
      ),
    )
  lika
    .verb(vouchers, 'show <voucher>', '查看代金券', 'show a voucher')
    .action(
      lika.action(async (call, voucher: string) =>
        call.show(await call.get(at`/v1/vouchers/${voucher}`)),
      ),
    )
}

type Sell = Labels & Funded & { campaign: string }
const presaleColumns = ['id', 'campaign_id', 'status', 'price', 'face', 'card_id', 'created_at']

export function addPresales(lika: Lika): void {
  const { say } = lika
  const presales = lika.noun('presales', '预售', 'pre-sales')
  const sell = lika
    .labels(lika.write(presales, 'sell', '预售一张卡', 'sell a card that is delivered later'))
    .requiredOption('--campaign <campaign>', say('预售活动', 'the campaign'))
  buyerOption(lika, fundingOptions(lika, sell))
  sell.action(
    lika.action(async (call, options: Sell) => {
      const { campaign, buyer, agent, reference, metadata } = options
      const funding = fundingOf(options)
      const sent = { campaign_id: campaign, funding, buyer, agent, reference, metadata }
      call.show(await call.make('/v1/presales', body(sent)))
    }),
  )
  lika.examples(sell, 'presales sell --campaign camp_… --funding cash')
  lika
    .write(presales, 'deliver <presale>', '交付', 'deliver the card')
    .action(
      lika.action(async (call, presale: string) =>
        call.show(await call.make(at`/v1/presales/${presale}/deliver`, {})),
      ),
    )
  lika
    .write(presales, 'refund <presale>', '未交付退款', 'give back what was not delivered')
    .action(
      lika.action(async (call, presale: string) =>
        call.show(await call.make(at`/v1/presales/${presale}/refunds`, {})),
      ),
    )
  lika
    .verb(presales, 'show <presale>', '查看预售', 'show a pre-sale')
    .action(
      lika.action(async (call, presale: string) =>
        call.show(await call.get(at`/v1/presales/${presale}`)),
      ),
    )
  lika
    .list(presales, 'list', '列出预售', 'list pre-sales')
    .option('--campaign <campaign>', say('只列此活动', 'only those of this campaign'))
    .option('--status <status>', say('状态', 'status'))
    .action(
      lika.action((call, options: PageOptions & { campaign?: string; status?: string }) =>
        call.list('/v1/presales', options, presaleColumns, {
          campaign_id: options.campaign,
          status: options.status,
        }),
      ),
    )
}

type GiveBack = Labels & { amount: number; reason?: string }

export function addLoads(lika: Lika): void {
  const { say } = lika
  const loads = lika.noun('loads', '充值', 'loads that are given back')
  const refund = lika.labels(
    lika.write(loads, 'refund <load>', '充值退款，先收回赠送', 'give a load back, its bonus first'),
    true,
  )
  refund
    .requiredOption('--amount <yuan>', say('退回本金（元）', 'principal in yuan'), yuan)
    .option('--reason <text>', say('原因', 'why'))
    .action(
      lika.action(async (call, load: string, options: GiveBack) => {
        const { amount, reason, reference, metadata } = options
        const sent = body({ amount, reference, reason, metadata })
        call.show(await call.make(at`/v1/loads/${load}/refunds`, sent))
      }),
    )
  lika.examples(refund, 'loads refund load_… --amount 100 --reference R-1')
  lika
    .verb(loads, 'refunds <load>', '列出充值退款', 'list what was given back of a load')
    .action(
      lika.action(async (call, load: string) =>
        call.show(await call.get(at`/v1/loads/${load}/refunds`)),
      ),
    )
}
