/** A case as it is opened. */
import type { BusinessDate, Fen, Id, Instant } from '@lika/contract'
import type { CaseKind, CaseRow } from '../../modules/reserve/index.ts'
import type { View } from '../../platform/lanes/index.ts'

export interface CaseFacts {
  readonly kind: CaseKind
  readonly day: BusinessDate
  readonly accountId?: Id<'custody'> | undefined
  readonly movementId?: Id<'movement'> | undefined
  readonly lines?: CaseRow['lines']
  readonly amount: Fen
  readonly subject?: string | undefined
}

export function newCase(
  id: Id<'case'>,
  { bookId }: Pick<View, 'bookId'>,
  now: Instant,
  facts: CaseFacts,
): CaseRow {
  return {
    id,
    bookId,
    kind: facts.kind,
    day: facts.day,
    accountId: facts.accountId ?? null,
    movementId: facts.movementId ?? null,
    lines: facts.lines ?? [],
    amount: facts.amount,
    subject: facts.subject ?? null,
    state: 'open',
    action: null,
    reason: null,
    proposerKeyId: null,
    proposerOwner: null,
    proposedAt: null,
    resolverKeyId: null,
    resolverOwner: null,
    resolvedAt: null,
    openedAt: now,
  }
}
