/** What jobs work with beyond what flows do: threads of their own for what is heavy. */
import type { MintedCard, MintRequest } from '../../modules/cards/index.ts'
import type { FlowContext } from '../context.ts'

export interface JobContext extends FlowContext {
  /** As `mintCards`, on another thread. */
  readonly mintInBulk: (request: MintRequest) => Promise<MintedCard[]>
}
