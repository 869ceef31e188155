/** `lika issuers …`: who sells cards. Creating one needs the operator's key. */
import type { Command } from 'commander'
import { names } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

const columns = ['id', 'name', 'legal_name', 'packs', 'reference', 'created_at']

type Create = Labels & { name: string; legalName: string; pack: string[] }

export function addIssuers(lika: Lika): void {
  const { say } = lika
  const issuers = lika.noun('issuers', '发卡机构', 'those who issue cards')

  const create = lika.verb(
    issuers,
    'create',
    '新建发卡机构（平台运营者密钥）',
    'make an issuer (operator key)',
  )
  lika
    .labels(create)
    .requiredOption('--name <name>', say('名称', 'name'))
    .requiredOption('--legal-name <name>', say('法定名称', 'legal name'))
    .requiredOption(
      '--pack <packs>',
      say('规则包，逗号分隔或多次', 'policy packs, by commas or repeated'),
      names,
    )
    .action(
      lika.action(async (call, { name, legalName, pack, reference, metadata }: Create) => {
        const sent = { name, legal_name: legalName, packs: pack, reference, metadata }
        call.show(await call.post('/v1/issuers', body(sent)))
      }, 'operator'),
    )
  lika.examples(
    create,
    'issuers create --name 星河 --legal-name 星河商贸有限公司 --pack cn-national',
  )

  lika
    .listCreated(issuers, 'list', '列出发卡机构（平台运营者密钥）', 'list issuers (operator key)')
    .action(
      lika.action(
        (call, options: ListOptions) =>
          call.list('/v1/issuers', options, columns, { reference: options.reference }),
        'operator',
      ),
    )
  lika
    .verb(issuers, 'show <issuer>', '查看发卡机构', 'show an issuer')
    .action(
      lika.action(
        async (call, issuer: string) => call.show(await call.get(at`/v1/issuers/${issuer}`)),
        'operator-or-issuer',
      ),
    )
  addSale(lika, issuers)
}

function addSale(lika: Lika, issuers: Command): void {
  const { say } = lika
  const turns = [
    ['stop-sale', true, '停止售卡与充值（平台运营者密钥）', 'stop sales and loads (operator key)'],
    ['resume-sale', false, '恢复售卡与充值（平台运营者密钥）', 'let sales go on (operator key)'],
  ] as const
  for (const [name, stopped, zh, en] of turns) {
    lika
      .verb(issuers, `${name} <issuer>`, zh, en)
      .requiredOption('--reason <text>', say('原因', 'why'))
      .action(
        lika.action(async (call, issuer: string, { reason }: { reason: string }) => {
          call.show(await call.post(at`/v1/issuers/${issuer}/sale`, { stopped, reason }))
        }, 'operator'),
      )
  }
  lika
    .verb(issuers, 'sale <issuer>', '查看是否可以售卡', 'show whether it may sell')
    .action(
      lika.action(
        async (call, issuer: string) => call.show(await call.get(at`/v1/issuers/${issuer}/sale`)),
        'operator-or-issuer',
      ),
    )
}
