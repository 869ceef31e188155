/** `lika products …`: the terms under which cards are sold. Published terms change by a new
 * version; what was sold keeps its own. */
import { channels, subBalances } from '@lika/contract'
import { type Command, Option } from 'commander'
import { UsageError } from '../failures.ts'
import type { Json } from '../json.ts'
import { count, hours, names, several, yuan, yuanRange } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'
import { addStock } from './stock.ts'

type Terms = Labels & {
  name?: string
  kind?: string
  registered?: boolean
  carrier?: string
  face?: number[]
  faceRange?: { min: number; max: number }
  validityMonths?: number
  expiry?: boolean
  renewalMonths?: number
  renewal?: boolean
  coolingOffHours?: number
  reloadable?: boolean
  acceptMerchant?: string[]
  acceptStore?: string[]
  acceptCategory?: string[]
  acceptChannel?: string[]
  acceptHours?: { days: number[]; from: string; to: string }[]
  acceptFrom?: number
  acceptEverywhere?: true
  model?: string
  consume?: string[]
}

const columns = ['id', 'version', 'status', 'name', 'kind', 'carrier', 'registered', 'reloadable']

export function addProducts(lika: Lika): void {
  const { say } = lika
  const products = lika.noun('products', '卡产品', 'card products')

  const create = termOptions(
    lika,
    lika.verb(products, 'create', '新建产品（草稿）', 'make a product (a draft)'),
  )
  lika
    .examples(
      create,
      'products create --name 礼品卡 --kind gift --carrier virtual --face 100 --face 200 --validity-months 36',
      'products create --name 储值卡 --kind stored_value --registered --carrier virtual --face-range 10..5000 --no-expiry --reloadable',
    )
    .action(
      lika.action(async (call, options: Terms) => {
        const { registered = false, reloadable = false, carrier = 'virtual' } = options
        const sent = termsOf({ ...options, registered, reloadable, carrier })
        if ((sent['faces'] ?? sent['face_range']) === undefined) {
          throw new UsageError(
            say('请给出 --face 或 --face-range。', 'Give --face or --face-range.'),
          )
        }
        if (sent['validity_months'] === undefined) {
          throw new UsageError(
            say(
              '请给出 --validity-months 或 --no-expiry。',
              'Give --validity-months or --no-expiry.',
            ),
          )
        }
        call.show(await call.post('/v1/products', body(sent)))
      }),
    )

  const update = lika.verb(
    products,
    'update <product>',
    '修改：产生新版本',
    'change it: a new version',
  )
  termOptions(lika, update).action(
    lika.action(async (call, product: string, options: Terms) =>
      call.show(await call.patch(at`/v1/products/${product}`, body(termsOf(options)))),
    ),
  )
  lika.examples(update, 'products update prod_… --face-range 10..2000')

  lika
    .verb(
      products,
      'publish <product>',
      '发布，之后可以售卡',
      'publish it, so that cards can be sold',
    )
    .action(
      lika.action(async (call, product: string) =>
        call.show(await call.post(at`/v1/products/${product}/publish`, {})),
      ),
    )
  lika
    .listCreated(products, 'list', '列出产品', 'list products')
    .action(
      lika.action((call, options: ListOptions) =>
        call.list('/v1/products', options, columns, { reference: options.reference }),
      ),
    )
  lika
    .verb(products, 'show <product>', '查看产品', 'show a product')
    .action(
      lika.action(async (call, product: string) =>
        call.show(await call.get(at`/v1/products/${product}`)),
      ),
    )
  addStock(lika, products)
}

