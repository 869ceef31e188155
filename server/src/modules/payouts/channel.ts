/**
 * The port through which money leaves for merchants' banks, and through which the bank says what became of it. An order
 * is known by its batch, each payout in it by its reference: both ends keep to these names, whatever is sent twice.
 */
import type { Fen } from '@lika/contract'

/** Where a payout goes. */
export interface Payee {
  readonly accountName: string
  readonly accountNumber: string
  readonly bankName: string
  readonly bankCode: string
}

export interface PayoutInstruction extends Payee {
  /** 32 hex digits: the payout's id. */
  readonly reference: string
  readonly amount: Fen
}

/** What goes to the bank in one piece. */
export interface PayoutOrder {
  /** 32 hex digits: the batch's id. */
  readonly batch: string
  readonly instructions: readonly PayoutInstruction[]
}

/** Asks what became of an order. */
export interface PayoutQuestion {
  /** Comes back in the answer, so that an old answer is not taken for a new one. */
  readonly number: string
  readonly batch: string
  readonly references: readonly string[]
}

export const bankStates = ['success', 'failed', 'returned', 'processing', 'not_found'] as const
export type BankState = (typeof bankStates)[number]

/** What the bank says about one payout. */
export interface BankAnswer {
  readonly batch: string
  readonly reference: string
  readonly state: BankState
  /** undefined: the bank does not say. */
  readonly amount: Fen | undefined
  /** The bank's own number of the payment. */
  readonly serial: string | undefined
  readonly reason: string | undefined
  /** Of the question that is answered; undefined: the bank speaks unasked. */
  readonly question: string | undefined
}

export interface AnswerFile {
  readonly name: string
  readonly answers: readonly BankAnswer[]
}

/** `nothing_there`: the bank has not got the order, for certain. `delivered`: it lies with the bank, whole. */
export type Delivery = 'delivered' | 'nothing_there'

/** One visit to the bank, over one connection. Whatever cannot be done is thrown. */
export interface BankVisit {
  /**
   * Puts the order where the bank takes it, whole or not at all. `nothing_there`: it did not get as far as that. What is
   * thrown leaves it open whether the bank has the order.
   */
  send(order: PayoutOrder): Promise<Delivery>
  /** Whether the order still lies where it was put, unread by the bank. */
  isWaiting(batch: string): Promise<boolean>
  ask(question: PayoutQuestion): Promise<void>
  /**
   * Hands over each file of answers, in the order of their names, and puts it away where `take` answers true: until then
   * it comes again. One that is not whole yet is left for the next visit.
   */
  poll(take: (file: AnswerFile) => Promise<boolean>): Promise<void>
}

export interface PayoutChannel {
  /** Why an order could not name this payee, in a word; undefined: it can. */
  objectionTo(payee: Payee): string | undefined
  /** @throws when the bank cannot be reached; then `work` did not begin. */
  visit<T>(work: (bank: BankVisit) => Promise<T>): Promise<T>
}
