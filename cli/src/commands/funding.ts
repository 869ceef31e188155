/** Who bought and how it was paid: the options that selling and loading a card share. */
import { type Command, Option } from 'commander'
import type { Json, JsonObject } from '../json.ts'
import { objectFile } from '../option-values.ts'
import { body, type Lika } from '../verbs.ts'

export type Funded = {
  funding: string
  fundingReference?: string
  buyer?: JsonObject
}

export function fundingOptions(lika: Lika, command: Command): Command {
  const { say } = lika
  const method = new Option('--funding <method>', say('收款方式', 'how it was paid'))
    .choices(['cash', 'bank_transfer', 'card', 'wechat', 'none'])
    .makeOptionMandatory()
  return command
    .addOption(method)
    .option('--funding-reference <text>', say('收款凭证号', 'number of the payment received'))
}

/** Personal data comes in a file, not on the command line. */
export function buyerOption(lika: Lika, command: Command): Command {
  const described = lika.say(
    '购卡人 JSON 文件（kind,name,id_type,id_number,phone），- 为标准输入',
    'the buyer, a JSON file (kind,name,id_type,id_number,phone); - is stdin',
  )
  return command.option('--buyer <file>', described, objectFile)
}

export function fundingOf({ funding, fundingReference }: Funded): Json {
  return body({ method: funding, reference: fundingReference })
}
