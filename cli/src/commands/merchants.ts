/** `lika merchants …`, `lika stores …`, `lika terminals …`: where cards are spent. */
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

const merchantColumns = ['id', 'name', 'category', 'reference', 'created_at']
const storeColumns = ['id', 'name', 'district', 'reference', 'created_at']
const terminalColumns = ['id', 'name', 'reference', 'created_at']

export function addMerchants(lika: Lika): void {
  const { say } = lika
  const merchants = lika.noun('merchants', '商户', 'merchants')

  const create = lika.labels(lika.verb(merchants, 'create', '新建商户', 'make a merchant'))
  create
    .requiredOption('--name <name>', say('名称', 'name'))
    .requiredOption('--category <category>', say('类别', 'category'))
    .action(
      lika.action(async (call, options: Labels & { name: string; category: string }) => {
        const { name, category, reference, metadata } = options
        call.show(await call.post('/v1/merchants', body({ name, category, reference, metadata })))
      }),
    )
  lika.examples(create, 'merchants create --name 南门面馆 --category restaurant')

  lika
    .listCreated(merchants, 'list', '列出商户', 'list merchants')
    .action(
      lika.action((call, options: ListOptions) =>
        call.list('/v1/merchants', options, merchantColumns, { reference: options.reference }),
      ),
    )
  lika
    .verb(merchants, 'show <merchant>', '查看商户', 'show a merchant')
    .action(
      lika.action(async (call, merchant: string) =>
        call.show(await call.get(at`/v1/merchants/${merchant}`)),
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
