/** A refund that the payer's account could not take back is sent to a bank card of his instead. */
import type { AbnormalRefundAsked, Answer, Refund } from '../../modules/wechat/index.ts'
import { unknown } from './answers.ts'
import type { PayClient } from './client.ts'
import { refundOf } from './orders.ts'
import { pathPart } from './texts.ts'

/**
 * Not repeated by itself where the answer was lost: WeChat refuses the second call of a refund that is under way, and that
 * refusal would be taken for the answer to the first.
 */
export async function applyAbnormalRefund(
  client: PayClient,
  asked: AbnormalRefundAsked,
): Promise<Answer<Refund>> {
  const { outRefundNo, refundId, bankType, bankAccount, realName } = asked
  const sealedFor = await client.keys.current()
  if (sealedFor === undefined) return unknown("WeChat's keys are not known")
  const sealed = (plain: string) => client.suite.encryptField(sealedFor.key, plain)
  return client.call({
    method: 'POST',
    path: `/v3/refund/domestic/refunds/${pathPart(refundId)}/apply-abnormal-refund`,
    isRepeatable: false,
    sealedFor,
    body: {
      out_refund_no: outRefundNo,
      type: 'USER_BANK_CARD',
      bank_type: bankType,
      bank_account: sealed(bankAccount),
      real_name: sealed(realName),
    },
    read: (body) => refundOf(body, outRefundNo),
  })
}
