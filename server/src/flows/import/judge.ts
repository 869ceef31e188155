/** What is asked of a row beyond its form: a number that is not one of ours, and an amount that the law allows. */
import { isOwnCardNumber, type Refusal } from '@lika/contract'
import {
  type FileChunk,
  type PolicyErrorCode,
  type ReadCard,
  type RowError,
  rowError,
} from '../../modules/imports/index.ts'
import { checkCardBalance, checkValidity, type Policy } from '../../modules/policy/index.ts'

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

/** Each row has at most one error here: `import.number_reserved`, `policy.card_limit`, `policy.expiry_not_allowed`. */
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
  { line, number, amount, bonusAmount, expiresAt }: ReadCard,
  columns: FileChunk['columns'],
  { policy, registered, numberPrefix }: Bench,
): RowError | undefined {
  if (isOwnCardNumber(number) && number.slice(1, 5) === numberPrefix)
    return rowError('import.number_reserved', line, columns.number)
  const addedFen = amount + bonusAmount
  const allowed = checkCardBalance(policy, { registered, carriedFen: 0n, addedFen })
  if (!allowed.ok) return lawError('policy.card_limit', line, columns.amount, allowed.refusal)
  // The product's own terms were asked when it was published; a date of the file is a term of this card.
  const terms = { registered, validityMonths: 1 }
  const mayExpire = registered && expiresAt !== null ? checkValidity(policy, terms) : allowed
  if (mayExpire.ok) return undefined
  return lawError('policy.expiry_not_allowed', line, columns.expiresOn, mayExpire.refusal)
}

function lawError(
  code: PolicyErrorCode,
  line: number,
  column: string | null,
  { detail, policy: source }: Refusal,
): RowError {
  const rule = source === undefined ? '' : ` (${source.pack}: ${source.rule}, ${source.article})`
  return { line, column, code, message: detail + rule }
}
