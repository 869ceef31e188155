/** `lika contracts …`: what merchants are paid, proposed by one person and decided by another. */
import type { JsonObject } from '../json.ts'
import { objectFile } from '../option-values.ts'
import { at, type Lika, type ListOptions } from '../verbs.ts'

const columns = [
  'id',
  'merchant_id',
  'version',
  'status',
  'class',
  'cycle.kind',
  'valid_from',
  'proposed.by.owner',
  'decided.by.owner',
]

export function addContracts(lika: Lika): void {
  const { say } = lika
  const contracts = lika.noun('contracts', '商户合同', 'contracts with merchants')

  const propose = lika
    .write(contracts, 'propose', '提出下一版合同', 'propose the next version')
    .requiredOption('--merchant <merchant>', say('商户', 'merchant'))
    .requiredOption(
      '--file <file>',
      say('合同条款（JSON，金额为分），- 为标准输入', 'the terms as JSON (fen); - is stdin'),
      objectFile,
    )
  propose.action(
    lika.action(async (call, { merchant, file }: { merchant: string; file: JsonObject }) =>
      call.show(await call.make(at`/v1/merchants/${merchant}/contracts`, file)),
    ),
  )
  lika.examples(propose, 'contracts propose --merchant merch_… --file contract.json')

  lika
    .listCreated(contracts, 'list', '列出合同', 'list contracts')
    .option('--merchant <merchant>', say('只列此商户', 'only those with this merchant'))
    .action(
      lika.action((call, options: ListOptions & { merchant?: string }) =>
        call.list('/v1/contracts', options, columns, {
          reference: options.reference,
          merchant_id: options.merchant,
        }),
      ),
    )
  lika
    .verb(contracts, 'show <contract>', '查看合同', 'show a contract')
    .action(
      lika.action(async (call, contract: string) =>
        call.show(await call.get(at`/v1/contracts/${contract}`)),
      ),
    )
  lika
    .verb(contracts, 'approve <contract>', '批准（须另一人）', 'agree to it, by a second person')
    .action(
      lika.action(async (call, contract: string) =>
        call.show(await call.post(at`/v1/contracts/${contract}/approve`, {})),
      ),
    )
  lika
    .verb(contracts, 'reject <contract>', '否决（须另一人）', 'turn it down, by a second person')
    .requiredOption('--reason <text>', say('原因', 'why'))
    .action(
      lika.action(async (call, contract: string, { reason }: { reason: string }) =>
        call.show(await call.post(at`/v1/contracts/${contract}/reject`, { reason })),
      ),
    )
}
