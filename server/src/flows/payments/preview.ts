/** Dry runs: the very decision of a command, made on rows that were read without a lock, and then forgotten. */
import {
  asId,
  type BookId,
  type CommandId,
  formatInstant,
  type Instant,
  type Lane,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { Decision, NameState, Plan, Read } from '../../platform/lanes/index.ts'
import { CommandView, RoundMemory } from '../../platform/lanes/view.ts'
import type { Body } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import { orderName } from './charge.ts'
import type { ChargeInput } from './till-caller.ts'

export interface Previewed {
  readonly body: Body
  readonly at: Instant
}

/** Refusals: `command.too_late`, then those of the plan's decision. */
export async function preview(
  context: FlowContext,
  book: BookId,
  home: Lane,
  input: ChargeInput,
  planOf: (commandId: CommandId, name: NameState) => Plan | Promise<Plan>,
): Promise<Result<Previewed>> {
  const at = context.engine.now(modeOfBook(book))
  if (input.notAfter !== undefined && at > input.notAfter) {
    const limit = formatInstant(input.notAfter)
    return refused(refusal('command.too_late', `The command was good until ${limit}.`))
  }
  const commandId: CommandId = asId(context.newId(home))
  for (let attempt = 1; ; attempt += 1) {
    try {
      const plan = await planOf(commandId, await nameState(context, book, input))
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
  const seqs = new Map(plan.lanes.map((lane) => [lane, 0n]))
  return plan.decide(new CommandView(memory, commandId, book, seqs), at)
}

async function nameState(
  { engine }: FlowContext,
  book: BookId,
  { merchantId, reference }: ChargeInput,
): Promise<NameState> {
  const owner = await engine.names.ownerOf(book, orderName(merchantId, reference))
  if (owner === undefined) return 'own'
  if (owner.cancelled) return 'cancelled'
  const outcome = await engine.outcomeOf(owner.id)
  return outcome?.refused === true ? 'own' : { takenBy: owner.id }
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
