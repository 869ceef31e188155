/** What an engine is started with. */
import type { CommandId, Instant, Lane } from '@lika/contract'
import type { Database } from '../db.ts'
import type { NameDigest } from './claims.ts'

/** Whoever counts what the engine does. */
export interface EngineMeter {
  /** A round was committed. */
  round(commands: number): void
  /** A key was claimed, or found taken. */
  claim(tookMs: number): void
}

export interface EngineOptions {
  readonly database: Database
  /** Another connection to the same database whose sessions commit asynchronously. */
  readonly claimDatabase: Database
  readonly nameDigest: NameDigest
  readonly newCommandId: (lane: Lane) => CommandId
  readonly realNow: () => Instant
  readonly monotonic: () => number
  readonly log: { error(details: object, sentence: string): void }
  readonly meter?: EngineMeter
  /** Commands that may wait for one lane. */
  readonly queueCapacity?: number
  readonly mostInOneRound?: number
  /** How long a caller waits for a database that does not answer. */
  readonly patienceMs?: number
  /** How long a command under way keeps others from its outside name before it is refused for good. */
  readonly nameGraceMs?: number
}
