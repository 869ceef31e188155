/** Everything that route files may use; grown where a route needs more, filled by main. */
import type { Instant, Mode } from '@lika/contract'
import type { FlowContext } from '../flows/context.ts'
import type { PayoutRunner } from '../flows/payouts/runner.ts'
import type { Access } from '../modules/access/index.ts'
import type { Issuers } from '../modules/issuers/index.ts'
import type { Merchants } from '../modules/merchants/index.ts'
import type { Packs } from '../modules/policy/index.ts'
import type { Programs } from '../modules/programs/index.ts'
import type { Webhooks } from '../modules/webhooks/index.ts'
import type { Database } from '../platform/db.ts'
import type { Jobs } from '../platform/jobs/index.ts'
import type { Command, Executed } from '../platform/lanes/index.ts'
import type { Log } from '../platform/log.ts'
import type { Answered } from './http/meter.ts'

export interface Deps {
  readonly log: Log
  /** As the application's role. */
  readonly database: Database
  readonly packs: Packs
  /** The time in the books of a mode. */
  readonly bookNow: (mode: Mode) => Instant
  readonly access: Access
  readonly issuers: Issuers
  readonly programs: Programs
  readonly merchants: Merchants
  readonly webhooks: Webhooks
  /** What flows work with. */
  readonly flows: FlowContext
  readonly jobs: Jobs
  /** Talks to the banks. */
  readonly payouts: PayoutRunner
  readonly execute: (command: Command) => Promise<Executed>
  /** What must be in order before requests are served. */
  readonly readiness: readonly ReadinessCheck[]
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  readonly trustProxy: boolean | string
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
  /** Told of every answer. */
  readonly count: (answered: Answered) => void
  /** Prometheus text. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

export interface ReadinessCheck {
  readonly name: string
  /** undefined: in order; else one sentence on what is wrong. */
  readonly check: () => Promise<string | undefined> | string | undefined
}
