/** Removes idempotency keys that are older than any retry, bucket by bucket, so that no statement is long. */
import { asId, type CommandId, type Instant } from '@lika/contract'
import type { Sql } from '../db.ts'
import { idAt } from '../ids.ts'
import { deleteOldClaims } from './claim-store.ts'
import { buckets } from './claims.ts'

/** Answers how many claims of commands made before that instant were removed. */
export async function forgetOldClaims(sql: Sql, before: Instant): Promise<number> {
  const oldest: CommandId = asId<'command'>(idAt(before))
  let forgotten = 0
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    forgotten += await deleteOldClaims(sql, bucket, oldest)
  }
  return forgotten
}
