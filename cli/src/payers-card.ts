/** The bank card of a payer to which a refund goes that his account could not take back. */
import type { Command } from 'commander'
import type { Call } from './call.ts'
import { readSecret } from './secrets.ts'
import { body, type Lika } from './verbs.ts'

export type PayersCard = { bankType: string; account: string; name: string }

export function payersCardOptions({ say }: Lika, command: Command): Command {
  return command
    .requiredOption(
      '--bank-type <code>',
      say('微信的银行类型，如 ICBC_DEBIT', "WeChat's word for the bank, such as ICBC_DEBIT"),
    )
    .requiredOption('--name <name>', say('开户名', 'the holder, as the bank has him'))
    .option(
      '--account <number>',
      say('银行卡号；- 为从标准输入读取', 'the number of the card; - reads it from stdin'),
      '-',
    )
}

/** The number of a card should not stay in the history of a shell, so it comes from stdin unless it is given. */
export async function payersCardBody(call: Call, { bankType, account, name }: PayersCard) {
  const number =
    account === '-'
      ? await readSecret(call, '付款人银行卡号', "number of the payer's card")
      : account
  return body({ bank_type: bankType, bank_account: number, real_name: name })
}
