/** What is told of a run: one JSON object with the ratios of the blueprint by name, or a table to read. */
import { median, ratio, rounded, type Stretch } from './figures.ts'
import type { Loaded, Measured } from './run.ts'

export interface Report {
  readonly engine_vs_pgbench: number | null
  readonly http_vs_pgbench: number | null
  readonly engine_vs_pgledger: number | null
  readonly issue_vs_copy: number | null
  readonly cards10m_vs_cards10k: number | null
  /** The cost of ours over that of the sum: the smaller the better. */
  readonly clearing_vs_groupby: number | null
  /** Not measured yet. */
  readonly risk_p99_ms: null
  readonly engine_vs_row_by_row: number | null
  /** Of an order p95: ours, with WeChat in it, over a bare one at WeChat; the smaller the better. */
  readonly purchase_vs_bare_order: number | null
  readonly quick: boolean
  readonly seconds: number
  readonly fsync: string
  readonly synchronous_commit: string
  readonly pgbench_source: string | null
  readonly cpu: { readonly model: string; readonly cores: number; readonly memory_gb: number }
  readonly node: string
  readonly postgres: string
  readonly settings: Readonly<Record<string, string>>
  readonly lanes: number
  readonly callers: number
  readonly connections: number
  /** Share of all payments. */
  readonly refused: number
  readonly audit: Measured['audit']
  readonly figures: object
}

/** Medians of ours, the best of what they are compared with. */
export function reportOf(measured: Measured): Report {
  const { plan, surroundings, engine, http, issue, growth } = measured
  const { settings } = surroundings
  const ofEngine = medianOf(engine)
  const anchor = best(measured.pgbench)
  const { model, cores, memoryGb } = surroundings.cpu
  return {
    engine_vs_pgbench: ratio(ofEngine, anchor),
    http_vs_pgbench: ratio(medianOf(http), anchor),
    engine_vs_pgledger: ratio(ofEngine, best(measured.pgledger)),
    issue_vs_copy: ratio(issue.perSecond, issue.copyPerSecond),
    cards10m_vs_cards10k: ratio(rateAt(growth, 10_000_000), rateAt(growth, 10_000)),
    clearing_vs_groupby: ratio(measured.clearing.settleSeconds, measured.clearing.groupBySeconds),
    risk_p99_ms: null,
    engine_vs_row_by_row: ratio(ofEngine, best(measured.rowByRow)),
    purchase_vs_bare_order: ratio(measured.purchase.orderP95, measured.purchase.bareP95),
    quick: plan.quick,
    seconds: measured.seconds,
    fsync: settings['fsync'] ?? '',
    synchronous_commit: settings['synchronous_commit'] ?? '',
    pgbench_source: measured.pgbenchSource,
    cpu: { model, cores, memory_gb: memoryGb },
    node: surroundings.node,
    postgres: surroundings.postgres,
    settings,
    lanes: surroundings.lanes,
    callers: plan.callers,
    connections: plan.connections,
    refused: refusedShare([engine, http]),
    audit: measured.audit,
    figures: {
      cards: plan.cards,
      merchants: plan.merchants,
      pgbench: measured.pgbench,
      engine,
      http,
      row_by_row: measured.rowByRow,
      pgledger: measured.pgledger,
      issue,
      clearing: measured.clearing,
      purchase: measured.purchase,
      growth,
      ...(measured.profile === null ? {} : { profile: measured.profile }),
    },
  }
}

function medianOf({ stretches }: Loaded): number {
  return median(stretches.map(({ perSecond }) => perSecond))
}

function best(rates: Readonly<Record<string, number>>): number | null {
  const all = Object.values(rates)
  return all.length === 0 ? null : Math.max(...all)
}

function rateAt(growth: Measured['growth'], cards: number): number | null {
  const size = growth.find((one) => one.cards === cards)
  return size === undefined ? null : median(size.engine)
}

function refusedShare(roads: readonly Loaded[]): number {
  const all = roads.flatMap(({ stretches, hotMerchant, hotCard, latency }) => [
    ...stretches,
    hotMerchant,
    hotCard,
    ...latency.map(({ measured }) => measured),
  ])
  const refused = all.reduce((sum, one) => sum + one.refused, 0)
  const done = all.reduce((sum, one) => sum + one.done, 0)
  return rounded(refused / Math.max(1, refused + done), 4)
}

