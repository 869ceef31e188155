/** A step of the start: shares of sales, queued behind the journal and sent within the limits of WeChat. */
import type { Mode } from '@lika/contract'
import type { FlowContext } from './flows/context.ts'
import { followReturns } from './flows/sharing/late-returns.ts'
import { startSharingQueue } from './flows/sharing/queue.ts'
import { sendShares } from './flows/sharing/send.ts'
import type { Log } from './platform/log.ts'
import { Nap } from './platform/nap.ts'
import type { Stop } from './stops.ts'

const everyMs = 250
const followEveryMs = 60_000

export function startSharing(
  flows: FlowContext,
  log: Pick<Log, 'error'>,
  onStop: (stop: Stop) => void,
): void {
  const { engine, database } = flows
  const queue = startSharingQueue(database, {
    lanes: () => engine.lanes.map(({ lane }) => lane),
    log,
    onStopped: (error) => log.error({ err: error }, 'shares of sales are not queued any more'),
  })
  engine.onMoved((lane) => queue.wake(lane))
  onStop(() => queue.stop())
  const nap = new Nap()
  const running = repeat(nap, log, everyMs, (mode) => sendShares(flows, mode))
  const late = new Nap()
  const following = repeat(late, log, followEveryMs, (mode) => followReturns(flows, mode))
  onStop(async () => {
    nap.end()
    late.end()
    await Promise.all([running, following])
  })
}

/** Of failures that follow on each other only the first is told. */
async function repeat(
  nap: Nap,
  log: Pick<Log, 'error'>,
  pauseMs: number,
  work: (mode: Mode) => Promise<unknown>,
): Promise<void> {
  let isFailing = false
  while (!nap.ended) {
    try {
      for (const mode of ['live', 'test'] as const) await work(mode)
      isFailing = false
    } catch (error) {
      if (!isFailing) log.error({ err: error }, 'shares of sales: tried again later')
      isFailing = true
    }
    await nap.sleep(pauseMs)
  }
}
