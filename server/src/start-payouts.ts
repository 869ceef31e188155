/** A step of the start: the banks that are configured, and the desk that talks to them. */
import { readFile } from 'node:fs/promises'
import type { Mode } from '@lika/contract'
import { bankFiles } from './connectors/bank-file.ts'
import type { FlowContext } from './flows/context.ts'
import { makePayoutRunner, type PayoutRunner } from './flows/payouts/runner.ts'
import type { PayoutChannel } from './modules/payouts/index.ts'
import { CannotStart } from './platform/cannot-start.ts'
import type { Config } from './platform/config.ts'
import type { BankConfig } from './platform/config-bank.ts'
import type { Log } from './platform/log.ts'
import type { Stop } from './stops.ts'

/** @throws CannotStart when the key for a bank cannot be read. */
export async function startPayouts(
  { banks }: Pick<Config, 'banks'>,
  flows: FlowContext,
  log: Log,
  onStop: (stop: Stop) => void,
): Promise<PayoutRunner> {
  const channels: Partial<Record<Mode, PayoutChannel>> = {}
  const times: Partial<Record<Mode, { everyMs: number; askAfterMs: number }>> = {}
  for (const mode of ['live', 'test'] as const) {
    const bank = banks[mode]
    if (bank === undefined) continue
    channels[mode] = await channelTo(bank, log)
    times[mode] = { everyMs: bank.everySeconds * 1_000, askAfterMs: bank.askAfterSeconds * 1_000 }
  }
  const runner = makePayoutRunner(flows, { channels, times, log })
  runner.start()
  onStop(() => runner.stop())
  return runner
}

async function channelTo(bank: BankConfig, log: Log): Promise<PayoutChannel> {
  const { host, port, user, hostKey, keyFile, encoding, folder } = bank
  const privateKey = await readFile(keyFile, 'utf8').catch((error: unknown) => {
    throw new CannotStart(
      'config.invalid',
      `The key for the bank, ${keyFile}, cannot be read.`,
      error,
    )
  })
  return bankFiles({ host, port, user, hostKey, privateKey }, { encoding, folder, log })
}
