/** `lika orders …`: cards and top-ups that are sold through WeChat, from the order to the money that goes back. */
import { type Command, Option } from 'commander'
import type { PageOptions } from '../call.ts'
import type { JsonObject } from '../json.ts'
import { count, objectFile, yuan } from '../option-values.ts'
import { type PayersCard, payersCardBody, payersCardOptions } from '../payers-card.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

const columns = ['id', 'kind', 'status', 'total', 'refunded_amount', 'reference', 'created_at']
const channels = ['official_account', 'mini_program', 'h5', 'till', 'corporate']
const scenes = ['jsapi', 'mini_program', 'native', 'h5']

export function addOrders(lika: Lika): void {
  const orders = lika.noun('orders', '订单', 'sales through WeChat')
  addSale(lika, orders)
  addPayment(lika, orders)
  addAfterwards(lika, orders)
  addReads(lika, orders)
}

type Sale = Labels & {
  amount: number
  bonus?: number
  quantity?: number
  channel: string
  member?: string
  buyer?: JsonObject
  payWithin?: number
}

function saleOptions(lika: Lika, command: Command): Command {
  const { say } = lika
  const buyer = say('购卡人 JSON 文件，- 为标准输入', 'the buyer, a JSON file; - is stdin')
  return lika
    .labels(command)
    .requiredOption('--amount <yuan>', say('每张本金（元）', 'principal of each, in yuan'), yuan)
    .addOption(
      new Option('--channel <channel>', say('销售渠道', 'where it is sold'))
        .choices(channels)
        .default('official_account'),
    )
    .option('--member <member>', say('会员', 'who orders'))
    .option('--buyer <file>', buyer, objectFile)
    .option('--pay-within <minutes>', say('支付时限（分钟）', 'minutes in which it is paid'), count)
}

function saleBody({ amount, bonus, quantity, channel, member, buyer, ...rest }: Sale) {
  const { payWithin, reference, metadata } = rest
  return {
    amount,
    bonus_amount: bonus,
    quantity,
    channel,
    member_id: member,
    buyer,
    pay_within_minutes: payWithin,
    reference,
    metadata,
  }
}

function addSale(lika: Lika, orders: Command): void {
  const { say } = lika
  const buy = saleOptions(lika, lika.write(orders, 'buy <product>', '下单购卡', 'order cards'))
  buy.option('--quantity <n>', say('张数', 'how many cards'), count).action(
    lika.action(async (call, product: string, options: Sale) => {
      const sent = { kind: 'purchase', product_id: product, ...saleBody(options) }
      call.show(await call.make('/v1/orders', body(sent)))
    }),
  )
  lika.examples(buy, 'orders buy prod_… --amount 100 --channel till')

  const topUp = saleOptions(
    lika,
    lika.write(orders, 'top-up <card>', '下单充值', 'order a top-up of a card'),
  )
  topUp.option('--bonus <yuan>', say('赠送（元）', 'given on top, in yuan'), yuan).action(
    lika.action(async (call, card: string, options: Sale) => {
      const sent = { kind: 'top_up', card_id: card, ...saleBody(options) }
      call.show(await call.make('/v1/orders', body(sent)))
    }),
  )
  lika.examples(topUp, 'orders top-up card_… --amount 500 --bonus 25')

  const review = lika
    .write(
      orders,
      'review <order>',
      '审核大额充值（须另一人）',
      'agree to a large top-up, as a second person',
    )
    .addOption(
      new Option('--decision <decision>', say('同意或拒绝', 'what is decided'))
        .choices(['approve', 'reject'])
        .makeOptionMandatory(),
    )
  review.action(
    lika.action(async (call, order: string, { decision }: { decision: string }) =>
      call.show(await call.make(at`/v1/orders/${order}/review`, { decision })),
    ),
  )
}

type Pay = { scene: string; app?: string; clientIp?: string }

