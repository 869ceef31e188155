/** Cards in rounds, and what belongs to them: sealed secrets, used pay codes, the record of who funded them. */
import type {
  BookId,
  CardId,
  CardState,
  CharterId,
  CommandId,
  Fen,
  Instant,
  Lane,
  ProductId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  boolArray,
  byteaArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export interface CardRow {
  readonly id: CardId
  readonly bookId: BookId
  readonly productId: ProductId
  readonly productVersion: number
  readonly state: CardState
  readonly number: string
  /** Keyed hash of the secret; null: known by its number alone. */
  readonly secretDigest: Uint8Array | null
  /** What activation will put on it; 0 once that happened. */
  readonly faceAmount: Fen
  readonly faceBonus: Fen
  /** The first instant at which it no longer pays; null: never, or not counted yet. */
  readonly expiresAt: Instant | null
  readonly parentId: CardId | null
  readonly depth: number
  readonly replacedBy: CardId | null
  readonly replaces: CardId | null
  readonly batchId: string | null
  readonly importId: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
  readonly activatedAt: Instant | null
  /** What its buyer was shown. */
  readonly charterId: CharterId | null
  /** Until then its buyer may change his mind: nothing is taken from it, nobody sees its secret. null: it is not sealed. */
  readonly sealedUntil: Instant | null
}

export interface SealRow {
  readonly cardId: CardId
  readonly sealed: Uint8Array
  readonly revealedAt: Instant | null
}

export interface PayCodeUseRow {
  readonly lane: Lane
  readonly handle: number
  readonly step: bigint
  readonly commandId: CommandId
  /** What it made: a hold, else a payment. */
  readonly forHold: boolean
}

export interface FundingRow {
  readonly id: CommandId
  readonly bookId: BookId
  readonly cardId: CardId | null
  readonly batchId: string | null
  readonly method: 'cash' | 'bank_transfer' | 'card' | 'wechat' | 'none'
  readonly reference: string | null
  /** The caller's own number for a load. */
  readonly ownReference?: string | null
  readonly personId: string | null
  /** Who acted for the buyer. */
  readonly agentId: string | null
  readonly charterId: CharterId | null
  readonly amount: Fen
  readonly bonus: Fen
  readonly at: Instant
  readonly metadata: Readonly<Record<string, string>> | null
}

export const cards: Shelf<CardRow> = {
  name: 'card',
  keyOf: (row) => row.id,
  load: loadCards,
  insert: insertCards,
  update: updateCards,
}

export const seals: Shelf<SealRow> = {
  name: 'card_seal',
  keyOf: (row) => row.cardId,
  load: loadSeals,
  insert: insertSeals,
  update: updateSeals,
  remove: deleteSeals,
}

export const payCodeUses: Shelf<PayCodeUseRow> = {
  name: 'pay_code_use',
  keyOf: payCodeKey,
  load: loadPayCodeUses,
  insert: insertPayCodeUses,
}

export const fundings: Shelf<FundingRow> = {
  name: 'funding',
  keyOf: (row) => row.id,
  load: async () => [],
  insert: insertFundings,
}

/** Whether a round failed because a minted number was taken already: minted anew, the command succeeds. */
export function isNumberTaken(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'constraint_name' in error &&
    error.constraint_name === 'uq_card_number'
  )
}

/** `lane:handle:step`: a handle is unique within its lane only. */
export function payCodeKey(row: Pick<PayCodeUseRow, 'lane' | 'handle' | 'step'>): string {
  return `${row.lane}:${row.handle}:${row.step}`
}

