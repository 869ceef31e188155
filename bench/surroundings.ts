/** On what it was measured: machine, versions, and the settings that the server really has. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import type { Installation } from './installation.ts'

export interface Surroundings {
  readonly cpu: { readonly model: string; readonly cores: number; readonly memoryGb: number }
  readonly node: string
  readonly postgres: string
  readonly lanes: number
  readonly settings: Readonly<Record<string, string>>
}

export async function surroundings(installation: Installation): Promise<Surroundings> {
  const { owner, postgres, lanes } = installation
  const settings: Record<string, string> = {}
  for (const name of [...Object.keys(postgres.settings), 'data_checksums']) {
    const [found] = await owner.sql<{ value: string }[]>`select current_setting(${name}) as value`
    settings[name] = found?.value ?? ''
  }
  const [version] = await owner.sql<{ value: string }[]>`
    select current_setting('server_version') as value`
  return {
    cpu: {
      model: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
    postgres: version?.value ?? 'unknown',
    lanes,
    settings,
  }
}
