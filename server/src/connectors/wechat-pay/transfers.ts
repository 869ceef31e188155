/** Money to persons (商家转账), which they have to confirm; red packets go this way too. */
import { type Fen, fenToJson } from '@lika/contract'
import type { Answer, Transfer, TransferBill } from '../../modules/wechat/index.ts'
import { refusedHere, unknown } from './answers.ts'
import type { PayClient } from './client.ts'
import { textIn } from './json.ts'
import { filledText, pathPart } from './texts.ts'
import { transferIn } from './trades.ts'

/** From here on WeChat wants to compare the name: 2,000 yuan. */
const namedFrom: Fen = 200_000n
const bills = '/v3/fund-app/mch-transfer/transfer-bills'

export async function transfer(client: PayClient, asked: Transfer): Promise<Answer<TransferBill>> {
  if (!client.credentials.isActive)
    return refusedHere('ACCOUNT_DISABLED', 'The merchant number takes no more orders.')
  const { userName } = asked
  if (userName === undefined && asked.amount >= namedFrom)
    return refusedHere(
      'PARAM_ERROR',
      'From 2,000 yuan on a transfer needs the name of its receiver.',
    )
  const sealedFor = await client.keys.current()
  if (sealedFor === undefined) return unknown("WeChat's keys are not known")
  const name = userName && client.suite.encryptField(sealedFor.key, userName)
  return client.call({
    method: 'POST',
    path: bills,
    sealedFor,
    body: {
      appid: asked.appid,
      out_bill_no: asked.outBillNo,
      transfer_scene_id: asked.sceneId,
      openid: asked.openid,
      ...(name !== undefined && { user_name: name }),
      transfer_amount: fenToJson(asked.amount),
      transfer_remark: filledText(asked.remark, 32, '红包'),
      notify_url: client.notifyUrl,
      transfer_scene_report_infos: asked.sceneReport.map(({ type, content }) => ({
        info_type: type,
        info_content: content,
      })),
    },
    read: (body) => billOf(body, asked.outBillNo),
  })
}

export async function queryTransfer(
  client: PayClient,
  outBillNo: string,
): Promise<Answer<TransferBill>> {
  return client.call({
    method: 'GET',
    path: `${bills}/out-bill-no/${pathPart(outBillNo)}`,
    read: (body) => billOf(body, outBillNo),
  })
}

export async function cancelTransfer(
  client: PayClient,
  outBillNo: string,
): Promise<Answer<TransferBill>> {
  return client.call({
    method: 'POST',
    path: `${bills}/out-bill-no/${pathPart(outBillNo)}/cancel`,
    read: (body) => billOf(body, outBillNo),
  })
}

function billOf(body: unknown, outBillNo: string): TransferBill | undefined {
  return textIn(body, 'out_bill_no') === outBillNo ? transferIn(body) : undefined
}
