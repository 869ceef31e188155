/** Routes of a member's own cards: those that were delivered for its orders, and for those of whoever is the same person. */
import { type CardId, formatInstant, type Result, refused } from '@lika/contract'
import { findCard } from '../../flows/cards/find.ts'
import { issuePayCode } from '../../flows/cards/pay-code.ts'
import { revealCommand, unseal } from '../../flows/cards/reveal.ts'
import type { MemberCaller } from '../../modules/members/index.ts'
import { selectCardsOfMembers } from '../../modules/orders/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  CardStatusName,
  Currency,
  closed,
  idOf,
  nullable,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { Balance, presentView, runOnCard, stateRefusals } from '../v1/card-shapes.ts'

const OwnCard = closed({
  id: idOf('card'),
  number_last4: Type.String(),
  product_id: idOf('product'),
  status: CardStatusName,
  balance: Balance,
  currency: Currency,
  expires_at: nullable(Timestamp),
  sealed_until: nullable(Timestamp),
  created_at: Timestamp,
})
const Secret = closed({ number: Type.String(), secret: Type.String() })
const PayCode = closed({ code: Type.String(), expires_at: Timestamp })

export function register(app: LikaApp, deps: Deps): void {
  registerReads(app, deps)
  registerUses(app, deps)
}

/** Refusals: `card.not_found` for whatever is not this member's, there or not. */
async function own(
  { flows }: Deps,
  { book, mode, memberId }: MemberCaller,
  cardId: CardId,
): Promise<Result<CardId>> {
  const group = await flows.members.groupOf(memberId)
  const lanes = flows.engine.lanesOf(mode)
  const { sql } = flows.database
  const [found] = await selectCardsOfMembers(sql, lanes, book, group, cardId)
  return found === undefined ? refused(notFound('card')) : { ok: true, value: found }
}

function registerReads(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  async function shown(caller: MemberCaller, id: CardId) {
    const found = await findCard(flows, caller, id)
    return found.ok ? [presentOwn(presentView(found.value, flows.engine.now(caller.mode)))] : []
  }

  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/cards',
      summary: "Lists the member's own cards, the newest first, at most 200",
      access: 'member',
      responses: { 200: closed({ data: Type.Array(OwnCard) }) },
      refusals: [],
    },
    async ({ caller }) => {
      const group = await flows.members.groupOf(caller.memberId)
      const lanes = flows.engine.lanesOf(caller.mode)
      const ids = await selectCardsOfMembers(flows.database.sql, lanes, caller.book, group)
      const cards = await Promise.all(ids.map((id) => shown(caller, id)))
      return okay({ data: cards.flat() })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/wallet/v1/cards/{id}',
      summary: "Shows one of the member's own cards",
      access: 'member',
      id: 'card',
      responses: { 200: OwnCard },
      refusals: ['card.not_found'],
    },
    async ({ caller, id }) => {
      const mine = await own(deps, caller, id)
      const [card] = mine.ok ? await shown(caller, mine.value) : []
      return card === undefined ? refused(notFound('card')) : okay(card)
    },
  )
}

function registerUses(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/cards/{id}/reveal',
      summary: 'Shows number and secret, for ten minutes from the first time on',
      access: 'member',
      idempotent: true,
      id: 'card',
      responses: { 200: Secret },
      refusals: [...stateRefusals, 'card.secret_not_available'],
    },
    async (call) => {
      const mine = await own(deps, call.caller, call.id)
      if (!mine.ok) return mine
      const asked = { cardId: mine.value }
      const command = revealCommand(flows, call.caller, asked, call.idempotencyKey)
      const done = await runOnCard(call, command, 200, (outcome) => outcome)
      if ('ok' in done) return done
      const face = await unseal(flows, call.caller, mine.value, done.body)
      return face.ok ? { ...done, body: face.value } : { ...face, replayed: done.replayed }
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/wallet/v1/cards/{id}/pay_codes',
      summary: 'Makes a code that pays once, for a minute',
      access: 'member',
      id: 'card',
      responses: { 201: PayCode },
      refusals: [...stateRefusals, 'card.expired'],
    },
    async ({ caller, id }) => {
      const mine = await own(deps, caller, id)
      if (!mine.ok) return mine
      const made = await issuePayCode(flows, caller, mine.value)
      if (!made.ok) return made
      return created({ code: made.value.code, expires_at: formatInstant(made.value.expiresAt) })
    },
  )
}

function presentOwn(card: ReturnType<typeof presentView>) {
  return {
    id: card.id,
    number_last4: card.number_last4,
    product_id: card.product_id,
    status: card.status,
    balance: card.balance,
    currency: card.currency,
    expires_at: card.expires_at,
    sealed_until: card.sealed_until,
    created_at: card.created_at,
  }
}