function termOptions(lika: Lika, command: Command): Command {
  const { say } = lika
  const isCreate = command.name() === 'create'
  return (isCreate ? lika.labels(command) : lika.metadata(command))
    .addOption(new Option('--name <name>', say('名称', 'name')).makeOptionMandatory(isCreate))
    .addOption(
      new Option('--kind <kind>', say('种类', 'kind'))
        .choices(['gift', 'stored_value', 'membership'])
        .makeOptionMandatory(isCreate),
    )
    .option('--registered', say('记名卡', 'registered to a buyer'))
    .option('--no-registered', say('不记名卡（新建时的默认）', 'anonymous (the default of create)'))
    .addOption(
      new Option(
        '--carrier <carrier>',
        say('载体，默认 virtual', 'carrier, by default virtual'),
      ).choices(['virtual', 'physical']),
    )
    .option(
      '--face <yuan>',
      say('固定面值（元），可多次', 'a fixed face in yuan, repeatable'),
      several(yuan),
    )
    .addOption(
      new Option('--face-range <min..max>', say('面值范围（元）', 'range of faces in yuan'))
        .argParser(yuanRange)
        .conflicts('face'),
    )
    .option(
      '--validity-months <n>',
      say('激活后有效月数', 'months of validity from activation'),
      count,
    )
    .option('--no-expiry', say('不设有效期', 'cards do not expire'))
    .option(
      '--renewal-months <n>',
      say('到期后自动延期的月数', 'months by which cards are renewed when they expire'),
      count,
    )
    .option(
      '--cooling-off-hours <n>',
      say('订单售出后封存的小时数', 'hours for which a card sold by an order is sealed'),
      count,
    )
    .option('--no-renewal', say('到期不自动延期', 'cards are not renewed by themselves'))
    .option('--reloadable', say('可充值', 'takes loads'))
    .option(
      '--no-reloadable',
      say('不可充值（新建时的默认）', 'takes no loads (the default of create)'),
    )
    .option('--accept-merchant <ids>', say('受理商户', 'merchants that accept it'), names)
    .option('--accept-store <ids>', say('受理门店', 'stores that accept it'), names)
    .option('--accept-category <names>', say('受理类别', 'categories that accept it'), names)
    .option(
      '--accept-channel <names>',
      say(`受理渠道：${channels.join('、')}`, `channels that accept it: ${channels.join(', ')}`),
      names,
    )
    .option(
      '--accept-hours <hours>',
      say('受理时段，可多次，如 "1-5 11:30-14:00"', 'hours, repeatable: "1-5 11:30-14:00"'),
      several(hours),
    )
    .option('--accept-from <yuan>', say('最低消费（元）', 'least payment in yuan'), yuan)
    .addOption(
      new Option(
        '--model <model>',
        say('受理模式：自营、联盟、混合', "the issuer's own merchants, partners, or both"),
      ).choices(['closed', 'alliance', 'mixed']),
    )
    .option('--accept-everywhere', say('不限使用范围', 'no restriction'))
    .option(
      '--consume <order>',
      say(
        `扣款次序，默认 ${subBalances.join(',')}`,
        `order of consumption, by default ${subBalances.join(',')}`,
      ),
      names,
    )
}

/** Members for what was typed, undefined for what was not. */
function termsOf(options: Terms): Record<string, Json | undefined> {
  const { name, kind, registered, carrier, reloadable, reference, metadata } = options
  return {
    name,
    kind,
    registered,
    carrier,
    faces: options.face,
    face_range: options.faceRange,
    validity_months: options.expiry === false ? null : options.validityMonths,
    renewal_months: options.renewal === false ? null : options.renewalMonths,
    cooling_off_hours: options.coolingOffHours,
    reloadable,
    model: options.model,
    acceptance: acceptanceOf(options),
    consume_order: options.consume,
    reference,
    metadata,
  }
}

/** The acceptance stands together: naming a part of it says that it is otherwise unrestricted. */
function acceptanceOf(options: Terms): Json | undefined {
  const { acceptMerchant = [], acceptStore = [], acceptCategory = [] } = options
  const lists = { merchants: acceptMerchant, stores: acceptStore, categories: acceptCategory }
  const beside = body({
    channels: options.acceptChannel,
    hours: options.acceptHours,
    min_amount: options.acceptFrom,
  })
  const isNamed =
    Object.values(lists).some((list) => list.length > 0) || Object.keys(beside).length > 0
  return isNamed || options.acceptEverywhere ? { ...lists, ...beside } : undefined
}
