/** Dry runs: the very decision of a command, made on rows that were read without a lock, and then forgotten. */
import {
  asId,
  type BookId,
  type CommandId,
  type Instant,
  type Lane,
  modeOfBook,
  ok,
  type Result,
  refused,
} from '@lika/contract'
import type { Decision, Plan, Read } from '../platform/lanes/index.ts'
import { CommandView, RoundMemory } from '../platform/lanes/view.ts'
import type { Body } from './cards/facts.ts'
import type { FlowContext } from './context.ts'
import { NotPrepared } from './prepared.ts'

export interface Previewed {
  readonly body: Body
  readonly at: Instant
}

/** Refusals: those of the plan's decision. */
export async function previewPlan(
  context: FlowContext,
  book: BookId,
  home: Lane,
  planOf: (commandId: CommandId) => Plan | Promise<Plan>,
): Promise<Result<Previewed>> {
  const at = context.engine.now(modeOfBook(book))
  const commandId: CommandId = asId(context.newId(home))
  for (let attempt = 1; ; attempt += 1) {
    try {
      const plan = await planOf(commandId)
      const decision = await decideUnlocked(context, plan, { commandId, book, at })
      if (!decision.ok) return refused(decision.refusal)
      return ok({ body: decision.value.body, at })
    } catch (error) {
      if (attempt === attempts || !isWorthRepeating(error)) throw error
      if (error instanceof NotPrepared) await error.prepare()
    }
  }
}

const attempts = 10

/** Also what rows contradict that were read one after the other, such as a hold that was swept in between. */
function isWorthRepeating(error: unknown): boolean {
  return error instanceof NotPrepared || error instanceof RangeError
}

async function decideUnlocked(
  context: FlowContext,
  plan: Plan,
  { commandId, book, at }: { commandId: CommandId; book: BookId; at: Instant },
): Promise<Decision> {
  const memory = new RoundMemory()
  await Promise.all(plan.reads.map((one) => load(context, memory, one)))
  const work = new Map(plan.lanes.map((lane) => [lane, { nextSeq: 0n }]))
  return plan.decide(new CommandView(memory, { commandId, bookId: book, plan }, work), at)
}

async function load({ database }: FlowContext, memory: RoundMemory, one: Read): Promise<void> {
  const { from, lane, key } = one
  memory.declare(one)
  if ('find' in from) {
    for (const { row } of await from.find(database.sql, lane, [key])) {
      memory.found(from, lane, key, row)
    }
  } else {
    for (const row of await from.load(database.sql, lane, [key])) memory.loaded(from, lane, row)
  }
}
