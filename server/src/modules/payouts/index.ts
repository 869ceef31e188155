/** Payouts: what is ordered from the bank for merchants, and what the bank said about it. */
export {
  type JudgedAnswer,
  leaveDesk,
  type RecordedAnswer,
  recordAnswers,
  selectAnswers,
  takeDesk,
  wasHeardOf,
} from './answer-store.ts'
export {
  beginDelivery,
  cancelBatch,
  finishBatch,
  insertBatch,
  isTimeToAsk,
  markDelivered,
  markNotDelivered,
  markSent,
  openQuestion,
  releaseBatch,
  selectBatchById,
  selectBatches,
  selectOpenBatches,
} from './batch-store.ts'
export type {
  AnswerFile,
  BankAnswer,
  BankState,
  BankVisit,
  Delivery,
  Payee,
  PayoutChannel,
  PayoutOrder,
  PayoutQuestion,
} from './channel.ts'
export { bankStates } from './channel.ts'
export {
  attentions,
  type Hand,
  isAttention,
  judge,
  mayBeReposted,
  type Payout,
  type PayoutBatch,
  type PayoutEnd,
  referenceOf,
  verdicts,
} from './model.ts'
export {
  type BatchSums,
  callAttention,
  countPayouts,
  endPayout,
  insertPayouts,
  markPayoutSent,
  type NewPayout,
  selectPayouts,
  selectPayoutsByIds,
  selectPayoutsOfBatch,
  settledBefore,
  sumBatches,
} from './store.ts'
