/** `lika wechat bills|shares|sharing …`: what WeChat's bills say, and who gets a share of what is sold by it. */
import type { Command } from 'commander'
import type { PageOptions } from '../call.ts'
import { UsageError } from '../failures.ts'
import { type JsonObject, objectsAt } from '../json.ts'
import { day, receiver, several } from '../option-values.ts'
import { body, type Lika } from '../verbs.ts'

const billColumns = [
  ['day', 'account_id', 'status', 'payments', 'paid_amount', 'refunds', 'refunded_amount'],
  ['fees', 'funds', 'learnt', 'exceptions'],
].flat()
const shareColumns = [
  ['sale_id', 'status', 'reason', 'amount', 'returned_amount', 'rest', 'rest_reason'],
  ['attention', 'next_at', 'created_at'],
].flat()
const receiverColumns = ['mchid', 'member_id', 'name', 'relation', 'share_bp']
const ruleColumns = ['product_id', 'merchant_id', ...receiverColumns, 'created_at']

export function addWechatMoney(lika: Lika, wechat: Command): void {
  const { say } = lika
  lika
    .list(wechat, 'bills', '已对账的微信账单', "days of WeChat's bills held against the books")
    .option('--day <date>', say('只列此日', 'only this day'), day)
    .action(
      lika.action((call, options: PageOptions & { day?: string }) =>
        call.list('/v1/wechat/bills', options, billColumns, { day: options.day }),
      ),
    )
  lika
    .list(wechat, 'shares', '列出分账', 'list shares of sales and how far they are')
    .option('--attention', say('只列需人工处理者', 'only those that a person has to look at'))
    .action(
      lika.action((call, options: PageOptions & { attention?: true }) =>
        call.list('/v1/wechat/shares', options, shareColumns, {
          attention: options.attention === true ? 'true' : undefined,
        }),
      ),
    )
  addRules(lika, wechat)
}

type Rule = { product?: string; merchant?: string; receiver?: JsonObject[]; none?: true }

function addRules(lika: Lika, wechat: Command): void {
  const { say } = lika
  const sharing = wechat
    .command('sharing')
    .description(say('分账规则', 'who gets what share of sales'))
  const set = lika
    .verb(sharing, 'set', '设定分账，以最新一条为准', 'say who gets what share; the newest holds')
    .option('--product <product>', say('此产品的订单', 'of orders of this product'))
    .option(
      '--merchant <merchant>',
      say('此商户的组合支付', 'of combined payments at this merchant'),
    )
    .option(
      '--receiver <payee,relation,percent,name>',
      say(
        '接收方商户号或会员、关系（STORE、STAFF 等）、百分比、全称（会员可省略），可多次',
        'who gets it: number or member, relation (STORE, STAFF, …), percentage, full name (a member may go without); repeatable',
      ),
      several(receiver),
    )
    .option('--none', say('不再分账', 'nothing is shared any more'))
  set.action(
    lika.action(async (call, { product, merchant, receiver: receivers, none }: Rule) => {
      if ((product === undefined) === (merchant === undefined))
        throw new UsageError(
          say('请给出 --product 或 --merchant 之一。', 'Give either --product or --merchant.'),
        )
      if ((receivers === undefined) === (none === undefined))
        throw new UsageError(say('请给出 --receiver 或 --none。', 'Give --receiver or --none.'))
      const sent = { product_id: product, merchant_id: merchant, receivers: receivers ?? [] }
      call.show(await call.post('/v1/wechat/sharing_rules', body(sent)))
    }),
  )
  lika.examples(
    set,
    'wechat sharing set --product prod_… --receiver 1900000109,STORE,12.5,星河餐饮有限公司',
    'wechat sharing set --product prod_… --receiver mem_…,STAFF,2',
    'wechat sharing set --merchant merch_… --none',
  )
  lika
    .verb(
      sharing,
      'retry <sale>',
      '立即重试一笔分账或解冻',
      'have a share tried now, or what is left of the sale let go',
    )
    .action(
      lika.action(async (call, sale: string) => {
        call.show(await call.post('/v1/wechat/shares/retry', body({ sale_id: sale })))
      }),
    )
  lika
    .list(sharing, 'list', '列出分账规则', 'list rules, the newest first')
    .action(
      lika.action((call, options: PageOptions) =>
        call.list('/v1/wechat/sharing_rules', options, ruleColumns, {}, rowsOfRule),
      ),
    )
}

/** A row for each receiver; one for a rule that ends sharing. */
function rowsOfRule(rule: JsonObject): readonly JsonObject[] {
  const receivers = objectsAt(rule, 'receivers')
  return receivers.length === 0 ? [rule] : receivers.map((one) => ({ ...rule, ...one }))
}
