/** Payouts and their batches, and what the bank's word about a payout is worth. */
import type {
  BookId,
  Fen,
  Instant,
  MerchantId,
  PayoutBatchId,
  PayoutBatchState,
  PayoutId,
  PayoutState,
  SettlementId,
} from '@lika/contract'
import type { BankAnswer } from './channel.ts'

/** Who did something: a key, and whose it is. */
export interface Hand {
  readonly keyId: string
  readonly owner: string
}

export interface PayoutBatch {
  readonly id: PayoutBatchId
  readonly bookId: BookId
  readonly status: PayoutBatchState
  readonly createdBy: string
  readonly createdByOwner: string
  readonly createdAt: Instant
  readonly releasedBy: string | null
  readonly releasedByOwner: string | null
  readonly releasedAt: Instant | null
  readonly sentAt: Instant | null
  readonly endedAt: Instant | null
  readonly delivery: 'none' | 'begun' | 'delivered'
  readonly questions: number
  readonly openQuestion: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
}

export interface Payout {
  readonly id: PayoutId
  readonly bookId: BookId
  readonly batchId: PayoutBatchId
  readonly line: number
  readonly settlementId: SettlementId
  readonly merchantId: MerchantId
  readonly contractVersion: number
  readonly amount: Fen
  readonly status: PayoutState
  readonly previousId: PayoutId | null
  readonly bankSerial: string | null
  readonly reason: string | null
  readonly attention: Attention | null
  readonly createdAt: Instant
  readonly sentAt: Instant | null
  readonly endedAt: Instant | null
}

/** What a person has to look at; the last one that arose. */
export const attentions = ['contradiction', 'amount', 'paid_twice', 'missing'] as const
export type Attention = (typeof attentions)[number]

export const verdicts = ['applied', 'noted', 'repeated', ...attentions, 'unknown'] as const
/** `noted`: nothing to do about it. `repeated`: the bank said so before. `unknown`: there is no such payout. */
export type Verdict = (typeof verdicts)[number]

/** How a payout ends, in the ledger as in its row. */
export type PayoutEnd = 'confirmed' | 'failed' | 'returned'

export interface Judgement {
  readonly verdict: Verdict
  /** Absent: the payout stays as it is. */
  readonly end?: PayoutEnd
}

type Known = Pick<Payout, 'status' | 'amount' | 'bankSerial'>

/**
 * What follows from the bank's word about a payout. A payout ends once; only money that arrived can come back after it.
 * Whatever does not fit is never acted upon: a person has to ask the bank.
 */
export function judge(payout: Known | undefined, answer: BankAnswer): Judgement {
  if (payout === undefined) return { verdict: 'unknown' }
  if (answer.amount !== undefined && answer.amount !== payout.amount) return { verdict: 'amount' }
  switch (answer.state) {
    case 'processing':
      return { verdict: 'noted' }
    case 'not_found':
      return { verdict: payout.status === 'sent' ? 'missing' : 'contradiction' }
    case 'success':
      return judgeSuccess(payout, answer)
    case 'failed':
      return judgeFailure(payout)
    case 'returned':
      return judgeReturn(payout)
  }
}

function judgeSuccess({ status, bankSerial }: Known, { serial }: BankAnswer): Judgement {
  if (status === 'sent') return { verdict: 'applied', end: 'confirmed' }
  // Money that came back had arrived: that is old news.
  if (status !== 'confirmed' && status !== 'returned') return { verdict: 'contradiction' }
  const isSame = serial === undefined || bankSerial === null || serial === bankSerial
  return { verdict: isSame ? 'repeated' : 'paid_twice' }
}

function judgeFailure({ status }: Known): Judgement {
  if (status === 'sent') return { verdict: 'applied', end: 'failed' }
  return { verdict: status === 'failed' ? 'repeated' : 'contradiction' }
}

function judgeReturn({ status }: Known): Judgement {
  if (status === 'sent' || status === 'confirmed') return { verdict: 'applied', end: 'returned' }
  return { verdict: status === 'returned' ? 'repeated' : 'contradiction' }
}

export function isAttention(verdict: Verdict): verdict is Attention {
  return attentions.some((one) => one === verdict)
}

/** The reference at the bank, of a batch or a payout: its id in 32 hex digits. */
export function referenceOf(id: PayoutBatchId | PayoutId): string {
  return id.replaceAll('-', '')
}

/** Whether a new payout may take the place of this one: its money is owed to the merchant again. */
export function mayBeReposted({ status }: Pick<Payout, 'status'>): boolean {
  return status === 'failed' || status === 'returned'
}
