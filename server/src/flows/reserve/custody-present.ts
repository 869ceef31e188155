/** Custody accounts and movements as they are answered: from their rows, or from the outcome that made them. */
import { fenToJson, formatId, formatInstant, type Instant } from '@lika/contract'
import type { CustodyAccountRow, CustodyMovementRow } from '../../modules/reserve/index.ts'
import { type Body, fenIn, textIn } from '../cards/facts.ts'
import type { MovementInput, NewAccount } from './custody.ts'

export function presentAccount(row: CustodyAccountRow) {
  return {
    id: formatId('custody', row.id),
    bank_name: row.bankName,
    bank_code: row.bankCode,
    account_name: row.accountName,
    account_number: row.accountNumber,
    balance: fenToJson(row.balance),
    currency: 'CNY' as const,
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.openedAt),
  }
}

/** The account as it is when it is opened: from the outcome and the caller's own input, so that a repeat gets the same. */
export function presentOpened(body: Body, at: Instant, input: NewAccount) {
  return {
    id: formatId('custody', textIn(body, 'custodyId')),
    bank_name: input.bankName,
    bank_code: input.bankCode,
    account_name: input.accountName,
    account_number: input.accountNumber,
    balance: 0,
    currency: 'CNY' as const,
    reference: input.reference ?? null,
    metadata: { ...input.metadata },
    created_at: formatInstant(at),
  }
}

export function presentMovement(row: CustodyMovementRow) {
  return {
    id: formatId('movement', row.id),
    custody_id: formatId('custody', row.accountId),
    kind: row.kind,
    amount: fenToJson(row.amount),
    currency: 'CNY' as const,
    day: row.day,
    settled: row.settled,
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.at),
  }
}

export function presentMoved(
  body: Body,
  at: Instant,
  { kind, reference, metadata }: Pick<MovementInput, 'kind' | 'reference' | 'metadata'>,
) {
  return {
    id: formatId('movement', textIn(body, 'movementId')),
    custody_id: formatId('custody', textIn(body, 'custodyId')),
    kind,
    amount: fenToJson(fenIn(body, 'amountFen')),
    currency: 'CNY' as const,
    day: textIn(body, 'day'),
    settled: false,
    reference: reference ?? null,
    metadata: { ...metadata },
    created_at: formatInstant(at),
  }
}
