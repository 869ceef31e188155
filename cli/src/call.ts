/** One run of one command: sends requests with the right key, prints answers as tables or as the
 * server's JSON. What every command file talks to. */
import { randomUUID } from 'node:crypto'
import { type Answer, type ClientOptions, open, type Query, type Request, send } from './client.ts'
import { type Config, checkUrl } from './config.ts'
import { chooseCredential, type Right } from './credentials.ts'
import { RefusedByServer, Unreachable } from './failures.ts'
import type { Input } from './input.ts'
import { isList, isObject, type Json, type JsonObject, objectsAt, textAt } from './json.ts'
import { listLines, objectLines } from './print.ts'
import type { Say } from './say.ts'

/** What a process gives to its commands. */
export interface World {
  readonly config: Config
  readonly say: Say
  readonly input: Input
  /** One line to stdout. */
  print(line: string): void
  /** One line to stderr: remarks, never results. */
  note(line: string): void
}

/** The options that every command has; `key` those that carry an Idempotency-Key. */
export interface CommonOptions {
  readonly json?: boolean
  readonly verbose?: boolean
  readonly url?: string
  readonly key?: string
}

export interface PageOptions {
  readonly limit?: number
  readonly cursor?: string
  readonly all?: boolean
}

/** The list of events gives a cursor at its end too, and may lead on behind an empty page. */
const emptyPagesMax = 20

export class Call {
  readonly world: World
  readonly options: CommonOptions
  private readonly right: Right
  private client: ClientOptions | undefined

  constructor(world: World, options: CommonOptions, right: Right = 'issuer') {
    this.world = world
    this.options = options
    this.right = right
  }

  /** The same run with another key. */
  as(right: Right): Call {
    return new Call(this.world, this.options, right)
  }

  get say(): Say {
    return this.world.say
  }

  get(path: string, query?: Query): Promise<Answer> {
    return this.send({ method: 'GET', path, query })
  }

  /** A POST that needs an Idempotency-Key (¤): the one given, else a new one. */
  make(path: string, body: Json | FormData, timeoutSeconds?: number): Promise<Answer> {
    const idempotencyKey = this.options.key ?? `cli-${randomUUID()}`
    if (this.options.verbose) this.world.note(`Idempotency-Key: ${idempotencyKey}`)
    const limit = timeoutSeconds === undefined ? {} : { timeoutSeconds }
    return this.send({ method: 'POST', path, body, idempotencyKey, ...limit })
  }

  /** A POST without a key: sent once. */
  post(path: string, body: Json): Promise<Answer> {
    return this.send({ method: 'POST', path, body })
  }

  patch(path: string, body: Json): Promise<Answer> {
    return this.send({ method: 'PATCH', path, body })
  }

  /** @throws RefusedByServer, Unreachable, UsageError when no key is at hand. */
  async send(request: Request): Promise<Answer> {
    try {
      const answer = await send(request, this.clientOptions())
      this.remarkOn(answer)
      return answer
    } catch (fault) {
      this.remarkOnDoubt(fault, request)
      throw fault
    }
  }

  /** The answer unread, for files. @throws as `send`. */
  open(request: Request): Promise<Response> {
    return open(request, this.clientOptions())
  }

  /** Deletes and says so; with `--json` nothing is printed, as nothing was answered. */
  async remove(path: string): Promise<void> {
    const answer = await this.send({ method: 'DELETE', path })
    if (answer.text !== '') this.show(answer)
    else if (!this.options.json) this.world.print(this.say('完成。', 'Done.'))
  }

  /** Prints an object. */
  show(answer: Answer): void {
    if (this.options.json) this.showText(answer)
    else if (isObject(answer.body)) this.showObject(answer.body)
    else if (isList(answer.body)) this.showRows(answer.body.filter(isObject))
    else this.showText(answer)
  }

  showObject(object: JsonObject): void {
    for (const line of objectLines(object, this.say)) this.world.print(line)
  }

  /** Prints the body as it came. */
  showText(answer: Answer): void {
    if (answer.text !== '') this.world.print(answer.text.replace(/\n$/, ''))
  }

  showRows(rows: readonly JsonObject[], columns: readonly string[] = []): void {
    if (rows.length === 0) this.world.note(this.say('没有记录。', 'Nothing to list.'))
    if (rows.length === 0) return
    const paths = columns.length > 0 ? columns : Object.keys(rows[0] ?? {})
    for (const line of listLines(rows, paths, this.say)) this.world.print(line)
  }

  /** Prints a page of `{data,next_cursor}`, or every page with `--all`. With `--json` each page is
   * one body on a line of its own. `rowsOf`: an object that is shown as several rows. */
  async list(
    path: string,
    { limit, cursor: start, all }: PageOptions,
    columns: readonly string[],
    filter: Query = {},
    rowsOf: (object: JsonObject) => readonly JsonObject[] = (object) => [object],
  ): Promise<void> {
    const collected: JsonObject[] = []
    let cursor = start
    for (let empty = 0; ; ) {
      const answer = await this.get(path, { ...filter, limit, cursor })
      const rows = isObject(answer.body) ? objectsAt(answer.body, 'data') : objectRows(answer.body)
      if (this.options.json) this.showText(answer)
      else collected.push(...rows.flatMap(rowsOf))
      const next = textAt(answer.body, 'next_cursor')
      empty = rows.length === 0 ? empty + 1 : 0
      const isEnd = next === undefined || (empty > 0 && next === cursor) || empty === emptyPagesMax
      cursor = next
      if (isEnd || !all) break
    }
    if (!this.options.json) this.showRows(collected, columns)
    if (cursor !== undefined && !all) {
      this.world.note(`${this.say('还有更多', 'There is more')}: --cursor ${cursor}`)
    }
  }

  private clientOptions(): ClientOptions {
    if (this.client !== undefined) return this.client
    const { config, say } = this.world
    const url = this.options.url === undefined ? config.url : checkUrl(this.options.url)
    const { token, note } = chooseCredential(this.right, { ...config, url }, say)
    if (note !== undefined) this.world.note(note)
    const onRepeat = (why: string, seconds: number) =>
      this.world.note(say(`${why}；${seconds} 秒后重试。`, `${why}; trying again in ${seconds} s.`))
    this.client = { url, token, onRepeat }
    return this.client
  }

  private remarkOn(answer: Answer): void {
    if (this.options.verbose) {
      this.world.note(`HTTP ${answer.status}, Request-Id: ${answer.headers.get('request-id')}`)
    }
    if (answer.headers.get('idempotent-replayed') !== 'true') return
    this.world.note(
      this.say(
        '该幂等键的指令此前已执行，以下是当时的结果。',
        'This key was used before: below is what it led to.',
      ),
    )
  }

  /** A write of which nobody knows whether it took place is repeated with its own key. */
  private remarkOnDoubt(fault: unknown, { idempotencyKey }: Request): void {
    if (idempotencyKey === undefined || !isDoubtful(fault)) return
    this.world.note(
      this.say(
        `结果未知：加上 --key ${idempotencyKey} 再次运行，不会重复执行。`,
        `The outcome is not known: run it again with --key ${idempotencyKey}, nothing happens twice.`,
      ),
    )
  }
}

function isDoubtful(fault: unknown): boolean {
  if (fault instanceof RefusedByServer) return fault.status === 503
  return fault instanceof Unreachable
}

function objectRows(body: Json | undefined): readonly JsonObject[] {
  return isList(body) ? body.filter(isObject) : []
}
