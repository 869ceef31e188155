/** `lika imports …`: card files of another system. */
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { Option } from 'commander'
import type { PageOptions } from '../call.ts'
import { messageOf, UsageError } from '../failures.ts'
import { longSeconds } from '../files.ts'
import { at, type Labels, type Lika } from '../verbs.ts'
import { waitForJob, waitOption } from './jobs.ts'

type Create = Labels & { product: string; encoding: string; dryRun?: true; wait?: true }

export function addImports(lika: Lika): void {
  const { say } = lika
  const imports = lika.noun('imports', '存量卡导入', 'imports of legacy cards')

  const create = lika.labels(
    lika.write(imports, 'create <file>', '导入存量卡文件（任务）', 'import a card file (a job)'),
  )
  create
    .requiredOption('--product <product>', say('归入的产品', 'the product that the cards become'))
    .addOption(
      new Option('--encoding <name>', say('文件编码', 'encoding of the file'))
        .choices(['utf-8', 'gbk'])
        .default('utf-8'),
    )
    .option('--dry-run', say('只检查，不导入', 'only check, change nothing'))
    .action(
      lika.action(async (call, file: string, options: Create) => {
        const form = await formOf(file, options)
        await waitForJob(call, await call.make('/v1/imports', form, longSeconds), options.wait)
      }),
    )
  waitOption(lika, create)
  lika.examples(
    create,
    'imports create cards.csv --product prod_… --encoding gbk --dry-run --wait',
    'imports create cards.csv --product prod_… --wait',
  )

  lika
    .verb(imports, 'show <import>', '查看导入', 'show an import')
    .action(
      lika.action(async (call, id: string) => call.show(await call.get(at`/v1/imports/${id}`))),
    )
  lika
    .list(imports, 'errors <import>', '被拒绝的行', 'the rows that were rejected')
    .action(
      lika.action((call, id: string, page: PageOptions) =>
        call.list(at`/v1/imports/${id}/errors`, page, errorColumns),
      ),
    )
  const reverse = lika.write(
    imports,
    'reverse <import>',
    '撤回导入（任务），须未消费',
    'take an import back (a job), while unspent',
  )
  waitOption(lika, reverse).action(
    lika.action(async (call, id: string, { wait }: { wait?: true }) =>
      waitForJob(call, await call.make(at`/v1/imports/${id}/reverse`, {}), wait),
    ),
  )
}

const errorColumns = ['line', 'column', 'code', 'message']

/** The fields come before the file, so that the server knows them when it reads the rows. */
async function formOf(file: string, options: Create): Promise<FormData> {
  const form = new FormData()
  form.set('product_id', options.product)
  form.set('encoding', options.encoding)
  form.set('dry_run', String(options.dryRun === true))
  if (options.reference !== undefined) form.set('reference', options.reference)
  if (options.metadata !== undefined) form.set('metadata', JSON.stringify(options.metadata))
  form.set('file', await blobOf(file), basename(file))
  return form
}

/** Read from the disk while it is sent. @throws UsageError when it cannot be read. */
async function blobOf(file: string): Promise<Blob> {
  try {
    return await openAsBlob(file)
  } catch (fault) {
    throw new UsageError(`${file}: ${messageOf(fault)}`)
  }
}
