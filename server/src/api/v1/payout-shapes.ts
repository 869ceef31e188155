/** Payouts and their batches as they are asked for and answered. */
import {
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  type Instant,
  payoutBatchStates,
  payoutStates,
} from '@lika/contract'
import {
  attentions,
  type BatchSums,
  bankStates,
  type Payout,
  type PayoutBatch,
  type RecordedAnswer,
  verdicts,
} from '../../modules/payouts/index.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  nullable,
  oneOf,
  shown,
  Timestamp,
  Type,
} from '../http/schemas.ts'

export const PayoutStateName = oneOf(
  payoutStates,
  'created: in a batch that was not sent yet; sent: with the bank, whatever it has said; confirmed: paid; failed: not paid; returned: paid and come back; cancelled: called off with its batch',
)
export const BatchStateName = oneOf(
  payoutBatchStates,
  'created: waits for a second person; released: goes to the bank; sent: with the bank; finished: every payout has its outcome',
)
const AttentionName = oneOf(
  attentions,
  'contradiction: the bank takes back what it said; amount: it names another amount; paid_twice: it names two payments; missing: it does not know the payout, but others of its batch',
)

const Person = closed({ key_id: idOf('key'), owner: Type.String() })

export const BatchBody = closed({
  id: idOf('payout_batch'),
  status: BatchStateName,
  payouts: Type.Integer({ minimum: 0 }),
  open: Type.Integer({ minimum: 0, description: 'payouts without an outcome' }),
  amount: AmountOrZero,
  confirmed_amount: AmountOrZero,
  currency: Currency,
  file_name: Type.String({ description: 'of the order at the bank' }),
  delivery: oneOf(
    ['none', 'begun', 'delivered'],
    'begun: whether it lies with the bank is not known; the bank is asked',
  ),
  questions: Type.Integer({ minimum: 0, description: 'how often the bank was asked about it' }),
  created_by: Person,
  ...shown,
  created_at: Timestamp,
  released_by: nullable(Person),
  released_at: nullable(Timestamp),
  sent_at: nullable(Timestamp),
  ended_at: nullable(Timestamp),
})

export const Skipped = closed({
  settlement_id: idOf('settlement'),
  merchant_id: idOf('merchant'),
  reason: Type.String({
    description: 'no_account: the contract in force names none; else what a bank file cannot hold',
  }),
})

const payoutMembers = {
  id: idOf('payout'),
  batch_id: idOf('payout_batch'),
  line: Type.Integer({ minimum: 1 }),
  settlement_id: idOf('settlement'),
  merchant_id: idOf('merchant'),
  contract_version: Type.Integer({ minimum: 0 }),
  amount: Amount,
  currency: Currency,
  status: PayoutStateName,
  bank_reference: Type.String({ description: 'under which the bank knows it' }),
  bank_serial: nullable(Type.String({ description: "the bank's own number of the payment" })),
  reason: nullable(Type.String()),
  attention: nullable(AttentionName),
  previous_id: nullable(idOf('payout')),
  created_at: Timestamp,
  sent_at: nullable(Timestamp),
  ended_at: nullable(Timestamp),
}

export const PayoutBody = closed(payoutMembers)

export const PayoutWithAnswers = closed({
  ...payoutMembers,
  answers: Type.Array(
    closed({
      file_name: Type.String(),
      line: Type.Integer({ minimum: 1 }),
      state: oneOf(bankStates),
      amount: nullable(Amount),
      bank_serial: nullable(Type.String()),
      reason: nullable(Type.String()),
      verdict: oneOf(
        verdicts,
        'applied: the payout followed; noted, repeated: nothing was to do; else see attention',
      ),
      received_at: Timestamp,
    }),
    { description: 'what the bank said, the oldest first' },
  ),
})

export function presentBatch(batch: PayoutBatch, sums: BatchSums | undefined) {
  const { createdBy, createdByOwner, releasedBy, releasedByOwner } = batch
  return {
    id: formatId('payout_batch', batch.id),
    status: batch.status,
    payouts: sums?.count ?? 0,
    open: sums?.open ?? 0,
    amount: fenToJson(sums?.amount ?? 0n),
    confirmed_amount: fenToJson(sums?.confirmed ?? 0n),
    currency: 'CNY' as const,
    file_name: `${batch.id.replaceAll('-', '')}.csv`,
    delivery: batch.delivery,
    questions: batch.questions,
    created_by: presentPerson(createdBy, createdByOwner),
    reference: batch.reference,
    metadata: { ...batch.metadata },
    created_at: formatInstant(batch.createdAt),
    released_by:
      releasedBy === null || releasedByOwner === null
        ? null
        : presentPerson(releasedBy, releasedByOwner),
    released_at: instantOrNull(batch.releasedAt),
    sent_at: instantOrNull(batch.sentAt),
    ended_at: instantOrNull(batch.endedAt),
  }
}

export function presentPayout(payout: Payout) {
  const { previousId } = payout
  return {
    id: formatId('payout', payout.id),
    batch_id: formatId('payout_batch', payout.batchId),
    line: payout.line,
    settlement_id: formatId('settlement', payout.settlementId),
    merchant_id: formatId('merchant', payout.merchantId),
    contract_version: payout.contractVersion,
    amount: fenToJson(payout.amount),
    currency: 'CNY' as const,
    status: payout.status,
    bank_reference: payout.id.replaceAll('-', ''),
    bank_serial: payout.bankSerial,
    reason: payout.reason,
    attention: payout.attention,
    previous_id: previousId === null ? null : formatId('payout', previousId),
    created_at: formatInstant(payout.createdAt),
    sent_at: instantOrNull(payout.sentAt),
    ended_at: instantOrNull(payout.endedAt),
  }
}

export function presentAnswer(answer: RecordedAnswer) {
  return {
    file_name: answer.fileName,
    line: answer.line,
    state: answer.state,
    amount: fenOrNull(answer.amount),
    bank_serial: answer.bankSerial,
    reason: answer.reason,
    verdict: answer.verdict,
    received_at: formatInstant(answer.receivedAt),
  }
}

function presentPerson(keyId: string, owner: string) {
  return { key_id: formatId('key', keyId), owner }
}

function instantOrNull(at: Instant | null): string | null {
  return at === null ? null : formatInstant(at)
}

function fenOrNull(amount: Fen | null): number | null {
  return amount === null ? null : fenToJson(amount)
}
