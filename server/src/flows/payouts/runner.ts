/**
 * Talks to the banks, mode by mode: fetches answers, sends what was released, asks about what stays silent. Any number
 * of processes may run it; one at a time has the desk.
 */
import type { Mode } from '@lika/contract'
import {
  leaveDesk,
  type PayoutChannel,
  selectOpenBatches,
  takeDesk,
} from '../../modules/payouts/index.ts'
import { realNow } from '../../platform/clock.ts'
import { newId } from '../../platform/ids.ts'
import { Nap } from '../../platform/nap.ts'
import { takeAnswers } from './answers.ts'
import type { PayoutContext, PayoutDesk, PayoutLog } from './desk.ts'
import { forward } from './send.ts'

export type PayoutChannels = Partial<Readonly<Record<Mode, PayoutChannel>>>

export interface PayoutRunnerOptions {
  readonly channels: PayoutChannels
  readonly times: Partial<Readonly<Record<Mode, PayoutTimes>>>
  readonly log: PayoutLog
}

export interface PayoutTimes {
  /** Between two visits to the bank. */
  readonly everyMs: number
  /** How long the bank may be silent about an order before it is asked. */
  readonly askAfterMs: number
}

const ordinaryTimes: PayoutTimes = { everyMs: 30_000, askAfterMs: 1_800_000 }

export interface PayoutRunner {
  /** Whether there is a bank for that mode. */
  hasBank(mode: Mode): boolean
  readonly channels: PayoutChannels
  /** Something was released: the next visit is now. */
  wake(): void
  /** One visit. False: another process has the desk. */
  visit(mode: Mode): Promise<boolean>
  start(): void
  stop(): Promise<void>
}

/** How long a process that died keeps the others from the bank; one that lives renews it meanwhile. */
const deskMs = 8_000
const renewEveryMs = 2_000

export function makePayoutRunner(
  context: PayoutContext,
  { channels, times, log }: PayoutRunnerOptions,
): PayoutRunner {
  const holder = newId()
  const sql = () => context.database.sql
  const timesOf = (mode: Mode) => times[mode] ?? ordinaryTimes
  const naps = new Map<Mode, Nap>()
  const loops: Promise<void>[] = []

  function deskOf(mode: Mode, channel: PayoutChannel): PayoutDesk {
    return {
      mode,
      context,
      channel,
      log,
      askAt: () => realNow() + timesOf(mode).askAfterMs,
      keep: async () => {
        if (!(await takeDesk(sql(), mode, holder, deskMs)))
          throw new Error(`another process talks to the bank of the ${mode} mode`)
      },
    }
  }

  async function visit(mode: Mode): Promise<boolean> {
    const channel = channels[mode]
    if (channel === undefined || !(await takeDesk(sql(), mode, holder, deskMs))) return false
    const desk = deskOf(mode, channel)
    const renewing = setInterval(() => {
      takeDesk(sql(), mode, holder, deskMs).catch(() => undefined)
    }, renewEveryMs)
    try {
      await channel.visit(async (bank) => {
        await bank.poll(async (file) => {
          await desk.keep()
          return attempt(() => takeAnswers(desk, bank, file), `the answers of ${file.name}`)
        })
        for (const batch of await selectOpenBatches(sql(), mode))
          await attempt(() => forward(desk, bank, batch), `the payout batch ${batch.id}`)
      })
    } finally {
      clearInterval(renewing)
      await leaveDesk(sql(), mode, holder)
    }
    return true
  }

  /** What goes wrong with one thing is tried again at the next visit, and keeps nothing else from being done. */
  async function attempt(work: () => Promise<void>, what: string): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      log.error({ err: error }, `${what}: tried again later`)
      return false
    }
  }

  async function loop(mode: Mode, nap: Nap): Promise<void> {
    while (!nap.ended) {
      try {
        await visit(mode)
      } catch (error) {
        log.warn({ err: error, mode }, 'the bank cannot be reached just now')
      }
      await nap.sleep(timesOf(mode).everyMs)
    }
  }

  return {
    hasBank: (mode) => channels[mode] !== undefined,
    channels,
    wake: () => {
      for (const nap of naps.values()) nap.wake()
    },
    visit,
    start: () => {
      for (const mode of ['live', 'test'] as const) {
        if (channels[mode] === undefined || naps.has(mode)) continue
        const nap = new Nap()
        naps.set(mode, nap)
        loops.push(loop(mode, nap))
      }
    },
    stop: async () => {
      for (const nap of naps.values()) nap.end()
      await Promise.all(loops)
    },
  }
}
