/** Guarantees that stand for a part of the reserve: registered when they are given, ended when they are given back. */
import {
  asId,
  type BusinessDate,
  businessDateOf,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  type Id,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { secondPerson } from '../../modules/access/index.ts'
import {
  accountsOfBook,
  type GuaranteeKind,
  type GuaranteeRow,
  guarantees,
  guaranteesOfBook,
} from '../../modules/reserve/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import { claimedInput } from '../cards/caller.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import { doneBy, homeLaneOf, type ReserveCaller } from './desk.ts'
import { checkReserve, prepareOutflow, sumOf } from './outflow.ts'

export interface NewGuarantee {
  readonly kind: GuaranteeKind
  readonly guarantor: string
  readonly documentNumber: string
  readonly amount: Fen
  readonly validFrom: BusinessDate
  readonly validTo: BusinessDate
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** Refusals: `date.out_of_range` where it ends before it begins, `name.already_used` for a document that is registered. */
export function registerGuarantee(
  context: FlowContext,
  caller: ReserveCaller,
  input: NewGuarantee,
  key: string,
): Command {
  const lane = homeLaneOf(context, caller.mode)
  return {
    book: caller.book,
    operation: 'guarantee.registered',
    key,
    input: claimedInput(input),
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(guaranteesOfBook, lane, caller.book)],
      decide: (view, now) => {
        if (input.validTo < input.validFrom)
          return refused(
            refusal('date.out_of_range', 'valid_to must not lie before valid_from.', {
              data: { allowed: { min: input.validFrom } },
            }),
          )
        const same = view
          .find(guaranteesOfBook, caller.book)
          .find((one) => one.kind === input.kind && one.documentNumber === input.documentNumber)
        if (same !== undefined)
          return refused(
            refusal('name.already_used', 'This document is registered already.', {
              data: { existing_id: formatId('guarantee', same.id) },
            }),
          )
        const id: Id<'guarantee'> = asId(view.commandId)
        view.put(guarantees, lane, {
          ...input,
          id,
          bookId: view.bookId,
          endedOn: null,
          approverKeyId: null,
          approverOwner: null,
          approvedAt: null,
          reference: input.reference ?? null,
          metadata: input.metadata ?? null,
          at: now,
          ...doneBy(caller),
        })
        const body = { guaranteeId: id, amountFen: String(input.amount) }
        return ok({ kind: 'guarantee.registered', version: 1, body })
      },
    }),
  }
}

const guaranteeNotFound = refusal('guarantee.not_found', 'No guarantee has this id here (guar_…).')

/**
 * The second person has seen the document: from now on it counts. Refusals: `guarantee.not_found`, `guarantee.ended`,
 * `approval.not_pending`, `approval.same_person`.
 */
export function approveGuarantee(
  context: FlowContext,
  caller: ReserveCaller,
  id: Id<'guarantee'>,
  key: string,
): Result<Command> {
  const lane = homeLaneOf(context, caller.mode)
  if (laneOfId(id) !== lane) return refused(guaranteeNotFound)
  return ok({
    book: caller.book,
    operation: 'guarantee.approved',
    key,
    input: { id },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(guarantees, lane, id)],
      decide: (view, now) => {
        const row = view.get(guarantees, id)
        if (row === undefined || row.bookId !== view.bookId)
          return { ok: false, final: false, refusal: guaranteeNotFound }
        if (row.endedOn !== null) return refused(ended)
        if (row.approvedAt !== null)
          return refused(refusal('approval.not_pending', 'The guarantee was approved already.'))
        const allowed = secondPerson(row, caller)
        if (!allowed.ok) return allowed
        view.put(guarantees, lane, {
          ...row,
          approverKeyId: caller.keyId,
          approverOwner: caller.owner,
          approvedAt: now,
        })
        return ok({ kind: 'guarantee.approved', version: 1, body: { guaranteeId: id } })
      },
    }),
  })
}

const ended = refusal('guarantee.ended', 'The guarantee has ended already.')

/**
 * Ends a guarantee before its time, as of today. Refusals: `guarantee.not_found`, `guarantee.ended`, `reserve.not_ready`,
 * `policy.reserve_short` where the reserve needs it.
 */
export function endGuarantee(
  context: FlowContext,
  caller: ReserveCaller,
  id: Id<'guarantee'>,
  key: string,
): Result<Command> {
  const lane = homeLaneOf(context, caller.mode)
  if (laneOfId(id) !== lane) return refused(guaranteeNotFound)
  return ok({
    book: caller.book,
    operation: 'guarantee.ended',
    key,
    input: { id },
    homeLane: () => lane,
    plan: async () => {
      const prepared = await prepareOutflow(context, caller)
      return {
        lanes: [lane],
        reads: [
          read(guarantees, lane, id),
          read(guaranteesOfBook, lane, caller.book),
          read(accountsOfBook, lane, caller.book),
        ],
        decide: (view, now) => {
          const row = view.get(guarantees, id)
          if (row === undefined || row.bookId !== view.bookId)
            return { ok: false, final: false, refusal: guaranteeNotFound }
          const today = businessDateOf(now)
          if (row.endedOn !== null || row.validTo < today) return refused(ended)
          if (!prepared.ok) return { ok: false, final: false, refusal: prepared.refusal }
          const { grounds, total, unconfirmed } = prepared.value
          if (grounds.day !== today) throw new NotPrepared('the day')
          const onAccounts = view
            .find(accountsOfBook, view.bookId)
            .reduce((sum, { balance }) => sum + balance, 0n)
          if (onAccounts !== total) throw new NotPrepared('what moved meanwhile')
          const custody = total - sumOf(unconfirmed)
          const others = view.find(guaranteesOfBook, view.bookId).filter((one) => one.id !== id)
          const allowed = checkReserve(grounds, others, { custody, owedLess: 0n })
          if (!allowed.ok) return allowed
          view.put(guarantees, lane, { ...row, endedOn: today })
          return ok({ kind: 'guarantee.ended', version: 1, body: { guaranteeId: id, day: today } })
        },
      }
    },
  })
}

export function presentGuarantee(row: GuaranteeRow) {
  return {
    id: formatId('guarantee', row.id),
    kind: row.kind,
    guarantor: row.guarantor,
    document_number: row.documentNumber,
    amount: fenToJson(row.amount),
    currency: 'CNY' as const,
    valid_from: row.validFrom,
    valid_to: row.validTo,
    ended_on: row.endedOn,
    registered_by: row.owner,
    approved_by: row.approverOwner,
    approved_at: row.approvedAt === null ? null : formatInstant(row.approvedAt),
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.at),
  }
}
