/** Routes of payouts: what went to merchants, what the bank said about it, and what people do where it went wrong. */
import { refused } from '@lika/contract'
import { repostPayout } from '../../flows/payouts/create.ts'
import { givePayoutOutcome } from '../../flows/payouts/decide.ts'
import { selectAnswers, selectPayouts } from '../../modules/payouts/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  oneOf,
  pageOf,
  paging,
  readId,
  type Static,
  Type,
  text,
} from '../http/schemas.ts'
import { answerMade } from './payout-batches.ts'
import {
  BatchBody,
  PayoutBody,
  PayoutStateName,
  PayoutWithAnswers,
  presentAnswer,
  presentPayout,
  Skipped,
} from './payout-shapes.ts'

const PayoutQuery = closed({
  ...paging,
  status: Type.Optional(PayoutStateName),
  batch_id: Type.Optional(idOf('payout_batch')),
  settlement_id: Type.Optional(idOf('settlement')),
  merchant_id: Type.Optional(idOf('merchant')),
  attention: Type.Optional({
    ...Type.Boolean(),
    description: 'true: only those at which a person has to look',
  }),
})

const Outcome = closed({
  outcome: oneOf(['confirmed', 'failed', 'returned']),
  bank_serial: Type.Optional(text(64)),
  reason: text(200),
})

export function register(app: LikaApp, deps: Deps): void {
  const { flows, payouts } = deps

  app.route(
    {
      method: 'GET',
      path: '/v1/payouts',
      summary: 'Lists payouts, the newest first',
      access: 'payouts:read',
      query: PayoutQuery,
      responses: { 200: pageOf(PayoutBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('payouts', [uuidPart], query)
      if (!asked.ok) return asked
      const { afterId: before, limit } = asked.value
      const filter = { ...filterFrom(query), before, limit: limit + 1 }
      const rows = await selectPayouts(flows.database.sql, caller.book, filter)
      return okay(presentPage('payouts', asked.value, rows, ({ id }) => [id], presentPayout))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/payouts/{id}',
      summary: 'Shows a payout with everything that the bank said about it',
      access: 'payouts:read',
      id: 'payout',
      responses: { 200: PayoutWithAnswers },
      refusals: ['payout.not_found'],
    },
    async ({ caller, id }) => {
      const { sql } = flows.database
      const [payout] = await selectPayouts(sql, caller.book, { id, limit: 1 })
      if (payout === undefined) return refused(notFound('payout'))
      const answers = await selectAnswers(sql, id)
      return okay({ ...presentPayout(payout), answers: answers.map(presentAnswer) })
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/payouts/{id}/repost',
      summary: 'Makes a payout anew that failed or came back, in a batch of its own',
      access: 'payouts:write',
      id: 'payout',
      body: closed({
        despite_attention: Type.Optional({
          ...Type.Boolean(),
          description: 'the bank was asked: the money is not with the merchant',
        }),
        ...given,
      }),
      responses: { 201: closed({ ...BatchBody.properties, skipped: Type.Array(Skipped) }) },
      refusals: [
        'payout.not_found',
        'payout.not_repostable',
        'payout.needs_attention',
        'payout.nothing_due',
        'reference.already_used',
      ],
    },
    async ({ caller, id, body }) => {
      const { despite_attention: despiteAttention = false, reference = null, metadata = {} } = body
      const channel = payouts.channels[caller.mode]
      const wanted = { id, despiteAttention, reference, metadata }
      return answerMade(deps, caller.book, await repostPayout(flows, channel, caller, wanted))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/payouts/{id}/outcome',
      summary: 'Says what became of a payout that is with the bank, where no file of the bank does',
      access: 'payouts:write',
      id: 'payout',
      body: Outcome,
      responses: { 200: PayoutBody },
      refusals: ['payout.not_found', 'payout.not_open', 'approval.same_person'],
    },
    async ({ caller, id, body }) => {
      const { outcome: end, bank_serial: serial = null, reason } = body
      const given = await givePayoutOutcome(flows, caller, id, { end, serial, reason })
      return given.ok ? okay(presentPayout(given.value)) : given
    },
  )
}

function filterFrom(query: Static<typeof PayoutQuery>) {
  const { status, batch_id: batch, settlement_id: settlement, merchant_id: merchant } = query
  return {
    status,
    attention: query.attention,
    batchId: batch === undefined ? undefined : readId('payout_batch', batch),
    settlementId: settlement === undefined ? undefined : readId('settlement', settlement),
    merchantId: merchant === undefined ? undefined : readId('merchant', merchant),
  }
}
