/** Routes by which something is done to a card. */
import { formatInstant, type Result } from '@lika/contract'
import { activateCommand } from '../../flows/cards/activate.ts'
import { closeCommand } from '../../flows/cards/close.ts'
import { extendCommand } from '../../flows/cards/extend.ts'
import { factsFrom, presentCard } from '../../flows/cards/facts.ts'
import { freezeCommand, reportLostCommand, unfreezeCommand } from '../../flows/cards/freeze.ts'
import { issuePayCode } from '../../flows/cards/pay-code.ts'
import { presentReplacement, replaceCommand } from '../../flows/cards/replace.ts'
import { resetSecretCommand, revealCommand, unseal } from '../../flows/cards/reveal.ts'
import { presentSplit, splitCommand } from '../../flows/cards/split.ts'
import type { KeyCaller } from '../../modules/access/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import type { Deps } from '../deps.ts'
import { created } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  Amount,
  closed,
  DateText,
  given,
  type Static,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'
import {
  AgentGiven,
  BuyerGiven,
  buyerFrom,
  Card,
  FundingGiven,
  fundingFrom,
  givenOf,
  purchaseRefusals,
  runOnCard,
  stateRefusals,
} from './card-shapes.ts'

const Reason = closed({ reason: text(500) })
const Own = closed(given)
const Secret = closed({ number: Type.String(), secret: Type.String() })
const PayCode = closed({ code: Type.String(), expires_at: Timestamp })

type CardCall = {
  readonly caller: KeyCaller
  readonly id: Parameters<typeof givenOf>[2]
  readonly idempotencyKey: string
  execute(command: Command): Promise<Executed>
}

export function register(app: LikaApp, deps: Deps): void {
  registerStates(app, deps)
  registerMoney(app, deps)
  registerSecrets(app, deps)
}

/** Runs the command and answers the card as it left it. */
async function answerCard({ flows, ...deps }: Deps, call: CardCall, command: Result<Command>) {
  const own = await givenOf({ ...deps, flows }, call.caller, call.id)
  return runOnCard(call, command, 200, ({ body, at }) => presentCard(factsFrom(body), own, at))
}

function registerStates(app: LikaApp, deps: Deps): void {
  const { flows } = deps
  const withReason = [
    { name: 'freeze', summary: 'Freezes a card', command: freezeCommand, more: [] },
    {
      name: 'unfreeze',
      summary: 'Unfreezes a card',
      command: unfreezeCommand,
      more: ['card.not_frozen'],
    },
    {
      name: 'close',
      summary: 'Closes an empty card for good',
      command: closeCommand,
      more: ['card.has_holds', 'card.not_empty'],
    },
  ] as const
  for (const { name, summary, command, more } of withReason) {
    app.route(
      {
        method: 'POST',
        path: `/v1/cards/{id}/${name}`,
        summary,
        access: 'cards:write',
        idempotent: true,
        id: 'card',
        body: Reason,
        responses: { 200: Card },
        refusals: [...stateRefusals, ...more],
      },
      async (call) => {
        const input = { cardId: call.id, reason: call.body.reason }
        return answerCard(deps, call, command(flows, call.caller, input, call.idempotencyKey))
      },
    )
  }

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/report_lost',
      summary: 'Stops every debit from a card from the moment of the answer',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      responses: { 200: Card },
      refusals: stateRefusals,
    },
    async (call) => {
      const input = { cardId: call.id }
      const command = reportLostCommand(flows, call.caller, input, call.idempotencyKey)
      return answerCard(deps, call, command)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/extend',
      summary: 'Moves the expiry of a card to the end of a later day in Shanghai',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: closed({ until: DateText }),
      responses: { 200: Card },
      refusals: [...stateRefusals, 'card.has_no_expiry', 'date.out_of_range'],
    },
    async (call) => {
      const input = { cardId: call.id, until: call.body.until }
      return answerCard(deps, call, extendCommand(flows, call.caller, input, call.idempotencyKey))
    },
  )
}

