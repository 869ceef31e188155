/** Several cards below each other. */
import type { Call } from '../call.ts'
import type { Answer } from '../client.ts'
import { objectsAt } from '../json.ts'

/** What lists of cards show of each. */
export const cardColumns = [
  'id',
  'number_last4',
  'status',
  'balance.available',
  'balance.held',
  'expires_at',
  'product_id',
] as const

/** Prints the answer `{cards[]}`. */
export function showCards(call: Call, answer: Answer): void {
  if (call.options.json) call.showText(answer)
  else call.showRows(objectsAt(answer.body, 'cards'), cardColumns)
}
