/** The HTTP server in this process with a bank behind it, which is visited when a test says so. */

import type { BankEncoding } from '../../server/src/connectors/bank-file-format.ts'
import { startDayCloser } from '../../server/src/flows/close-day.ts'
import { makePayoutRunner, type PayoutRunner } from '../../server/src/flows/payouts/runner.ts'
import type { BankVisit, PayoutChannel } from '../../server/src/modules/payouts/index.ts'
import { type Bank, startBank } from './bank.ts'
import { startCardApp } from './card-app.ts'
import { beginOnMonday, openPayees } from './payees.ts'

export type PayoutApp = Awaited<ReturnType<typeof startPayoutApp>>

/** What goes wrong with the next steps at the bank: a step that is not named goes well. */
export type Faults = {
  /** The connection is lost before anything of the order is there, or when all of it is; or nothing can be written. */
  send?: 'before' | 'after' | 'unwritten'
  /** The process ends when answers were taken and not put away yet. */
  poll?: true
}

/** `askAfterMs` 0: at every visit the bank is asked about what is open. */
export async function startPayoutApp(encoding: BankEncoding = 'utf-8') {
  const bank: Bank = await startBank(encoding)
  // Filled below: routes are registered before there is a database to work on.
  const payouts = {} as PayoutRunner
  const app = await startCardApp([], { payouts })
  const troubles: string[] = []
  const told = (_: object, sentence: string) => void troubles.push(sentence)
  const faults: Faults = {}
  const times = { test: { everyMs: 3_600_000, askAfterMs: 0 } }
  const make = () =>
    makePayoutRunner(app.flows, {
      channels: { test: faulty(bank.channel(), faults) },
      times,
      log: { warn: told, error: told },
    })
  Object.assign(payouts, make())
  await beginOnMonday(app.database.owner.sql)
  const closer = startDayCloser(app.flows, { log: console, lookEveryMs: 3_600_000 })
  const issuer = await app.makeIssuer()
  const [maker, checker] = await Promise.all(
    ['林梅', '吴军'].map(async (owner) => (await app.makeKey(issuer.id, 'test', { owner })).secret),
  )
  if (maker === undefined || checker === undefined) throw new Error('no keys')
  const product = await app.makeProduct(maker, { face_range: { min: 1, max: 5_000_000 } })
  const server = {
    call: (method: string, path: string, options: object) => app.call(method, path, options),
    post: app.post,
    closeDays: () => closer.runNow(),
  }
  const payees = openPayees(server, { maker, checker }, product)
  await payees.begin()

  return {
    ...app,
    bank,
    issuer,
    maker,
    checker,
    product,
    payees,
    faults,
    troubles,
    /** Another process at the same desk. */
    anotherRunner: make,
    visit: () => payouts.visit('test'),
    /** The batch of what is due, released by somebody else. */
    async release(): Promise<string> {
      const made = await app.call('POST', '/v1/payout_batches', { key: maker, body: {} })
      if (made.status !== 201) throw new Error(JSON.stringify(made.body))
      const path = `/v1/payout_batches/${made.body.id}/release`
      const released = await app.call('POST', path, { key: checker })
      if (released.status !== 200) throw new Error(JSON.stringify(released.body))
      return made.body.id
    },
    batch: async (id: string) =>
      (await app.call('GET', `/v1/payout_batches/${id}`, { key: maker })).body,
    payoutsOf: async (batch: string) =>
      (
        await app.call('GET', `/v1/payouts?batch_id=${batch}&limit=200`, { key: maker })
      ).body.data.toReversed(),
    stop: async () => {
      await closer.stop()
      await app.stop()
      await bank.stop()
    },
  }
}

function faulty(channel: PayoutChannel, faults: Faults): PayoutChannel {
  return {
    objectionTo: (payee) => channel.objectionTo(payee),
    visit: (work) => channel.visit((bank) => work(faultyVisit(bank, faults))),
  }
}

function faultyVisit(bank: BankVisit, faults: Faults): BankVisit {
  return {
    ...bank,
    send: async (order) => {
      const { send } = faults
      delete faults.send
      if (send === 'unwritten') return 'nothing_there'
      if (send === 'before') throw new Error('the connection was lost')
      const delivery = await bank.send(order)
      if (send === 'after') throw new Error('the connection was lost')
      return delivery
    },
    poll: (take) =>
      bank.poll(async (file) => {
        const isTaken = await take(file)
        const { poll } = faults
        delete faults.poll
        return isTaken && poll !== true
      }),
  }
}
