/**
 * The local WeChat as a process:
 *
 *   node wechat-twin/src/main.ts --data <folder> [--port 0] [--profile strict|local] [--seed <text>] [--end-with-stdin]
 *
 * It listens on loopback only, says where in one line, and ends on SIGTERM or SIGINT, with --end-with-stdin also when its
 * input ends, which is when whoever started it is gone. What it knows lies in `<folder>/log.jsonl` and is there again at
 * the next start.
 */
import { parseArgs } from 'node:util'
import { Twin } from './kernel/twin.ts'
import { registers } from './routes.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '0' },
    profile: { type: 'string', default: 'strict' },
    seed: { type: 'string' },
    'end-with-stdin': { type: 'boolean', default: false },
  },
})
const { data, port, profile, seed } = values
if (data === undefined || !/^\d+$/.test(port) || (profile !== 'strict' && profile !== 'local')) {
  process.stderr.write('--data <folder> [--port n] [--profile strict|local] [--seed text]\n')
  process.exit(2)
}

const twin = new Twin({ data, profile, seed })
await twin.start(registers, Number(port))
process.stdout.write(`WeChat twin (${profile}) listens on ${twin.url}\n`)

function end(): void {
  twin.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  )
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end)
if (values['end-with-stdin']) process.stdin.once('end', end).resume()
