/** What is known of a kind of rule beside its number: its unit, and which of several values wins. */

export type Unit =
  | 'fen'
  | 'months'
  | 'days'
  | 'years'
  | 'hours'
  | 'seconds'
  | 'cards'
  | 'levels'
  | 'bp'
  | 'switch'

export interface RuleKind {
  readonly unit: Unit
  /**
   * Which value wins where several packs set the rule: the one that favours the holder. Where the
   * rule is a duty towards the state (identity, cash, retention) no holder may waive it, and an
   * issuer under two packs must satisfy both: there the stricter one wins. `false` is the lower.
   */
  readonly wins: 'lower' | 'higher'
  /** Must be set at every instant, so that nothing has to invent a number when it is missing. */
  readonly always?: true
  /** Read as it was on the day of the sale: what the buyer was promised then stays. Else as it is on the day. */
  readonly asOf?: 'sale'
  readonly zh: string
  readonly en: string
}
