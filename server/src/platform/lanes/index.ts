/** The lane engine: everything that moves value goes through it. See docs/ARCHITECTURE.md, "Lanes". */
export { bucketOf, canonical } from './claims.ts'
export { Engine } from './engine.ts'
export type { EngineMeter, EngineOptions } from './engine-options.ts'
export { forgetOldClaims } from './forget.ts'
export { type DigestLine, emptyHead, entryDigest, type JournalRow } from './journal.ts'
export { ensureLanes, type LaneInfo } from './pools.ts'
export {
  type Command,
  type Decision,
  type Executed,
  type Finder,
  type Json,
  type Line,
  type Lines,
  type NameState,
  type Outcome,
  type Plan,
  type Read,
  read,
  type Shelf,
  type UnclaimedCommand,
  type View,
} from './types.ts'
