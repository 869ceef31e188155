/** Dry runs of payments and holds. */
import {
  type BookId,
  type CommandId,
  formatInstant,
  type Lane,
  modeOfBook,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { NameState, Plan } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { type Previewed, previewPlan } from '../preview-plan.ts'
import { orderName } from './charge.ts'
import type { ChargeInput } from './till-caller.ts'

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
  return previewPlan(context, book, home, async (commandId) =>
    planOf(commandId, await nameState(context, book, input)),
  )
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
