/**
 * A card as the outside sees it. The same facts come from its row or from the body of a journal entry, so that an
 * answer that is given again, after a year, is the one that was given first.
 */
import {
  asId,
  type CardId,
  type CardState,
  type CharterId,
  type Currency,
  cardStates,
  currency as currencyOfBooks,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  type Id,
  type Instant,
  type ProductId,
} from '@lika/contract'
import { type CardBalance, type CardRow, statusOf } from '../../modules/cards/index.ts'
import type { Json, Outcome } from '../../platform/lanes/index.ts'

export interface CardFacts {
  readonly id: CardId
  readonly productId: ProductId
  readonly productVersion: number
  readonly state: CardState
  readonly numberLast4: string
  readonly balance: CardBalance
  readonly expiresAt: Instant | null
  readonly parentId: CardId | null
  readonly replaces: CardId | null
  readonly replacedBy: CardId | null
  readonly batchId: string | null
  readonly createdAt: Instant
  readonly activatedAt: Instant | null
  /** What its buyer was shown. */
  readonly charterId: CharterId | null
  /** Until then its buyer may change his mind. */
  readonly sealedUntil: Instant | null
}

/** What the caller gave along when the card was made; never changes, and stays out of the journal. */
export interface Given {
  readonly reference?: string | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
}

export type Body = Outcome['body']

export const currency: Currency = currencyOfBooks

export function factsOf(card: CardRow, balance: CardBalance): CardFacts {
  return { ...card, numberLast4: card.number.slice(-4), balance }
}

/** The facts as members of a journal entry's body. */
export function factsBody(facts: CardFacts): Body {
  return {
    cardId: facts.id,
    productId: facts.productId,
    productVersion: facts.productVersion,
    status: facts.state,
    numberLast4: facts.numberLast4,
    balance: balanceBody(facts.balance),
    expiresAt: facts.expiresAt,
    parentId: facts.parentId,
    predecessorId: facts.replaces,
    successorId: facts.replacedBy,
    batchId: facts.batchId,
    createdAt: facts.createdAt,
    activatedAt: facts.activatedAt,
    charterId: facts.charterId,
    sealedUntil: facts.sealedUntil,
  }
}

/** @throws for a body that `factsBody` did not make. */
export function factsFrom(body: Json | undefined): CardFacts {
  const members = membersOf(body)
  const state = cardStates.find((one) => one === members['status'])
  if (state === undefined) throw new Error('the body of the entry has no status of a card')
  return {
    id: asId(textIn(members, 'cardId')),
    productId: asId(textIn(members, 'productId')),
    productVersion: numberIn(members, 'productVersion') ?? 0,
    state,
    numberLast4: textIn(members, 'numberLast4'),
    balance: balanceFrom(members['balance']),
    expiresAt: numberIn(members, 'expiresAt'),
    parentId: idIn(members, 'parentId'),
    replaces: idIn(members, 'predecessorId'),
    replacedBy: idIn(members, 'successorId'),
    batchId: idIn(members, 'batchId'),
    createdAt: numberIn(members, 'createdAt') ?? 0,
    activatedAt: numberIn(members, 'activatedAt'),
    charterId: idIn(members, 'charterId'),
    sealedUntil: numberIn(members, 'sealedUntil'),
  }
}

export function balanceBody({ principal, bonus, held }: CardBalance): Body {
  return {
    availableFen: String(principal + bonus - held),
    heldFen: String(held),
    principalFen: String(principal),
    bonusFen: String(bonus),
  }
}

export function balanceFrom(body: Json | undefined): CardBalance {
  const members = membersOf(body)
  return {
    principal: fenIn(members, 'principalFen'),
    bonus: fenIn(members, 'bonusFen'),
    held: fenIn(members, 'heldFen'),
  }
}

/** principal + bonus = available + held */
export function presentBalance({ principal, bonus, held }: CardBalance) {
  return {
    available: fenToJson(principal + bonus - held),
    held: fenToJson(held),
    principal: fenToJson(principal),
    bonus: fenToJson(bonus),
  }
}

/** The card as it is answered; `at` decides whether it reads `expired`. */
export function presentCard(facts: CardFacts, given: Given, at: Instant) {
  const card = (id: CardId | null) => (id === null ? null : formatId('card', id))
  return {
    id: formatId('card', facts.id),
    number_last4: facts.numberLast4,
    product_id: formatId('product', facts.productId),
    product_version: facts.productVersion,
    status: statusOf(facts, at),
    balance: presentBalance(facts.balance),
    currency,
    expires_at: facts.expiresAt === null ? null : formatInstant(facts.expiresAt),
    parent_id: card(facts.parentId),
    replaces: card(facts.replaces),
    replaced_by: card(facts.replacedBy),
    batch_id: facts.batchId === null ? null : formatId('batch', facts.batchId),
    charter_id: facts.charterId === null ? null : formatId('charter', facts.charterId),
    reference: given.reference ?? null,
    metadata: { ...given.metadata },
    created_at: formatInstant(facts.createdAt),
    activated_at: facts.activatedAt === null ? null : formatInstant(facts.activatedAt),
    sealed_until: facts.sealedUntil === null ? null : formatInstant(facts.sealedUntil),
  }
}

export function membersOf(body: Json | undefined): { readonly [member: string]: Json | undefined } {
  if (typeof body !== 'object' || body === null || isList(body))
    throw new Error('the body of the entry is not an object')
  return body
}

export function listIn(body: Body, name: string): readonly Json[] {
  const value = body[name]
  if (value === undefined || !isList(value)) throw new Error(`the body of the entry has no ${name}`)
  return value
}

export function textIn(body: Body, name: string): string {
  const value = body[name]
  if (typeof value !== 'string') throw new Error(`the body of the entry has no ${name}`)
  return value
}

export function fenIn(body: Body, name: string): Fen {
  return BigInt(textIn(body, name))
}

function numberIn(body: Body, name: string): number | null {
  const value = body[name]
  return typeof value === 'number' ? value : null
}

function idIn<K extends string>(body: Body, name: string): Id<K> | null {
  const value = body[name]
  return typeof value === 'string' ? asId(value) : null
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
