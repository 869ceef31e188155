/** Who bought and how it was paid: the options that selling and loading a card share. */
import { type Command, Option } from 'commander'
import type { Json, JsonObject } from '../json.ts'
import { objectFile } from '../option-values.ts'
import { body, type Lika } from '../verbs.ts'

export type Funded = {
  funding: string
  fundingReference?: string
  remote?: true
  buyer?: JsonObject
  agent?: JsonObject
}

export function fundingOptions(lika: Lika, command: Command): Command {
  const { say } = lika
  const method = new Option('--funding <method>', say('收款方式', 'how it was paid'))
    .choices(['cash', 'bank_transfer', 'card', 'wechat', 'none'])
    .makeOptionMandatory()
  return command
    .addOption(method)
    .option('--funding-reference <text>', say('收款凭证号', 'number of the payment received'))
    .option('--remote', say('非现场购卡', 'not sold face to face'))
}

/** Personal data comes in a file, not on the command line. */
export function buyerOption(lika: Lika, command: Command): Command {
  const described = lika.say(
    '购卡人 JSON 文件（kind,name,id_type,id_number,phone），- 为标准输入',
    'the buyer, a JSON file (kind,name,id_type,id_number,phone); - is stdin',
  )
  const agent = lika.say(
    '代理人 JSON 文件，格式同购卡人',
    'who acts for the buyer, a JSON file like the one of the buyer',
  )
  return command
    .option('--buyer <file>', described, objectFile)
    .option('--agent <file>', agent, objectFile)
}

export function fundingOf({ funding, fundingReference, remote }: Funded): Json {
  return body({ method: funding, reference: fundingReference, remote })
}
