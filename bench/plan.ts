/** How much is measured: in the quick run, in the full one, and in the test of the bench itself. */

export interface BenchPlan {
  readonly quick: boolean
  readonly merchants: number
  /** Cards of the main part. */
  readonly cards: number
  /** Sizes at which the rate is compared, ascending; those up to `cards` are measured before the main part. */
  readonly growth: readonly number[]
  readonly anchor: { readonly scale: number; readonly seconds: number }
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly rowSeconds: number
  readonly hotSeconds: number
  readonly latencySeconds: number
  /** Concurrent callers of the engine. */
  readonly callers: number
  /** Connections of the HTTP load generator. */
  readonly connections: number
  readonly issued: number
  /** Purchases through the local WeChat. */
  readonly bought: { readonly perSecond: number; readonly seconds: number }
  /** Payments of the day that is cleared, and merchants that took them. */
  readonly cleared: { readonly payments: number; readonly merchants: number }
}

export const quickPlan: BenchPlan = {
  quick: true,
  merchants: 1_000,
  cards: 200_000,
  growth: [],
  anchor: { scale: 50, seconds: 10 },
  warmUpSeconds: 3,
  seconds: 3,
  rowSeconds: 1,
  hotSeconds: 1,
  latencySeconds: 1,
  callers: 2_000,
  connections: 2_000,
  issued: 20_000,
  bought: { perSecond: 200, seconds: 2 },
  cleared: { payments: 120_000, merchants: 120 },
}

export const fullPlan: BenchPlan = {
  ...quickPlan,
  quick: false,
  merchants: 500_000,
  growth: [10_000, 1_000_000, 10_000_000],
  warmUpSeconds: 5,
  seconds: 10,
  rowSeconds: 10,
  hotSeconds: 5,
  latencySeconds: 10,
  issued: 200_000,
  bought: { perSecond: 200, seconds: 30 },
  cleared: { payments: 1_000_000, merchants: 1_000 },
}
