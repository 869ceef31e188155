/**
 * Money: integer fen as bigint inside, an integer JSON number at the border. Nothing here is a
 * float, and every division says how it rounds and where the remainder goes.
 */

/** Minor units (分) of the book's one currency. */
export type Fen = bigint

export const currency = 'CNY'
export type Currency = typeof currency

/** The largest amount that a JSON integer carries exactly: 2^53 − 1 fen. */
export const fenMax = 9_007_199_254_740_991n

/** A fen amount as it goes over the wire. @throws RangeError beyond ±(2^53 − 1). */
export function fenToJson(amount: Fen): number {
  if (amount > fenMax || amount < -fenMax) throw new RangeError('amount leaves the JSON range')
  return Number(amount)
}

/**
 * Splits `total` in proportion to `weights`: shares are floored, the remainder goes fen by fen to
 * the first shares. The shares always sum to `total`.
 * @throws RangeError on a negative total, a negative weight or weights that sum to zero.
 */
export function allocate(total: Fen, weights: readonly bigint[]): Fen[] {
  const sum = weights.reduce((left, right) => left + right, 0n)
  if (total < 0n || sum <= 0n || weights.some((weight) => weight < 0n)) {
    throw new RangeError('allocate needs a total >= 0 and weights >= 0 that do not sum to 0')
  }
  const shares = weights.map((weight) => (total * weight) / sum)
  let left = total - shares.reduce((a, b) => a + b, 0n)
  return shares.map((share, index) => {
    if (left === 0n || weights[index] === 0n) return share
    left -= 1n
    return share + 1n
  })
}

/** `123450` → `1234.50`, as people write yuan. */
export function formatYuan(amount: Fen): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(3, '0')
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** Yuan as typed (`12`, `12.5`, `1,234.50`) → fen; undefined when it is not an amount of whole fen. */
export function parseYuan(text: string): Fen | undefined {
  const match = /^(-?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/.exec(text.trim())
  if (!match) return undefined
  const [, sign = '', whole = '', cents = ''] = match
  const amount = BigInt(whole.replaceAll(',', '')) * 100n + BigInt(cents.padEnd(2, '0'))
  if (amount > fenMax) return undefined
  return sign === '-' ? -amount : amount
}
