/** `lika webhooks …`: where events are delivered to. */
import { Option } from 'commander'
import type { PageOptions } from '../call.ts'
import { fromInstant, names } from '../option-values.ts'
import { showWithSecret } from '../secrets.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

const columns = ['id', 'url', 'events', 'status', 'created_at']
const deliveryColumns = [
  'id',
  'endpoint_id',
  'event_id',
  'event_type',
  'attempt',
  'at',
  'status',
  'response_status',
  'error',
]

type Deliveries = PageOptions & { endpoint?: string; event?: string; status?: string }

type Create = Labels & { url: string; event?: string[]; to: string; save?: string }

export function addWebhooks(lika: Lika): void {
  const { say } = lika
  const webhooks = lika.noun('webhooks', '回调', 'webhook endpoints')

  const create = lika.labels(
    lika.verb(
      webhooks,
      'create',
      '新建回调地址；密钥只显示一次',
      'make an endpoint; its secret is shown once',
    ),
  )
  create
    .requiredOption('--to <url>', say('接收事件的地址', 'the URL that receives events'))
    .requiredOption(
      '--event <types>',
      say('事件类型，如 payment.*', 'types of events, e.g. payment.*'),
      names,
    )
    .option(
      '--save <file>',
      say('密钥写入新文件而不显示', 'write the secret into a new file, not to the terminal'),
    )
    .action(
      lika.action(async (call, { to, event, reference, metadata, save }: Create) => {
        const sent = body({ url: to, events: event, reference, metadata })
        await showWithSecret(call, save, () => call.post('/v1/webhook_endpoints', sent))
      }),
    )
  lika.examples(
    create,
    'webhooks create --to https://shop.example/lika --event payment.*,refund.* --save hook.key',
  )

  lika
    .listCreated(webhooks, 'list', '列出回调地址', 'list endpoints')
    .action(
      lika.action((call, options: ListOptions) =>
        call.list('/v1/webhook_endpoints', options, columns, { reference: options.reference }),
      ),
    )
  lika
    .verb(webhooks, 'show <endpoint>', '查看回调地址', 'show an endpoint')
    .action(
      lika.action(async (call, endpoint: string) =>
        call.show(await call.get(at`/v1/webhook_endpoints/${endpoint}`)),
      ),
    )
  lika
    .verb(webhooks, 'delete <endpoint>', '删除回调地址', 'delete an endpoint')
    .action(
      lika.action((call, endpoint: string) => call.remove(at`/v1/webhook_endpoints/${endpoint}`)),
    )

  const replay = lika.verb(webhooks, 'replay <endpoint>', '重新发送', 'deliver again')
  replay
    .requiredOption(
      '--after <event|time>',
      say('此事件、日期或时刻之后的', 'what came after this event, day or instant'),
      eventOrInstant,
    )
    .action(
      lika.action(async (call, endpoint: string, { after }: { after: string }) =>
        call.show(await call.post(at`/v1/webhook_endpoints/${endpoint}/replay`, { after })),
      ),
    )
  lika.examples(replay, 'webhooks replay whep_… --after 2026-11-24')

  lika
    .list(webhooks, 'deliveries', '发送记录', 'deliveries')
    .option('--endpoint <endpoint>', say('回调地址', 'endpoint'))
    .option('--event <event>', say('事件编号', 'id of an event'))
    .addOption(
      new Option('--status <status>', say('结果', 'how it ended')).choices(['delivered', 'failed']),
    )
    .action(
      lika.action((call, options: Deliveries) => {
        const { endpoint, event, status } = options
        const filter = { endpoint_id: endpoint, event_id: event, status }
        return call.list('/v1/webhook_deliveries', options, deliveryColumns, filter)
      }),
    )
}

function eventOrInstant(text: string): string {
  return text.startsWith('evt_') ? text : fromInstant(text)
}