/** For people. */
export function tableOf(measured: Measured): string {
  const report = reportOf(measured)
  const { engine, http, issue, growth, pgbench, rowByRow } = measured
  const { cpu, settings } = measured.surroundings
  const lines = [
    `${cpu.cores} × ${cpu.model}, ${cpu.memoryGb} GB; Node ${report.node}; PostgreSQL ${report.postgres}`,
    `fsync ${report.fsync}, synchronous_commit ${report.synchronous_commit}, shared_buffers ${settings['shared_buffers']}, data_checksums ${settings['data_checksums']}`,
    `${report.lanes} lanes; ${measured.plan.cards} cards, ${measured.plan.merchants} merchants; ${report.callers} callers, ${report.connections} connections`,
    `pgbench: ${report.pgbench_source ?? 'not found'}`,
    '',
    row('', 'ratio', 'floor', 'figures'),
    row(
      'engine / pgbench',
      report.engine_vs_pgbench,
      3,
      `${rates(engine)} / ${byClients(pgbench)}`,
    ),
    row('HTTP / pgbench', report.http_vs_pgbench, 1.5, `${rates(http)} / the same`),
    row('engine / row by row', report.engine_vs_row_by_row, 5, `… / ${byClients(rowByRow)}`),
    row('engine / pgledger', report.engine_vs_pgledger, 8, byClients(measured.pgledger)),
    row(
      'issue / COPY',
      report.issue_vs_copy,
      0.5,
      `${issue.perSecond} / ${issue.copyPerSecond} cards/s (all tables at once: ${issue.parallelCopyPerSecond})`,
    ),
    row('clearing / group by', report.clearing_vs_groupby, 5, clearingText(measured)),
    row('order / bare order, p95', report.purchase_vs_bare_order, null, purchaseText(measured)),
    row('10 M cards / 10 k', report.cards10m_vs_cards10k, 0.8, growth.map(sizeText).join('; ')),
    '',
    row('payments/s', 'engine', 'HTTP', ''),
    row('uniform, median', medianOf(engine), medianOf(http), ''),
    row('one merchant', engine.hotMerchant.perSecond, http.hotMerchant.perSecond, ''),
    row('one card', engine.hotCard.perSecond, http.hotCard.perSecond, ''),
    ...latencies(engine, http),
    '',
    `refused ${rounded(report.refused * 100, 2)} % of the payments`,
    auditText(measured),
    ...profileLines(measured),
    `${measured.seconds} s in all`,
  ]
  return `${lines.join('\n')}\n`
}

function row(...cells: readonly (string | number | null)[]): string {
  const [name = '', one = '', two = '', rest = ''] = cells.map((cell) => String(cell ?? '–'))
  return `${name.padEnd(22)}${one.padStart(9)}${two.padStart(9)}   ${rest}`.trimEnd()
}

function rates({ stretches }: Loaded): string {
  return `median of ${stretches.map(({ perSecond }) => perSecond).join(', ')}`
}

function byClients(measured: Readonly<Record<string, number>>): string {
  const parts = Object.entries(measured).map(([clients, rate]) => `${rate} (${clients})`)
  return parts.length === 0 ? 'not measured' : `best of ${parts.join(', ')}`
}

function sizeText({ cards, engine, pgbench }: Measured['growth'][number]): string {
  return `${cards}: ${median(engine)} (pgbench ${pgbench.length === 0 ? '–' : median(pgbench)})`
}

function latencies(engine: Loaded, http: Loaded): string[] {
  return engine.latency.map((ours, index) => {
    const text = (stretch: Stretch | undefined) =>
      stretch === undefined ? '–' : `${stretch.p50} / ${stretch.p99} ms`
    const other = http.latency[index]?.measured
    const name = `p50 / p99 at ${ours.share * 100} % of the top rate`
    return `${name}: engine ${text(ours.measured)}, HTTP ${text(other)}`
  })
}

/** Here the floor is a ceiling. */
function clearingText({ clearing }: Measured): string {
  const { payments, merchants, settleSeconds, groupBySeconds, closingsSeconds, memoryMb } = clearing
  const said = clearing.wrong === null ? '' : `; THE AUDITOR FOUND: ${clearing.wrong}`
  return `at most: ${settleSeconds} / ${groupBySeconds} s for ${payments} payments at ${merchants} merchants, ${memoryMb} MB (closings: ${closingsSeconds} s)${said}`
}

function auditText({ audit }: Measured): string {
  if (!audit.clean) return `THE AUDITOR FOUND: ${audit.wrong}`
  return `auditor: clean (${audit.entries} entries, ${audit.transfers} transfers, ${audit.accounts} accounts)`
}

function profileLines({ profile }: Measured): string[] {
  if (profile === null) return []
  const part = (title: string, shares: readonly { what: string; micros: number }[]) => [
    '',
    title,
    ...shares.slice(0, 25).map(({ what, micros }) => `${String(micros).padStart(7)}  ${what}`),
  ]
  return [
    ...part('Node, µs per payment by file', profile.files),
    ...part('Node, µs per payment by function', profile.functions),
    ...part('PostgreSQL, µs per payment by statement', profile.statements),
    '',
  ]
}

function purchaseText({ purchase }: Measured): string {
  const { perSecond, orders, orderP95, bareP95, usableP99, delivered } = purchase
  const ours = rounded(orderP95 - bareP95, 1)
  return `at ${perSecond}/s: ${orderP95} / ${bareP95} ms, ${ours} ms ours; callback to card p99 ${usableP99} ms; ${delivered} of ${orders} delivered`
}
