/** What flows work with: handed in by the composition root, so that a flow names everything it touches. */
import type { Uuid } from '@lika/contract'
import type { Database } from '../platform/db.ts'
import type { Engine } from '../platform/lanes/index.ts'

export interface FlowContext {
  readonly engine: Engine
  /** For reads outside rounds. */
  readonly database: Database
  readonly newId: (lane?: number) => Uuid
}
