/** Commands over several lanes: each has its outcome at home, and what crosses between lanes arrives. */
import { type Lane, laneOfId, withKindAndLane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { type AuditedEntry, type AuditedTransfer, readTransits } from './audit-store.ts'
import { type BookIsWrong, wrongEntry } from './audit-types.ts'
import { accountKinds, kindOfAccount } from './chart.ts'

/** The last four digits of every transit account of a lane. */
function transitDigits(lane: Lane): string {
  return withKindAndLane(
    '00000000-0000-0000-0000-000000000000',
    accountKinds.transit.number,
    lane,
  ).slice(-4)
}

/** The first entry whose home entry is missing, or whose command's transits do not sum to zero over the lanes. */
export async function lostInTransit(
  sql: Sql,
  lane: Lane,
  lanes: readonly Lane[],
  entries: readonly AuditedEntry[],
  lines: ReadonlyMap<bigint, readonly AuditedTransfer[]>,
): Promise<BookIsWrong | undefined> {
  const away = entries.filter((entry) => laneOfId(entry.commandId) !== lane)
  for (const [home, some] of Map.groupBy(away, (entry) => laneOfId(entry.commandId))) {
    const known = await transitsIn(sql, home, some)
    const lost = some.find((entry) => !known.has(entry.commandId))
    if (lost !== undefined)
      return wrongEntry(
        lane,
        lost.seq,
        `the lane ${home} has no entry of its command`,
        'command_id',
      )
  }
  const crossing = new Map<string, bigint>()
  const some = entries.filter((entry) => {
    const own = transitOf(lines.get(entry.seq) ?? [])
    const isHome = laneOfId(entry.commandId) === lane && own !== 0n
    if (isHome) crossing.set(entry.commandId, own)
    return isHome
  })
  if (some.length === 0) return undefined
  for (const other of lanes) {
    if (other === lane) continue
    for (const [id, transit] of await transitsIn(sql, other, some))
      crossing.set(id, (crossing.get(id) ?? 0n) + transit)
  }
  const lost = some.find((entry) => crossing.get(entry.commandId) !== 0n)
  return lost && wrongEntry(lane, lost.seq, 'its transits do not sum to zero over the lanes')
}

async function transitsIn(
  sql: Sql,
  lane: Lane,
  entries: readonly AuditedEntry[],
): Promise<Map<string, bigint>> {
  const months = [...new Set(entries.map((entry) => entry.month))]
  const ids = entries.map((entry) => entry.commandId)
  const rows = await readTransits(sql, lane, months, ids, transitDigits(lane))
  return new Map(rows.map((row) => [row.commandId, row.transit]))
}

function transitOf(lines: readonly AuditedTransfer[]): bigint {
  let sum = 0n
  for (const { debit, credit, amount } of lines) {
    if (kindOfAccount(debit) === 'transit') sum += amount
    if (kindOfAccount(credit) === 'transit') sum -= amount
  }
  return sum
}