function registerMoney(app: LikaApp, deps: Deps): void {
  const { flows } = deps

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/activate',
      summary: 'Sells a card that was made before: its money comes onto it',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: closed({
        funding: FundingGiven,
        buyer: Type.Optional(BuyerGiven),
        agent: Type.Optional(AgentGiven),
      }),
      responses: { 200: Card },
      refusals: [...stateRefusals, ...purchaseRefusals],
    },
    async (call) => {
      const { id: cardId, body } = call
      const input = {
        cardId,
        funding: fundingFrom(body.funding),
        buyer: buyerFrom(body.buyer),
        agent: buyerFrom(body.agent),
      }
      const command = await activateCommand(flows, call.caller, input, call.idempotencyKey)
      return answerCard(deps, call, command)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/replace',
      summary: 'Replaces a card: the answer is the new one, with all that was on the old one',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: Own,
      responses: { 200: Card },
      refusals: [...stateRefusals, 'reference.already_used'],
    },
    async (call) => {
      // Without a body there is nothing to read from.
      const { reference, metadata }: Static<typeof Own> = call.body ?? {}
      const input = { cardId: call.id, reference, metadata }
      const command = await replaceCommand(flows, call.caller, input, call.idempotencyKey)
      return runOnCard(call, command, 200, ({ body, at }) => presentReplacement(body, at, input))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/split',
      summary: 'Moves parts of a card onto new cards, principal and bonus in proportion',
      access: 'cards:write',
      idempotent: true,
      id: 'card',
      body: closed({ amounts: Type.Array(Amount, { minItems: 1, maxItems: 20 }) }),
      responses: { 200: closed({ cards: Type.Array(Card) }) },
      refusals: [
        ...stateRefusals,
        'card.expired',
        'policy.split_depth',
        'policy.card_limit',
        'funds.insufficient',
      ],
    },
    async (call) => {
      const input = { cardId: call.id, amounts: call.body.amounts.map(BigInt) }
      const command = await splitCommand(flows, call.caller, input, call.idempotencyKey)
      return runOnCard(call, command, 200, ({ body, at }) => presentSplit(body, at))
    },
  )
}

function registerSecrets(app: LikaApp, deps: Deps): void {
  const { flows } = deps
  const secrets = [
    {
      name: 'reveal',
      summary: 'Shows number and secret, for ten minutes from the first time on',
      command: revealCommand,
    },
    {
      name: 'reset_secret',
      summary: 'Gives a card a new secret; the old one is dead at once',
      command: resetSecretCommand,
    },
  ] as const
  for (const { name, summary, command } of secrets) {
    app.route(
      {
        method: 'POST',
        path: `/v1/cards/{id}/${name}`,
        summary,
        access: 'cards:reveal',
        idempotent: true,
        id: 'card',
        responses: { 200: Secret },
        refusals: [...stateRefusals, 'card.secret_not_available'],
      },
      async (call) => {
        const { caller, id: cardId } = call
        const asked = command(flows, caller, { cardId }, call.idempotencyKey)
        const done = await runOnCard(call, asked, 200, (outcome) => outcome)
        if ('ok' in done) return done
        const shown = await unseal(flows, caller, cardId, done.body)
        return shown.ok ? { ...done, body: shown.value } : { ...shown, replayed: done.replayed }
      },
    )
  }

  app.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/pay_codes',
      summary: 'Makes a code that pays once, for a minute',
      access: 'cards:write',
      id: 'card',
      responses: { 201: PayCode },
      refusals: [...stateRefusals, 'card.expired'],
    },
    async ({ caller, id }) => {
      const made = await issuePayCode(flows, caller, id)
      if (!made.ok) return made
      const { code, expiresAt } = made.value
      return created({ code, expires_at: formatInstant(expiresAt) })
    },
  )
}
