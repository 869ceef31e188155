/** `lika combined-payments …` and `lika combined-refunds …`: cards give a part, WeChat the rest, both or neither. */
import { type Command, Option } from 'commander'
import type { Call } from '../call.ts'
import type { JsonObject } from '../json.ts'
import { duration, yuan } from '../option-values.ts'
import { type PayersCard, payersCardBody, payersCardOptions } from '../payers-card.ts'
import { readSecret } from '../secrets.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'
import { chargeOptions, type Spend, spendBody } from './payments.ts'

const scenes = ['native', 'jsapi', 'mini_program', 'micropay']

export function addCombinedPayments(lika: Lika): void {
  const combined = lika.noun(
    'combined-payments',
    '组合支付：卡付一部分，其余用微信',
    'a part from cards, the rest by WeChat',
  )
  addCreate(lika, combined)
  lika
    .verb(combined, 'show <payment>', '查看组合支付', 'show a combined payment')
    .action(
      lika.action(async (call, payment: string) =>
        call.show(await call.get(at`/v1/combined_payments/${payment}`)),
      ),
    )
  lika
    .verb(
      combined,
      'cancel <payment>',
      '放弃：微信确认不再付款后，卡随即解冻',
      'give it up: the card is free once WeChat says that it will not be paid',
    )
    .action(
      lika.action(async (call, payment: string) =>
        call.show(await call.post(at`/v1/combined_payments/${payment}/cancel`, {})),
      ),
    )
  addRefund(lika, combined)
}

type Rest = { scene?: string; app?: string; member?: string; authCode?: string }
type Create = Omit<Spend, 'dryRun'> & Rest & { expiresIn?: number }

function addCreate(lika: Lika, combined: Command): void {
  const { say } = lika
  const create = lika.write(
    combined,
    'create',
    '先用卡，其余用微信，同成同败',
    'cards first, the rest by WeChat',
  )
  const sources = chargeOptions(lika, create)
  create
    .addOption(
      new Option(
        '--scene <scene>',
        say(
          '微信付款方式；默认 native（扫码），有 --auth-code 时为 micropay',
          'how WeChat is paid; native unless there is an --auth-code, then micropay',
        ),
      ).choices(scenes),
    )
    .option('--app <id>', say('公众号或小程序', 'in which app'))
    .option('--member <member>', say('付款会员（jsapi、mini_program）', 'who pays, in a page'))
    .option(
      '--auth-code <code>',
      say('买家的微信付款码；- 为从标准输入读取', "the payer's WeChat code; - reads it from stdin"),
    )
    .option('--expires-in <time>', say('支付时限', 'the time that the payer has'), duration)
  create.action(
    lika.action(async (call, options: Create) => {
      const spend = await spendBody(call, options, sources())
      const rest = await restOf(call, options)
      const sent = body({ ...spend, rest, expires_in: options.expiresIn })
      call.show(await call.make('/v1/combined_payments', sent))
    }),
  )
  lika.examples(
    create,
    'combined-payments create --amount 120 --merchant merch_… --card card_… --reference A-1001',
    'combined-payments create --amount 120 --merchant merch_… --card card_…=50 --auth-code - --reference A-1002',
  )
}

/** The code of a payer is as good as money, so it may come from stdin like secrets. */
async function restOf(call: Call, { scene, app, member, authCode }: Rest): Promise<JsonObject> {
  const code =
    authCode === '-' ? await readSecret(call, '微信付款码', 'WeChat payment code') : authCode
  return body({
    method: 'wechat',
    scene: scene ?? (code === undefined ? 'native' : 'micropay'),
    app_id: app,
    member_id: member,
    auth_code: code,
  })
}

type GiveBack = Labels & { amount?: number; reason?: string }

function addRefund(lika: Lika, combined: Command): void {
  const { say } = lika
  const refund = lika.labels(
    lika.write(
      combined,
      'refund <payment>',
      '退款，先退微信，各按原路',
      'give it back, each part its own way, WeChat first',
    ),
    true,
  )
  refund
    .option('--amount <yuan>', say('金额（元），默认全部', 'amount in yuan, else all'), yuan)
    .option('--reason <text>', say('原因', 'why'))
    .action(
      lika.action(async (call, payment: string, options: GiveBack) => {
        const { amount, reason, reference, metadata } = options
        const sent = body({ amount, reference, reason, metadata })
        call.show(await call.make(at`/v1/combined_payments/${payment}/refunds`, sent))
      }),
    )
  lika.examples(refund, 'combined-payments refund cpay_… --amount 20 --reference R-1')
}

export function addCombinedRefunds(lika: Lika): void {
  const refunds = lika.noun('combined-refunds', '组合支付的退款', 'refunds of combined payments')
  lika
    .verb(refunds, 'show <refund>', '查看退款', 'show how far a refund is')
    .action(
      lika.action(async (call, refund: string) =>
        call.show(await call.get(at`/v1/combined_refunds/${refund}`)),
      ),
    )
  lika
    .write(
      refunds,
      'retry <refund>',
      '被微信关闭的退款重新申请',
      'ask WeChat once more for what it closed',
    )
    .action(
      lika.action(async (call, refund: string) =>
        call.show(await call.make(at`/v1/combined_refunds/${refund}/retry`, {})),
      ),
    )
  const apply = payersCardOptions(
    lika,
    lika.write(
      refunds,
      'apply-abnormal-refund <refund>',
      '异常退款改退到付款人银行卡',
      "send what WeChat could not give back to the payer's bank card",
    ),
  )
  apply.action(
    lika.action(async (call, refund: string, options: PayersCard) => {
      const sent = await payersCardBody(call, options)
      call.show(await call.make(at`/v1/combined_refunds/${refund}/apply_abnormal_refund`, sent))
    }),
  )
  lika.examples(
    apply,
    'combined-refunds apply-abnormal-refund crfd_… --bank-type ICBC_DEBIT --name 张三',
  )
}
