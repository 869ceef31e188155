/** One chunk of a batch: some hundreds of cards in one lane, born by one command, all of them or none. */
import {
  type CardId,
  type Instant,
  type IssuerId,
  issuerOfBook,
  laneOfId,
  modeOfBook,
} from '@lika/contract'
import { type BatchRow, chunksOf, sizeOfChunk } from '../../modules/batches/index.ts'
import { type CardRow, cards, type MintedCard, seals } from '../../modules/cards/index.ts'
import { accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import type { Terms } from '../../modules/programs/index.ts'
import type { Command, Decision, View } from '../../platform/lanes/index.ts'
import { expiryOf, newCard } from '../cards/issue.ts'
import { accountOfMethod } from '../cards/purchase.ts'
import type { JobContext } from '../jobs/context.ts'

/** What all chunks of a batch have in common. */
export interface BatchWork {
  readonly batch: BatchRow
  readonly terms: Terms
  readonly numberPrefix: string
}

/**
 * Its key names batch and chunk, so that it runs once, whoever asks again: then the cards minted for the repeat are
 * thrown away. The lane is chosen the first time and stays. Never refused.
 */
export function issueChunk(
  { engine, mintInBulk }: JobContext,
  work: BatchWork,
  chunk: number,
): Command {
  const { batch, numberPrefix: prefix } = work
  const count = sizeOfChunk(batch, chunk)
  return {
    book: batch.bookId,
    operation: 'batch.issued',
    key: `batch:${batch.id}:${chunk}`,
    input: { batchId: batch.id, chunk },
    homeLane: () => engine.laneForNew(modeOfBook(batch.bookId)),
    weight: 'bulk',
    size: count,
    plan: async (commandId) => {
      const lane = laneOfId(commandId)
      const minted = await mintInBulk({ lane, prefix, count })
      return {
        lanes: [lane],
        reads: [],
        decide: (view, now) => issueAll(view, now, work, chunk, minted),
      }
    },
  }
}

function issueAll(
  view: View,
  now: Instant,
  work: BatchWork,
  chunk: number,
  minted: readonly MintedCard[],
): Decision {
  const { batch } = work
  const lane = laneOfId(view.commandId)
  const born = cardOfBatch(work, now)
  const pay = payFrom(view, batch, issuerOfBook(batch.bookId))
  for (const one of minted) {
    view.put(cards, lane, { ...newCard(one), ...born })
    view.put(seals, lane, { cardId: one.id, sealed: one.sealed, revealedAt: null })
    if (batch.active) pay(one.id)
  }
  const body = {
    batchId: batch.id,
    chunk,
    chunks: chunksOf(batch),
    count: minted.length,
    amountFen: String(batch.active ? batch.amount * BigInt(minted.length) : 0n),
  }
  return { ok: true, value: { kind: 'batch.issued', version: 1, body } }
}

/** The validity of all cards of a batch counts from the day on which the batch was asked for. */
function cardOfBatch({ batch, terms }: BatchWork, now: Instant) {
  const { active, amount } = batch
  return {
    bookId: batch.bookId,
    productId: batch.productId,
    productVersion: batch.productVersion,
    state: active ? 'active' : 'created',
    faceAmount: active ? 0n : amount,
    faceBonus: 0n,
    expiresAt: active ? expiryOf(terms, batch.createdAt) : null,
    batchId: batch.id,
    createdAt: now,
    activatedAt: active ? now : null,
    charterId: batch.charterId,
  } satisfies Partial<CardRow>
}

function payFrom(view: View, batch: BatchRow, issuerId: IssuerId): (cardId: CardId) => void {
  const lane = laneOfId(view.commandId)
  const desk = new LedgerDesk(view, lane)
  const debit = accountId(issuerId, accountOfMethod[batch.fundingMethod], lane)
  return (cardId) => {
    const credit = accountId(cardId, 'card_principal', lane)
    desk.open(credit)
    desk.transfer({ debit, credit, amount: batch.amount })
  }
}
