/** `lika merchants …`, `lika stores …`, `lika terminals …`: where cards are spent. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { messageOf, UsageError } from '../failures.ts'
import { download } from '../files.ts'
import type { JsonObject } from '../json.ts'
import { day, objectFile } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'
import { addCoverage, addWhatIf } from './merchant-insight.ts'

const merchantColumns = ['id', 'name', 'category', 'ownership', 'status', 'reference', 'created_at']
const storeColumns = ['id', 'name', 'district', 'reference', 'created_at']
const terminalColumns = ['id', 'name', 'reference', 'created_at']

export function addMerchants(lika: Lika): void {
  const { say } = lika
  const merchants = lika.noun('merchants', '商户', 'merchants')

  const create = lika.labels(lika.verb(merchants, 'create', '新建商户', 'make a merchant'))
  create
    .requiredOption('--name <name>', say('名称', 'name'))
    .requiredOption('--category <category>', say('类别', 'category'))
    .addOption(
      new Option(
        '--ownership <ownership>',
        say('自营 own 或合作 partner（默认）', "the issuer's own, or a partner (by default)"),
      ).choices(['own', 'partner']),
    )
    .option('--onboarding <file>', onboardingWords(lika), objectFile)
    .action(
      lika.action(async (call, options: NewMerchant) => {
        const { name, category, ownership, onboarding, reference, metadata } = options
        const sent = { name, category, ownership, onboarding, reference, metadata }
        call.show(await call.post('/v1/merchants', body(sent)))
      }),
    )
  lika.examples(
    create,
    'merchants create --name 南门面馆 --category restaurant',
    'merchants create --name 南门面馆 --category restaurant --onboarding application.json',
  )

  lika
    .listCreated(merchants, 'list', '列出商户', 'list merchants')
    .addOption(
      new Option('--status <status>', say('只列此状态', 'only those in this status')).choices([
        'draft',
        'submitted',
        'approved',
        'rejected',
        'suspended',
      ]),
    )
    .action(
      lika.action((call, options: ListOptions & { status?: string }) =>
        call.list('/v1/merchants', options, merchantColumns, {
          reference: options.reference,
          status: options.status,
        }),
      ),
    )
  lika
    .verb(merchants, 'show <merchant>', '查看商户', 'show a merchant')
    .action(
      lika.action(async (call, merchant: string) =>
        call.show(await call.get(at`/v1/merchants/${merchant}`)),
      ),
    )
  addOnboarding(lika, merchants)
  addTerms(lika, merchants)
  addCoverage(lika, merchants)
  addWhatIf(lika, merchants)
}

type NewMerchant = Labels & {
  name: string
  category: string
  ownership?: string
  onboarding?: JsonObject
}

function onboardingWords({ say }: Lika): string {
  return say(
    '入驻资料（JSON 文件），从草稿开始审核',
    'a JSON file with what it applies with: it begins as a draft',
  )
}

function addOnboarding(lika: Lika, merchants: Command): void {
  const { say } = lika
  lika
    .verb(merchants, 'onboarding <merchant>', '查看入驻资料与经过', 'show application and history')
    .action(
      lika.action(async (call, merchant: string) =>
        call.show(await call.get(at`/v1/merchants/${merchant}/onboarding`)),
      ),
    )
  lika
    .verb(merchants, 'change <merchant>', '修改草稿的入驻资料', 'change the application of a draft')
    .requiredOption('--onboarding <file>', onboardingWords(lika), objectFile)
    .action(
      lika.action(async (call, merchant: string, { onboarding }: { onboarding: JsonObject }) =>
        call.show(await call.patch(at`/v1/merchants/${merchant}`, { onboarding })),
      ),
    )
  addDocuments(lika, merchants)
  const step = (name: string, zh: string, en: string) =>
    lika
      .verb(merchants, `${name} <merchant>`, zh, en)
      .action(
        lika.action(async (call, merchant: string) =>
          call.show(await call.post(at`/v1/merchants/${merchant}/${name}`, {})),
        ),
      )
  step('submit', '提交审核', 'hand the application in')
  step('approve', '审核通过（须另一人）', 'let it in, by a second person')
  step('resume', '恢复收款', 'let it take payments again')
  const stepWithReason = (name: string, zh: string, en: string) =>
    lika
      .verb(merchants, `${name} <merchant>`, zh, en)
      .requiredOption('--reason <text>', say('原因', 'why'))
      .action(
        lika.action(async (call, merchant: string, { reason }: { reason: string }) =>
          call.show(await call.post(at`/v1/merchants/${merchant}/${name}`, { reason })),
        ),
      )
  stepWithReason('reject', '审核不通过（须另一人）', 'do not let it in, by a second person')
  stepWithReason('suspend', '暂停收款', 'stop it from taking payments')
}

/** `-` is stdin. @throws UsageError when it cannot be read. */
function readBase64(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file).toString('base64')
  } catch (fault) {
    throw new UsageError(messageOf(fault))
  }
}

