/** The form that all commands share: `lika <noun> <verb>`, the options that each has, and the way
 * from commander to a `Call`. */
import { type Command, Option } from 'commander'
import { Call, type CommonOptions, type PageOptions, type World } from './call.ts'
import type { Right } from './credentials.ts'
import { UsageError } from './failures.ts'
import type { Json, JsonObject } from './json.ts'
import { idempotencyKey, keyValue, pageSize } from './option-values.ts'
import type { Say } from './say.ts'

/** What `labels` gives to a command. */
export interface Labels {
  readonly reference?: string
  readonly metadata?: Record<string, string>
}

/** What `listCreated` gives to a command. */
export type ListOptions = PageOptions & { readonly reference?: string }

export class Lika {
  readonly program: Command
  readonly world: World

  constructor(program: Command, world: World) {
    this.program = program
    this.world = world
  }

  get say(): Say {
    return this.world.say
  }

  noun(name: string, zh: string, en: string): Command {
    return this.program.command(name).description(this.say(zh, en))
  }

  /** A command under a noun (or the program) with the options that every command has. */
  verb(noun: Command, signature: string, zh: string, en: string): Command {
    const { say } = this
    return noun
      .command(signature)
      .description(say(zh, en))
      .option(
        '--json',
        say('原样打印服务器的 JSON（金额为分）', "print the server's JSON (amounts in fen)"),
      )
      .option('--url <url>', say('服务器地址，代替 LIKA_URL', 'where Lika is, instead of LIKA_URL'))
      .option('--verbose', say('打印请求号和幂等键', 'print request id and idempotency key'))
  }

  /** A verb whose route needs an Idempotency-Key. */
  write(noun: Command, signature: string, zh: string, en: string): Command {
    return this.verb(noun, signature, zh, en).option(
      '--key <key>',
      this.say(
        '幂等键；不给则自动生成，重试时用同一个',
        'idempotency key; made up when left out; give the same one to repeat',
      ),
      idempotencyKey,
    )
  }

  /** A verb that lists pages. */
  list(noun: Command, signature: string, zh: string, en: string): Command {
    const { say } = this
    return this.verb(noun, signature, zh, en)
      .option('--limit <n>', say('每页条数，1–200', 'rows on a page, 1–200'), pageSize)
      .option('--cursor <cursor>', say('从上一页给出的游标继续', 'go on where a page ended'))
      .option('--all', say('取回所有页', 'fetch every page'))
  }

  /** A verb that lists pages of what was created with a reference. */
  listCreated(noun: Command, signature: string, zh: string, en: string): Command {
    return this.list(noun, signature, zh, en).option(
      '--reference <text>',
      this.say('只列此业务单号', 'only the one with this reference'),
    )
  }

  /** `--reference` and `--metadata`, which every created object takes; what is done at a till must
   * have a reference, so that the till can ask for it again. */
  labels(command: Command, isReferenceDue = false): Command {
    const described = this.say('您自己的编号，不可重复', 'your own number, used once')
    const reference = new Option('--reference <text>', described)
    return this.metadata(command.addOption(reference.makeOptionMandatory(isReferenceDue)))
  }

  metadata(command: Command): Command {
    const described = this.say('附注，可多次', 'metadata, repeatable')
    return command.option('--metadata <name=value>', described, keyValue)
  }

  /** Lines under the help text of a command, without the leading `npx`. */
  examples(command: Command, ...lines: string[]): Command {
    const title = this.say('例子', 'Examples')
    const text = lines.map((line) => `  $ lika ${line}`).join('\n')
    return command.addHelpText('after', `\n${title}:\n${text}`)
  }

  /** The action of a command; `right` says whose key it uses, an issuer's by default. */
  action<Args extends unknown[]>(
    run: (call: Call, ...args: Args) => Promise<void> | void,
    right: Right = 'issuer',
  ): (this: Command, ...args: Args) => Promise<void> {
    const { world } = this
    return async function (...args) {
      await run(new Call(world, this.opts<CommonOptions>(), right), ...args)
    }
  }
}

/** A body without the members that were not given. */
export function body(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

/** A path with ids in it: at`/v1/cards/${card}`. @throws UsageError for what cannot be an id. */
export function at(parts: TemplateStringsArray, ...ids: string[]): string {
  const wrong = ids.find((id) => !/^[\w-]{1,100}$/.test(id))
  if (wrong !== undefined) {
    throw new UsageError(`不是有效的编号 This cannot be an id: ${JSON.stringify(wrong)}`)
  }
  return String.raw(parts, ...ids)
}
