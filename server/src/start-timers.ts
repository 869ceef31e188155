/**
 * A step of the start: what is done from time to time. Decisions never wait for it: an expired hold or an outlived
 * secret is dead by the clock whether or not it was tidied away.
 */
import { dayMs } from '@lika/contract'
import { reconcileDue } from './flows/bills/run.ts'
import { renewValidity } from './flows/cards/renew-validity.ts'
import { startDayCloser } from './flows/close-day.ts'
import { lookAfterCombined } from './flows/combined/runner.ts'
import { reportManyTillDeliveries } from './flows/combined/shipping.ts'
import type { FlowContext } from './flows/context.ts'
import { expireHolds } from './flows/expire-holds.ts'
import { tendManyOrders } from './flows/purchase/runner.ts'
import { expireVouchers } from './flows/rebates/expire-vouchers.ts'
import { postRebates } from './flows/rebates/schedule.ts'
import { tendRedPackets } from './flows/red-packets/send.ts'
import { watchReserves } from './flows/reserve/watch.ts'
import { makeSettler } from './flows/settle/settler.ts'
import { findLostConsumes } from './flows/wechat/consume-code.ts'
import { sweepSeals } from './modules/cards/index.ts'
import { deletePassingEvents } from './modules/members/index.ts'
import { elapsedMs, realNow } from './platform/clock.ts'
import { forgetOldClaims } from './platform/lanes/index.ts'
import type { Log } from './platform/log.ts'
import { Nap } from './platform/nap.ts'
import type { Stop } from './stops.ts'

const modes = ['live', 'test'] as const
/** How long an idempotency key is remembered; the names of merchants and issuers are for ever. */
const claimsKeptMs = 400 * dayMs
/** WeChat repeats an event for minutes. */
const appEventsKeptMs = 30 * dayMs

export function startTimers(
  flows: FlowContext,
  log: Pick<Log, 'error'>,
  onStop: (stop: Stop) => void,
): void {
  const { engine, database } = flows
  const repeat = (
    what: string,
    everyMs: number,
    work: (isEnded: () => boolean) => Promise<unknown>,
  ) =>
    onStop(
      repeating(everyMs, work, (error) => log.error({ err: error }, `${what}: tried again later`)),
    )
  const days = startDayCloser(flows, { log })
  onStop(() => days.stop())
  // Within a second a merchant that was suspended on another server takes no payment here.
  repeat(
    'standings of merchants',
    400,
    toldOnce(() => flows.merchants.refreshStandings()),
  )
  const settler = makeSettler(flows, { log, monotonic: elapsedMs })
  repeat('settlements', 2_000, (isEnded) => settler.run(isEnded))
  repeat('expired holds', 5_000, () => expireHolds(flows))
  repeat('payments at tills', 1_000, () =>
    Promise.all(modes.map((mode) => lookAfterCombined({ ...flows, legLog: log }, mode))),
  )
  repeat('deliveries at tills', 5_000, async () => {
    for (const mode of modes) await reportManyTillDeliveries(flows, mode, log)
  })
  repeat('red packets', 2_000, async () => {
    for (const mode of modes) await tendRedPackets(flows, mode, log)
  })
  repeat('bills of WeChat Pay', 20_000, async () => {
    const accounts = await flows.payAccounts.every()
    for (const mode of modes) await reconcileDue(flows, log, mode, accounts)
  })
  repeat('reserves', 5_000, () => watchReserves(flows))
  repeat('revealed secrets', 30_000, async () => {
    for (const mode of modes) {
      await sweepSeals(database.sql, engine.lanesOf(mode), engine.now(mode))
    }
  })
  repeat('renewals of validity', 60_000, async () => {
    for (const mode of modes) await renewValidity(flows, mode)
  })
  repeat('orders', 1_000, () => Promise.all(modes.map((mode) => tendManyOrders(flows, mode, log))))
  repeat('codes of WeChat cards', 5_000, () => findLostConsumes(flows))
  repeat('expired vouchers', 30_000, () => expireVouchers(flows))
  repeat('campaigns', 1_000, () => flows.loyalty.refresh())
  repeat('rebates by the calendar', 30_000, async () => {
    for (const mode of modes) await postRebates(flows, mode, log)
  })
  repeat('sessions that are over', 60_000, () => flows.sessions.sweep())
  repeat('events of WeChat that say nothing of cards', dayMs, () =>
    deletePassingEvents(database.sql, realNow() - appEventsKeptMs),
  )
  repeat('old idempotency keys', dayMs, () =>
    forgetOldClaims(database.sql, realNow() - claimsKeptMs),
  )
}

/** Of failures that follow on each other only the first is told: so often, a database that is away fills the log. */
function toldOnce(work: () => Promise<unknown>): () => Promise<unknown> {
  let isFailing = false
  return async () => {
    try {
      await work()
      isFailing = false
    } catch (error) {
      if (!isFailing) {
        isFailing = true
        throw error
      }
    }
  }
}

/** Runs `work` again and again, never twice at once, a pause in between. Answers how to end it. */
function repeating(
  everyMs: number,
  work: (isEnded: () => boolean) => Promise<unknown>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const nap = new Nap()
  const run = async () => {
    while (!nap.ended) {
      await work(() => nap.ended).catch(onError)
      await nap.sleep(everyMs)
    }
  }
  const running = run()
  return async () => {
    nap.end()
    await running
  }
}
