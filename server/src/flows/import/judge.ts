/** What is asked of a row beyond its form: a number that is not one of ours, and an amount that the law allows. */
import { isOwnCardNumber } from '@lika/contract'
import {
  type FileChunk,
  type ReadCard,
  type RowError,
  rowError,
} from '../../modules/imports/index.ts'
import { checkCardBalance, type Policy } from '../../modules/policy/index.ts'

export interface Judgement {
  readonly cards: readonly ReadCard[]
  readonly errors: readonly RowError[]
}

export interface Bench {
  /** As it was when the import was asked for: so a row is judged alike whenever it is read. */
  readonly policy: Policy
  readonly registered: boolean
  readonly numberPrefix: string
}

/** Each row has at most one error here: `import.number_reserved`, then `policy.card_limit`. */
export function judge({ cards, columns }: FileChunk, bench: Bench): Judgement {
  const good: ReadCard[] = []
  const errors: RowError[] = []
  for (const card of cards) {
    const error = errorOf(card, columns, bench)
    if (error === undefined) good.push(card)
    else errors.push(error)
  }
  return { cards: good, errors }
}

function errorOf(
  { line, number, amount, bonusAmount }: ReadCard,
  columns: FileChunk['columns'],
  { policy, registered, numberPrefix }: Bench,
): RowError | undefined {
  if (isOwnCardNumber(number) && number.slice(1, 5) === numberPrefix)
    return rowError('import.number_reserved', line, columns.number)
  const addedFen = amount + bonusAmount
  const allowed = checkCardBalance(policy, { registered, carriedFen: 0n, addedFen })
  if (allowed.ok) return undefined
  const { detail, policy: source } = allowed.refusal
  const rule = source === undefined ? '' : ` (${source.pack}: ${source.rule}, ${source.article})`
  return { line, column: columns.amount, code: 'policy.card_limit', message: detail + rule }
}
