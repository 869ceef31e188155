/** Whether an issuer may sell at all, and under which charter: asked before the round of everything that takes money. */
import type { CharterId, Result } from '@lika/contract'
import { latestCharter } from '../../modules/charters/index.ts'
import { selectSaleSwitch } from '../../modules/issuers/index.ts'
import { checkSale, type Policy } from '../../modules/policy/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'

export interface Sale {
  readonly stopped: boolean
  /** What buyers are shown; null: nothing was published. */
  readonly charterId: CharterId | null
}

/** As of now: what has been answered to whoever stopped the sale is seen. */
export async function saleOf(
  { database }: Pick<FlowContext, 'database'>,
  { issuerId, book }: Pick<CardCaller, 'issuerId' | 'book'>,
): Promise<Sale> {
  const [turned, charter] = await Promise.all([
    selectSaleSwitch(database.sql, issuerId),
    latestCharter(database.sql, book),
  ])
  return { stopped: turned?.stopped === true, charterId: charter?.id ?? null }
}

/** Refusals: `policy.sale_stopped`, `policy.charter_missing`. */
export function maySell(policy: Policy, { stopped, charterId }: Sale): Result<void> {
  return checkSale(policy, { stopped, hasCharter: charterId !== null })
}
