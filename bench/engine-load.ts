/** Payments through the flow of `POST /v1/payments` in this process, without HTTP: claim, round, journal and all. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FlowContext } from '../server/src/flows/context.ts'
import { payCommand } from '../server/src/flows/pay.ts'
import { executePrepared } from '../server/src/flows/prepared.ts'
import { type Stretch, stretch } from './figures.ts'
import type { Payment } from './payments.ts'
import type { World } from './world.ts'

export type Pay = (payment: Payment) => Promise<boolean>

/** False: refused. */
export function payThroughEngine(flows: FlowContext, { book }: World): Pay {
  const caller = { book, keyId: 'bench', address: '127.0.0.1' }
  return async ({ cardId, merchantId, amount, key }) => {
    const sources = [{ kind: 'card', cardId, amount: undefined }] as const
    const input = { amount: BigInt(amount), merchantId, reference: key, sources }
    const command = await payCommand(flows, caller, input, key)
    if (!command.ok) return false
    const result = await executePrepared((one) => flows.engine.execute(one), command.value)
    return result.status === 'done'
  }
}

/** So many callers, each of whom pays again as soon as it is answered: the top rate. */
export async function closedLoop(
  pay: Pay,
  next: () => Payment,
  callers: number,
  seconds: number,
): Promise<Stretch> {
  const started = performance.now()
  const end = started + seconds * 1000
  const latencies: number[] = []
  let refused = 0
  const caller = async () => {
    for (let at = performance.now(); at < end; at = performance.now()) {
      if (!(await pay(next()))) refused += 1
      latencies.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const took = (performance.now() - started) / 1000
  return stretch(latencies.length - refused, refused, took, latencies)
}

/**
 * Payments that arrive at a fixed rate whether or not those before them were answered. Each one's latency counts from
 * the instant at which it was due, so that a stall is felt by everybody who would have come during it.
 */
export async function openLoop(
  pay: Pay,
  next: () => Payment,
  perSecond: number,
  seconds: number,
): Promise<Stretch> {
  const started = performance.now()
  const count = Math.floor(perSecond * seconds)
  const latencies: number[] = []
  const underWay: Promise<void>[] = []
  let refused = 0
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.ceil(((performance.now() - started) / 1000) * perSecond))
    for (; sent < due; sent += 1) {
      const dueAt = started + (sent / perSecond) * 1000
      const answered = pay(next()).then((isDone) => {
        if (!isDone) refused += 1
        latencies.push(performance.now() - dueAt)
      })
      underWay.push(answered)
    }
    await sleep(1)
  }
  await Promise.all(underWay)
  const took = (performance.now() - started) / 1000
  return stretch(count - refused, refused, took, latencies)
}
