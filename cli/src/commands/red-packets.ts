/** `lika campaigns red-packet` and `lika red-packets …`: rewards in cash from the budget of a campaign. */
import type { Command } from 'commander'
import { yuan } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'

type Give = Labels & { member: string; app?: string; amount: number; remark: string }

export function addGiving(lika: Lika, campaigns: Command): void {
  const { say } = lika
  const give = lika.labels(
    lika.write(
      campaigns,
      'red-packet <campaign>',
      '从活动预算发微信红包，每个业务单号一次',
      'give a member cash from its budget, once for each reference',
    ),
    true,
  )
  give
    .requiredOption('--member <member>', say('领取的会员', 'who gets it'))
    .requiredOption('--amount <yuan>', say('金额（元），0.10–200', 'in yuan, 0.10–200'), yuan)
    .requiredOption('--remark <text>', say('会员看到的说明', 'what the member reads'))
    .option('--app <id>', say('公众号或小程序', 'in which app'))
    .action(
      lika.action(async (call, campaign: string, options: Give) => {
        const { member, app, amount, remark, reference, metadata } = options
        const sent = body({ member_id: member, app_id: app, amount, remark, reference, metadata })
        call.show(await call.make(at`/v1/campaigns/${campaign}/red_packets`, sent))
      }),
    )
  lika.examples(
    give,
    'campaigns red-packet camp_… --member mem_… --amount 8.88 --remark 谢谢惠顾 --reference RP-1',
  )
}

export function addRedPackets(lika: Lika): void {
  const packets = lika.noun('red-packets', '微信红包', 'red packets')
  lika
    .verb(packets, 'show <packet>', '查看红包是否已领', 'show whether the member has taken it')
    .action(
      lika.action(async (call, packet: string) =>
        call.show(await call.get(at`/v1/red_packets/${packet}`)),
      ),
    )
}
