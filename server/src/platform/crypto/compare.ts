/** Compares secrets and digests in a time that does not tell where they differ. */
import { timingSafeEqual } from 'node:crypto'

/** Whether both have the same bytes; a different length is no secret and is answered at once. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}
