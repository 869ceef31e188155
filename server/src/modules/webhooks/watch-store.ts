/** Statements by which the deliveries are watched from outside. */
import type { Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

export interface DeliveryFigures {
  /** Journal entries that endpoints have not been told of, over all of them; what does not concern them is counted in. */
  readonly backlog: number
  /** A lane of which an endpoint was told more than the journal holds, as after the restore of an older backup. */
  readonly aheadIn: Lane | null
}

export async function readDeliveryFigures(sql: Sql): Promise<DeliveryFigures> {
  const [row] = await sql<{ backlog: bigint | null; ahead_in: Lane | null }[]>`
    select sum(greatest(lane.next_seq - 1 - webhook_cursor.seq, 0))::bigint as backlog,
      min(lane.lane) filter (where webhook_cursor.seq >= lane.next_seq) as ahead_in
    from webhook_cursor
    join lane on lane.lane = webhook_cursor.lane`
  return { backlog: Number(row?.backlog ?? 0n), aheadIn: row?.ahead_in ?? null }
}