const documentKinds = [
  'business_licence',
  'legal_representative_id',
  'bank_account_proof',
  'premises_proof',
  'industry_permit',
  'other',
]

function addDocuments(lika: Lika, merchants: Command): void {
  const { say } = lika
  const upload = lika
    .verb(merchants, 'upload <merchant> <file>', '上传资料文件', 'keep a file of a merchant')
    .addOption(
      new Option('--kind <kind>', say('资料种类', 'what it proves'))
        .choices(documentKinds)
        .makeOptionMandatory(),
    )
    .option('--name <name>', say('文件名，默认原名', 'its name, by default that of the file'))
  upload.action(
    lika.action(
      async (call, merchant: string, file: string, options: { kind: string; name?: string }) => {
        const content = readBase64(file)
        const sent = { kind: options.kind, name: options.name ?? basename(file), content }
        call.show(await call.post(at`/v1/merchants/${merchant}/documents`, sent))
      },
    ),
  )
  lika.examples(upload, 'merchants upload merch_… licence.pdf --kind business_licence')
  lika
    .verb(merchants, 'document <document>', '取回资料文件', 'fetch a file of a merchant')
    .option('--output <file>', say('写入新文件，默认标准输出', 'a new file, stdout unless said'))
    .action(
      lika.action((call, document: string, { output }: { output?: string }) =>
        download(call, { path: at`/v1/merchant_documents/${document}/file` }, output),
      ),
    )
}

function addTerms(lika: Lika, merchants: Command): void {
  lika
    .verb(merchants, 'terms <merchant>', '查看某日生效的条款', 'show the terms that hold on a day')
    .option('--on <day>', lika.say('日期，默认今天', 'the day, today unless said'), day)
    .action(
      lika.action(async (call, merchant: string, { on }: { on?: string }) =>
        call.show(await call.get(at`/v1/merchants/${merchant}/terms`, { on })),
      ),
    )
}

export function addStores(lika: Lika): void {
  const { say } = lika
  const stores = lika.noun('stores', '门店', 'stores of a merchant')
  const merchantOption = say('商户', 'merchant')

  const create = lika.labels(lika.verb(stores, 'create', '新建门店', 'make a store'))
  create
    .requiredOption('--merchant <merchant>', merchantOption)
    .requiredOption('--name <name>', say('名称', 'name'))
    .requiredOption('--district <district>', say('区域', 'district'))
    .action(
      lika.action(
        async (call, options: Labels & { merchant: string; name: string; district: string }) => {
          const { name, district, reference, metadata } = options
          const path = at`/v1/merchants/${options.merchant}/stores`
          call.show(await call.post(path, body({ name, district, reference, metadata })))
        },
      ),
    )
  lika.examples(create, 'stores create --merchant merch_… --name 一号店 --district 徐汇区')

  lika
    .listCreated(stores, 'list', '列出商户的门店', "list a merchant's stores")
    .requiredOption('--merchant <merchant>', merchantOption)
    .action(
      lika.action((call, options: ListOptions & { merchant: string }) =>
        call.list(at`/v1/merchants/${options.merchant}/stores`, options, storeColumns, {
          reference: options.reference,
        }),
      ),
    )
  lika
    .verb(stores, 'show <store>', '查看门店', 'show a store')
    .action(
      lika.action(async (call, store: string) =>
        call.show(await call.get(at`/v1/stores/${store}`)),
      ),
    )
}

export function addTerminals(lika: Lika): void {
  const { say } = lika
  const terminals = lika.noun('terminals', '终端', 'terminals of a store')
  const storeOption = say('门店', 'store')

  const create = lika.labels(lika.verb(terminals, 'create', '新建终端', 'make a terminal'))
  create
    .requiredOption('--store <store>', storeOption)
    .requiredOption('--name <name>', say('名称', 'name'))
    .action(
      lika.action(async (call, options: Labels & { store: string; name: string }) => {
        const { store, name, reference, metadata } = options
        const path = at`/v1/stores/${store}/terminals`
        call.show(await call.post(path, body({ name, reference, metadata })))
      }),
    )
  lika.examples(create, 'terminals create --store store_… --name 收银台1')

  lika
    .listCreated(terminals, 'list', '列出门店的终端', "list a store's terminals")
    .requiredOption('--store <store>', storeOption)
    .action(
      lika.action((call, options: ListOptions & { store: string }) =>
        call.list(at`/v1/stores/${options.store}/terminals`, options, terminalColumns, {
          reference: options.reference,
        }),
      ),
    )
  lika
    .verb(terminals, 'show <terminal>', '查看终端', 'show a terminal')
    .action(
      lika.action(async (call, terminal: string) =>
        call.show(await call.get(at`/v1/terminals/${terminal}`)),
      ),
    )
}
