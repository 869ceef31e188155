/** `npm run bench`: reads what is asked for, runs it, and puts out a table or, with --json, exactly one JSON object. */
import { parseArgs } from 'node:util'
import { fullPlan, quickPlan } from './plan.ts'
import { say } from './progress.ts'
import { reportOf, tableOf } from './report.ts'
import { run } from './run.ts'

const usage = `usage: npm run bench [-- --quick] [--json] [--profile]
  --quick    two minutes: fewer cards, shorter stretches, no growth
  --json     one JSON object on stdout
  --profile  also where the microseconds of a payment go
  LIKA_BENCH_PGLEDGER_URL: a database that has pgledger, to compare with it`

const options = {
  quick: { type: 'boolean' },
  json: { type: 'boolean' },
  profile: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

/** Most payments must have gone through, or what was measured were refusals. */
const mostRefused = 0.01

async function main(): Promise<number> {
  const { values } = parseArgs({ options, strict: true })
  if (values.help === true) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const measured = await run(values.quick === true ? quickPlan : fullPlan, {
    profiled: values.profile === true,
    pgledgerUrl: process.env['LIKA_BENCH_PGLEDGER_URL'],
  })
  const report = reportOf(measured)
  process.stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : tableOf(measured))
  const { wrong } = measured.clearing
  if (wrong !== null) say(`the settled book does not hold: ${wrong}`)
  if (!report.audit.clean) say(`the book does not hold: ${report.audit.wrong}`)
  if (report.refused >= mostRefused) say(`${report.refused * 100} % of the payments were refused`)
  const holds = report.audit.clean && wrong === null
  return holds && report.refused < mostRefused ? 0 : 1
}

try {
  process.exit(await main())
} catch (error) {
  const isUsage =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(
    isUsage
      ? `${error.message}\n${usage}\n`
      : `${error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exit(isUsage ? 2 : 1)
}