/** Rows of one lane by id; unlocked reads use it too. */
export function loadCards(sql: Sql, lane: Lane, ids: readonly string[]): Promise<CardRow[]> {
  return sql<CardRow[]>`
    select
      id, book_id as "bookId", product_id as "productId", product_version as "productVersion", state,
      number, secret_digest as "secretDigest", face_amount as "faceAmount", face_bonus as "faceBonus",
      expires_at as "expiresAt", parent_id as "parentId", depth, replaced_by as "replacedBy", replaces,
      batch_id as "batchId", import_id as "importId", reference, metadata,
      created_at as "createdAt", activated_at as "activatedAt", charter_id as "charterId",
      sealed_until as "sealedUntil"
    from card
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertCards(sql: Sql, lane: Lane, rows: readonly CardRow[]): Promise<unknown> {
  return sql`
    insert into card
      (lane, id, book_id, product_id, product_version, state, number, secret_digest, face_amount,
        face_bonus, expires_at, parent_id, depth, replaced_by, replaces, batch_id, import_id, reference,
        metadata, created_at, activated_at, charter_id, sealed_until)
    select
      ${lane}, id, book_id, product_id, product_version, state, number, secret_digest, face_amount,
      face_bonus, expires_at, parent_id, depth, replaced_by, replaces, batch_id, import_id, reference,
      metadata, created_at, activated_at, charter_id, sealed_until
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${intArray(rows.map((row) => row.productVersion))}::int[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.number))}::text[],
      ${byteaArray(rows.map((row) => row.secretDigest))}::bytea[],
      ${bigintArray(rows.map((row) => row.faceAmount))}::bigint[],
      ${bigintArray(rows.map((row) => row.faceBonus))}::bigint[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.parentId))}::uuid[],
      ${intArray(rows.map((row) => row.depth))}::int[],
      ${uuidArray(rows.map((row) => row.replacedBy))}::uuid[],
      ${uuidArray(rows.map((row) => row.replaces))}::uuid[],
      ${uuidArray(rows.map((row) => row.batchId))}::uuid[],
      ${uuidArray(rows.map((row) => row.importId))}::uuid[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.activatedAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.charterId))}::uuid[],
      ${instantArray(rows.map((row) => row.sealedUntil))}::timestamptz[]
    ) as fresh
      (id, book_id, product_id, product_version, state, number, secret_digest, face_amount,
        face_bonus, expires_at, parent_id, depth, replaced_by, replaces, batch_id, import_id, reference,
        metadata, created_at, activated_at, charter_id, sealed_until)`
}

/** What can change in a card's life; product and lineage upwards never do, the number only where an import is reversed. */
function updateCards(sql: Sql, lane: Lane, rows: readonly CardRow[]): Promise<unknown> {
  return sql`
    update card
    set
      state = changed.state,
      number = changed.number,
      secret_digest = changed.secret_digest,
      face_amount = changed.face_amount,
      face_bonus = changed.face_bonus,
      expires_at = changed.expires_at,
      replaced_by = changed.replaced_by,
      activated_at = changed.activated_at,
      charter_id = changed.charter_id,
      sealed_until = changed.sealed_until
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.number))}::text[],
      ${byteaArray(rows.map((row) => row.secretDigest))}::bytea[],
      ${bigintArray(rows.map((row) => row.faceAmount))}::bigint[],
      ${bigintArray(rows.map((row) => row.faceBonus))}::bigint[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.replacedBy))}::uuid[],
      ${instantArray(rows.map((row) => row.activatedAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.charterId))}::uuid[],
      ${instantArray(rows.map((row) => row.sealedUntil))}::timestamptz[]
    ) as changed
      (id, state, number, secret_digest, face_amount, face_bonus, expires_at, replaced_by, activated_at,
        charter_id, sealed_until)
    where card.lane = ${lane}
      and card.id = changed.id`
}

export function loadSeals(sql: Sql, lane: Lane, cardIds: readonly string[]): Promise<SealRow[]> {
  return sql<SealRow[]>`
    select card_id as "cardId", sealed, revealed_at as "revealedAt"
    from card_seal
    where lane = ${lane}
      and card_id = any(${uuidArray(cardIds)}::uuid[])`
}

function insertSeals(sql: Sql, lane: Lane, rows: readonly SealRow[]): Promise<unknown> {
  return sql`
    insert into card_seal (lane, card_id, sealed, revealed_at)
    select ${lane}, card_id, sealed, revealed_at
    from unnest(
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${byteaArray(rows.map((row) => row.sealed))}::bytea[],
      ${instantArray(rows.map((row) => row.revealedAt))}::timestamptz[]
    ) as fresh (card_id, sealed, revealed_at)`
}

/** Inserts what the sweeper removed after the round had read it: a new secret must not get lost. */
function updateSeals(sql: Sql, lane: Lane, rows: readonly SealRow[]): Promise<unknown> {
  return sql`
    insert into card_seal (lane, card_id, sealed, revealed_at)
    select ${lane}, card_id, sealed, revealed_at
    from unnest(
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${byteaArray(rows.map((row) => row.sealed))}::bytea[],
      ${instantArray(rows.map((row) => row.revealedAt))}::timestamptz[]
    ) as changed (card_id, sealed, revealed_at)
    on conflict (lane, card_id) do update
    set sealed = excluded.sealed, revealed_at = excluded.revealed_at`
}

function deleteSeals(sql: Sql, lane: Lane, cardIds: readonly string[]): Promise<unknown> {
  return sql`
    delete from card_seal
    where lane = ${lane}
      and card_id = any(${uuidArray(cardIds)}::uuid[])`
}

function loadPayCodeUses(sql: Sql, lane: Lane, keys: readonly string[]): Promise<PayCodeUseRow[]> {
  const parts = keys.map((key) => key.split(':'))
  return sql<PayCodeUseRow[]>`
    select lane, handle, step, command_id as "commandId", for_hold as "forHold"
    from pay_code_use
    join unnest(
      ${intArray(parts.map(([, handle]) => Number(handle)))}::int[],
      ${bigintArray(parts.map(([, , step = '0']) => BigInt(step)))}::bigint[]
    ) as wanted (handle, step) using (handle, step)
    where lane = ${lane}`
}

function insertPayCodeUses(sql: Sql, lane: Lane, rows: readonly PayCodeUseRow[]): Promise<unknown> {
  return sql`
    insert into pay_code_use (lane, handle, step, command_id, for_hold)
    select ${lane}, handle, step, command_id, for_hold
    from unnest(
      ${intArray(rows.map((row) => row.handle))}::int[],
      ${bigintArray(rows.map((row) => row.step))}::bigint[],
      ${uuidArray(rows.map((row) => row.commandId))}::uuid[],
      ${boolArray(rows.map((row) => row.forHold))}::bool[]
    ) as fresh (handle, step, command_id, for_hold)`
}

function insertFundings(sql: Sql, lane: Lane, rows: readonly FundingRow[]): Promise<unknown> {
  return sql`
    insert into funding
      (lane, id, book_id, card_id, batch_id, method, reference, own_reference, person_id, agent_id,
        charter_id, amount, bonus, at, metadata)
    select
      ${lane}, id, book_id, card_id, batch_id, method, reference, own_reference, person_id, agent_id,
      charter_id, amount, bonus, at, metadata
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${uuidArray(rows.map((row) => row.batchId))}::uuid[],
      ${textArray(rows.map((row) => row.method))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.ownReference ?? null))}::text[],
      ${uuidArray(rows.map((row) => row.personId))}::uuid[],
      ${uuidArray(rows.map((row) => row.agentId))}::uuid[],
      ${uuidArray(rows.map((row) => row.charterId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.bonus))}::bigint[],
      ${instantArray(rows.map((row) => row.at))}::timestamptz[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[]
    ) as fresh
      (id, book_id, card_id, batch_id, method, reference, own_reference, person_id, agent_id, charter_id, amount,
        bonus, at, metadata)`
}