function addPayment(lika: Lika, orders: Command): void {
  const { say } = lika
  const pay = lika
    .write(orders, 'pay <order>', '请买家付款', 'ask the buyer to pay')
    .addOption(
      new Option('--scene <scene>', say('付款方式', 'where the buyer pays'))
        .choices(scenes)
        .default('native'),
    )
    .option('--app <id>', say('公众号或小程序', 'in which app'))
    .option(
      '--client-ip <address>',
      say('买家的 IP 地址，--scene h5 必填', "the buyer's IP address; --scene h5 needs it"),
    )
  pay.action(
    lika.action(async (call, order: string, { scene, app, clientIp }: Pay) => {
      const sent = body({ scene, app_id: app, client_ip: clientIp })
      call.show(await call.make(at`/v1/orders/${order}/pay`, sent))
    }),
  )
  lika.examples(
    pay,
    'orders pay ord_… --scene native',
    'orders pay ord_… --scene h5 --client-ip 203.0.113.7',
  )

  lika
    .write(orders, 'close <order>', '关闭未付订单', 'close an order that is not paid')
    .action(
      lika.action(async (call, order: string) =>
        call.show(await call.make(at`/v1/orders/${order}/close`, {})),
      ),
    )
}

type Refund = { reason: string; basis?: string; amount?: number; holder?: JsonObject }

function addAfterwards(lika: Lika, orders: Command): void {
  const { say } = lika
  lika
    .write(
      orders,
      'unseal <order>',
      '放弃冷静期，解封卡片',
      'give up the hours for changing one’s mind',
    )
    .action(
      lika.action(async (call, order: string) =>
        call.show(await call.make(at`/v1/orders/${order}/unseal`, {})),
      ),
    )

  const refund = lika
    .write(orders, 'refund <order>', '退款，先作废卡', 'give it back; its cards are void first')
    .requiredOption('--reason <text>', say('原因', 'why'))
    .addOption(
      new Option('--basis <basis>', say('只按此依据', 'on this ground only')).choices([
        'cooling_off',
        'statutory',
        'surplus',
      ]),
    )
    .option('--amount <yuan>', say('充值订单：退回多少', 'of a top-up: how much'), yuan)
    .option('--holder <file>', say('持卡人 JSON 文件', 'who brings it, a JSON file'), objectFile)
  refund.action(
    lika.action(async (call, order: string, options: Refund) =>
      call.show(await call.make(at`/v1/orders/${order}/refunds`, body({ ...options }))),
    ),
  )
  lika.examples(refund, 'orders refund ord_… --reason 不想要了')
  addAbnormal(lika, orders)
}

function addAbnormal(lika: Lika, orders: Command): void {
  const { say } = lika
  const apply = payersCardOptions(
    lika,
    lika.write(
      orders,
      'apply-abnormal-refund <order>',
      '异常退款改退到付款人银行卡',
      "send an abnormal refund to the payer's bank card",
    ),
  )
  apply
    .requiredOption('--refund <number>', say('退款单号（lr…）', 'which refund, as it is shown'))
    .action(
      lika.action(async (call, order: string, options: PayersCard & { refund: string }) => {
        const sent = { out_refund_no: options.refund, ...(await payersCardBody(call, options)) }
        call.show(await call.make(at`/v1/orders/${order}/apply_abnormal_refund`, sent))
      }),
    )
  lika.examples(
    apply,
    'orders apply-abnormal-refund ord_… --refund lr… --bank-type ICBC_DEBIT --name 张三',
  )
}

function addReads(lika: Lika, orders: Command): void {
  const { say } = lika
  lika
    .verb(orders, 'show <order>', '查看订单', 'show an order')
    .action(
      lika.action(async (call, order: string) =>
        call.show(await call.get(at`/v1/orders/${order}`)),
      ),
    )
  lika
    .listCreated(orders, 'list', '列出订单', 'list orders')
    .option('--status <status>', say('状态', 'status'))
    .option('--member <member>', say('只列此会员', 'only those of this member'))
    .action(
      lika.action(
        (call, options: ListOptions & PageOptions & { status?: string; member?: string }) =>
          call.list('/v1/orders', options, columns, {
            reference: options.reference,
            status: options.status,
            member_id: options.member,
          }),
      ),
    )
}
