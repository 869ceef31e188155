/** `lika events …`: what happened, page by page or as it happens. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Call, PageOptions } from '../call.ts'
import { Unreachable } from '../failures.ts'
import { isList, isObject, type Json, type JsonObject, objectsAt, textAt } from '../json.ts'
import { formatMember } from '../members.ts'
import type { Lika } from '../verbs.ts'

type Follow = { type?: string; cursor?: string; new?: true; once?: true }

const columns = ['id', 'type', 'created_at', 'lane', 'seq']

export function addEvents(lika: Lika): void {
  const { say } = lika
  const events = lika.noun('events', '事件', 'events')
  const typeOption = (command: Command) =>
    command.option(
      '--type <type>',
      say('类型，如 card.issued 或 payment.*', 'e.g. card.issued, payment.*'),
    )

  typeOption(lika.list(events, 'list', '列出事件', 'list events')).action(
    lika.action((call, options: PageOptions & { type?: string }) =>
      call.list('/v1/events', options, columns, { type: options.type }),
    ),
  )

  const follow = lika.verb(
    events,
    'follow',
    '持续显示事件，Ctrl-C 结束',
    'show events as they happen, until Ctrl-C',
  )
  typeOption(follow)
    .option('--cursor <cursor>', say('从这里继续', 'go on from here'))
    .option('--new', say('只看从现在起的', 'only what happens from now on'))
    .option('--once', say('没有更多时即结束', 'end when there is nothing more'))
    .action(lika.action((call, options: Follow) => followEvents(call, options)))
  lika.examples(follow, 'events follow --new', 'events follow --type payment.* --json')
}

const pauseMs = 1_000

/** Prints event after event; a server that is away is waited for. */
async function followEvents(call: Call, { type, cursor: start, ...options }: Follow) {
  let cursor = start
  let isSilent = options.new === true
  for (;;) {
    const page = await nextPage(call, { type, cursor })
    const events = objectsAt(page?.body, 'data')
    cursor = textAt(page?.body, 'next_cursor') ?? cursor
    if (!isSilent) for (const event of events) call.world.print(eventLine(call, event))
    if (page !== undefined && events.length > 0) continue
    if (isSilent && page !== undefined) isSilent = false
    if (options.once) {
      if (cursor !== undefined) call.world.note(`--cursor ${cursor}`)
      return
    }
    await pause(pauseMs)
  }
}

/** Undefined while the server is away. */
async function nextPage(
  call: Call,
  query: { type: string | undefined; cursor: string | undefined },
) {
  try {
    return await call.get('/v1/events', { ...query, limit: 200 })
  } catch (fault) {
    if (!(fault instanceof Unreachable)) throw fault
    call.world.note(fault.message)
    return undefined
  }
}

function eventLine(call: Call, event: JsonObject): string {
  if (call.options.json) return JSON.stringify(event)
  const words = columns.map((path) => formatMember(path, event[path]))
  return [...words, ...dataWords(event['data'] ?? null, '')].join('  ')
}

/** `card_id=card_… balance.available=100.00`: what is there, amounts in yuan. */
function dataWords(value: Json, path: string): string[] {
  if (value === null || (isList(value) && value.length === 0)) return []
  if (isObject(value) || (isList(value) && value.some(isObject))) {
    return Object.entries(value).flatMap(([name, member]) =>
      dataWords(member ?? null, path === '' ? name : `${path}.${name}`),
    )
  }
  return [`${path}=${formatMember(path, value)}`]
}
