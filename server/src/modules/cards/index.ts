/** Cards: their rows, secrets, buyers and pay codes; what a card may do; what readers see of it. */
export { createGuesses, type Guesses } from './guesses.ts'
export { type Guesser, guessLimits } from './guesses-budget.ts'
export {
  beforeFirstCard,
  countOfBatch,
  selectImportedCards,
  selectOpenings,
  selectSealedCards,
} from './in-bulk.ts'
export {
  type LoadRow,
  loadRefunds,
  loadRests,
  selectLoad,
  selectLoadRefunds,
} from './load-refunds.ts'
export { mintWorker } from './mint-worker.ts'
export { checkCard, statusOf } from './model.ts'
export { type NoteRow, notes } from './notes.ts'
export { makePayCode, readPayCode, targetOfPayCode } from './pay-code.ts'
export { cardOfHandle, payHandleOf } from './pay-handles.ts'
export { type Buyer, idTypes, openBuyer, openBuyers, recordBuyer } from './persons.ts'
export {
  type CardBalance,
  type CardFilter,
  type CardView,
  type Expiring,
  readCards,
  selectCardIds,
  selectCardOfCommand,
  selectExpiring,
} from './read.ts'
export {
  type PaidIn,
  type PayoutMethod,
  type PayoutRoute,
  payoutMethods,
  type RedemptionReason,
  redemptionReasons,
  redemptions,
  selectFundings,
  selectRedemption,
} from './redemptions.ts'
export { type SaleRow, salesOf } from './sales-register.ts'
export {
  isRightSecret,
  type MintedCard,
  type MintRequest,
  mintCards,
  mintSecret,
  normalizeNumber,
} from './secrets.ts'
export {
  balanceAt,
  cancelledPayments,
  isUnchangedSince,
  ownReferences,
  readStatement,
  type StatementLine,
  type StatementRange,
} from './statement.ts'
export {
  type CardRow,
  cards,
  type FundingRow,
  fundings,
  isNumberTaken,
  loadCards,
  loadSeals,
  payCodeKey,
  payCodeUses,
  type SealRow,
  seals,
} from './store.ts'
export { revealedForMs, sweepSeals } from './sweep.ts'
export { wipeAround, wipeLane } from './wipe.ts'
