/** What an issuer is. */
import type { Instant, IssuerId } from '@lika/contract'

export interface Issuer {
  readonly id: IssuerId
  readonly name: string
  readonly legalName: string
  readonly packs: readonly string[]
  /** Four digits in the numbers of its cards. */
  readonly numberPrefix: string
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
}

export type NewIssuer = Omit<Issuer, 'id' | 'numberPrefix'>

export interface IssuerFilter {
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}
