/** `lika keys …`: API keys. With `--issuer` the operator's key makes an issuer's first key;
 * without, an issuer's key makes others of its own mode. */
import { scopes } from '@lika/contract'
import { Option } from 'commander'
import { UsageError } from '../failures.ts'
import { names, toInstant } from '../option-values.ts'
import { showWithSecret } from '../secrets.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

type Create = Labels & {
  name: string
  owner: string
  scope?: string[]
  allScopes?: true
  mode: string
  expires?: string
  issuer?: string
  save?: string
}

const columns = ['id', 'name', 'owner', 'mode', 'last4', 'expires_at', 'revoked_at', 'created_at']

export function addKeys(lika: Lika): void {
  const { say } = lika
  const keys = lika.noun('keys', '接口密钥', 'API keys')

  const create = lika.verb(
    keys,
    'create',
    '新建密钥；密钥只显示一次',
    'make a key; its secret is shown once',
  )
  lika
    .labels(create)
    .requiredOption('--name <name>', say('名称', 'name'))
    .requiredOption('--owner <person>', say('谁对它负责', 'who answers for it'))
    .option(
      '--scope <scopes>',
      `${say('权限，逗号分隔或多次', 'scopes, by commas or repeated')}: ${scopes.join(' ')}`,
      names,
    )
    .option('--all-scopes', say('全部权限', 'every scope'))
    .addOption(
      new Option('--mode <mode>', say('模式', 'mode')).choices(['test', 'live']).default('test'),
    )
    .option(
      '--expires <time>',
      say('失效：日期（含当天）或时刻', 'until: a day (itself included) or an instant'),
      toInstant,
    )
    .option(
      '--issuer <issuer>',
      say('为哪个发卡机构（平台运营者密钥）', 'for which issuer (operator key)'),
    )
    .option(
      '--save <file>',
      say('密钥写入新文件而不显示', 'write the secret into a new file, not to the terminal'),
    )
    .action(
      lika.action(async (call, options: Create) => {
        const { name, owner, mode, reference, metadata } = options
        const given = options.allScopes ? [...scopes] : options.scope
        if (given === undefined) {
          throw new UsageError(
            say('请给出 --scope 或 --all-scopes。', 'Give --scope or --all-scopes.'),
          )
        }
        const sent = body({
          issuer_id: options.issuer,
          name,
          owner,
          scopes: given,
          mode,
          expires_at: options.expires,
          reference,
          metadata,
        })
        const mine = options.issuer === undefined ? call : call.as('operator')
        await showWithSecret(call, options.save, () => mine.post('/v1/keys', sent))
      }),
    )
  lika.examples(
    create,
    'keys create --issuer iss_… --name 收银 --owner 王芳 --all-scopes --save till.key',
    'keys create --name report --owner Li --scope ledger:read,events:read --expires 2027-12-31',
  )

  const issuerOption = say('哪个发卡机构的（平台运营者密钥）', 'of which issuer (operator key)')
  lika
    .listCreated(keys, 'list', '列出密钥', 'list keys')
    .option('--issuer <issuer>', issuerOption)
    .action(
      lika.action(async (call, options: ListOptions & { issuer?: string }) => {
        const { issuer, reference } = options
        const mine = issuer === undefined ? call : call.as('operator')
        await mine.list('/v1/keys', options, columns, { reference, issuer_id: issuer })
      }),
    )

  const operatorOption = say('用平台运营者密钥', "with the operator's key")
  lika
    .verb(keys, 'show <key-id>', '查看密钥，不含密文', 'show a key, without its secret')
    .option('--operator', operatorOption)
    .action(
      lika.action(async (call, key: string, { operator }: { operator?: true }) =>
        call.show(await (operator ? call.as('operator') : call).get(at`/v1/keys/${key}`)),
      ),
    )
  lika
    .verb(keys, 'revoke <key-id>', '撤销密钥', 'revoke a key')
    .option('--operator', operatorOption)
    .action(
      lika.action(async (call, key: string, { operator }: { operator?: true }) =>
        (operator ? call.as('operator') : call).remove(at`/v1/keys/${key}`),
      ),
    )
}
