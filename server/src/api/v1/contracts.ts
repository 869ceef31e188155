/** Routes of contracts with merchants: proposed by one person, decided by another, and never changed. */
import { businessDateOf, formatId, refused } from '@lika/contract'
import { decideContract, proposeContract } from '../../flows/merchants/contracts.ts'
import { cycleOf } from '../../modules/merchants/index.ts'
import { newId } from '../../platform/ids.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  closed,
  DateText,
  idOf,
  pageOf,
  paging,
  Reference,
  readId,
  Type,
  text,
} from '../http/schemas.ts'
import {
  ContractBody,
  NewContract,
  presentContract,
  presentText,
  readContract,
  TermsBody,
} from './contract-shapes.ts'

const classRefusals = [
  'date.out_of_range',
  'contract.class_not_met',
  'contract.rate_out_of_band',
  'contract.cycle_out_of_class',
] as const
const decisionRefusals = [
  'contract.not_found',
  'contract.already_decided',
  'approval.same_person',
] as const

export function register(app: LikaApp, deps: Deps): void {
  registerProposal(app, deps)
  registerDecisions(app, deps)
  registerReads(app, deps)
  registerTerms(app, deps)
}

function registerProposal(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/merchants/{id}/contracts',
      summary: 'Proposes the next version of the contract with a merchant',
      access: 'merchants:write',
      idempotent: true,
      id: 'merchant',
      body: NewContract,
      responses: { 201: ContractBody },
      refusals: [
        'merchant.not_found',
        'contract.terms_invalid',
        ...classRefusals,
        'reference.already_used',
      ],
    },
    async ({ caller, id, body, idempotencyKey }) => {
      const read = readContract(body, { id: newId(), merchantId: id, book: caller.book })
      if (!read.ok) return read
      const now = deps.bookNow(caller.mode)
      const made = await proposeContract(deps, read.value, caller, now, idempotencyKey)
      if (!made.ok) return made
      if ('existing' in made.value) return refused(referenceTaken('contract', made.value.existing))
      const { proposed, replayed } = made.value
      return { ...created(presentContract(proposed)), replayed }
    },
  )
}

function registerDecisions(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/contracts/{id}/approve',
      summary: 'Agrees to a contract that somebody else proposed: it holds from its first day on',
      access: 'merchants:write',
      id: 'contract',
      responses: { 200: ContractBody },
      refusals: [...decisionRefusals, ...classRefusals],
    },
    async ({ caller, id }) => {
      const said = { decision: 'approved', reason: null } as const
      const now = deps.bookNow(caller.mode)
      const decided = await decideContract(deps, caller.book, id, said, caller, now)
      return decided.ok ? okay(presentContract(decided.value)) : decided
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/contracts/{id}/reject',
      summary: 'Turns down a contract that somebody else proposed',
      access: 'merchants:write',
      id: 'contract',
      body: closed({ reason: text(500) }),
      responses: { 200: ContractBody },
      refusals: decisionRefusals,
    },
    async ({ caller, id, body }) => {
      const said = { decision: 'rejected', reason: body.reason } as const
      const now = deps.bookNow(caller.mode)
      const decided = await decideContract(deps, caller.book, id, said, caller, now)
      return decided.ok ? okay(presentContract(decided.value)) : decided
    },
  )
}

function registerReads(app: LikaApp, { merchants }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/contracts',
      summary: 'Lists contracts, the newest first',
      access: 'merchants:read',
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        merchant_id: Type.Optional(idOf('merchant')),
      }),
      responses: { 200: pageOf(ContractBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('contracts', [uuidPart], query)
      if (!asked.ok) return asked
      const { reference, merchant_id: merchant } = query
      const rows = await merchants.contracts(caller.book, {
        reference,
        merchantId: merchant === undefined ? undefined : readId('merchant', merchant),
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('contracts', asked.value, rows, (row) => [row.id], presentContract))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/contracts/{id}',
      summary: 'Shows a contract',
      access: 'merchants:read',
      id: 'contract',
      responses: { 200: ContractBody },
      refusals: ['contract.not_found'],
    },
    async ({ caller, id }) => {
      const contract = await merchants.findContract(caller.book, id)
      return contract === undefined
        ? refused(notFound('contract'))
        : okay(presentContract(contract))
    },
  )
}

function registerTerms(app: LikaApp, { merchants, bookNow }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/{id}/terms',
      summary:
        'Shows the terms that hold for a merchant on a day, today unless said, and its cycle',
      access: 'merchants:read',
      id: 'merchant',
      query: closed({ on: Type.Optional(DateText) }),
      responses: { 200: TermsBody },
      refusals: ['merchant.not_found'],
    },
    async ({ caller, id, query }) => {
      const day = query.on ?? businessDateOf(bookNow(caller.mode))
      const terms = (await merchants.termsOf(caller.book, [id], day)).get(id)
      if (terms === undefined) return refused(notFound('merchant'))
      const { from, to } = cycleOf(terms, day)
      return okay({
        merchant_id: formatId('merchant', id),
        on: day,
        version: terms.version,
        ...presentText(terms),
        valid_from: terms.validFrom,
        valid_to: terms.validTo ?? null,
        cycle_from: from,
        cycle_to: to,
      })
    },
  )
}
