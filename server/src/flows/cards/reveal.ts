/**
 * Showing a card's secret: for ten minutes from the first time on, while its sealed copy exists; or making a new one.
 * Entries and bodies hold the digest of the secret that was shown, never the secret.
 */
import { type CardId, laneOfId, ok, type Result, refusal, refused } from '@lika/contract'
import {
  cards,
  checkCard,
  loadSeals,
  mintSecret,
  readCards,
  revealedForMs,
  type SealRow,
  seals,
} from '../../modules/cards/index.ts'
import { type Command, type Executed, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { type Body, textIn } from './facts.ts'
import { commandOnCard, type OnCard } from './on-card.ts'

const gone = refusal(
  'card.secret_not_available',
  'The sealed copy of the secret was destroyed; reset_secret makes a new one.',
)

/**
 * The first reveal starts the ten minutes. Refusals: `card.not_found`, the states of a card,
 * `card.secret_not_available`.
 */
export function revealCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId }: { readonly cardId: CardId },
  key: string,
): Result<Command> {
  const reads = (lane: number) => [read(seals, lane, cardId)]
  const asked = { cardId, operation: 'card.revealed', key, input: {}, reads }
  return commandOnCard(context, caller, asked, () => (on) => {
    const { card, view, lane, now } = on
    const allowed = checkCard(card, 'reveal', now, 'ignored')
    if (!allowed.ok) return allowed
    const seal = view.get(seals, cardId)
    if (seal === undefined || isOver(seal, now)) return refused(gone)
    if (seal.revealedAt === null) view.put(seals, lane, { ...seal, revealedAt: now })
    return shown(on, 'card.revealed', card.secretDigest)
  })
}

/**
 * The old secret is dead from the moment of the answer. Refusals: `card.not_found`, the states of a card as for
 * `revealCommand`.
 */
export function resetSecretCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId }: { readonly cardId: CardId },
  key: string,
): Result<Command> {
  const reads = (lane: number) => [read(seals, lane, cardId)]
  const asked = { cardId, operation: 'card.secret_reset', key, input: {}, reads }
  return commandOnCard(context, caller, asked, async (_, cardLane) => {
    const { database, keyring, engine } = context
    const [known] = await readCards(database.sql, cardLane, [cardId], engine.now(caller.mode))
    // The number never changes; a card that does not exist is refused in the round.
    const minted = mintSecret(cardId, known?.card.number ?? '', keyring)
    return (on) => {
      const { card, view, lane, now } = on
      const allowed = checkCard(card, 'reveal', now, 'ignored')
      if (!allowed.ok) return allowed
      const { secretDigest, sealed } = minted
      view.put(cards, lane, { ...card, secretDigest })
      view.put(seals, lane, { cardId, sealed, revealedAt: now })
      return shown(on, 'card.secret_reset', secretDigest)
    }
  })
}

function shown({ card }: OnCard, kind: string, digest: Uint8Array | null) {
  const body = { cardId: card.id, _secret: digest === null ? '' : hexOf(digest) }
  return ok({ kind, version: 1, body })
}

/**
 * Number and secret behind the outcome of either command, again for whoever repeats it while the ten minutes last.
 * Refusals: those of the command, `card.secret_not_available` where another secret has taken its place or time is over.
 */
export async function unseal(
  { database, engine, keyring }: FlowContext,
  caller: CardCaller,
  cardId: CardId,
  done: Extract<Executed, { status: 'done' }>,
): Promise<Result<{ number: string; secret: string }>> {
  const lane = laneOfId(cardId)
  const now = engine.now(caller.mode)
  const [[seal], [known]] = await Promise.all([
    loadSeals(database.sql, lane, [cardId]),
    readCards(database.sql, lane, [cardId], now),
  ])
  const digest = known?.card.secretDigest ?? new Uint8Array()
  const isSame = hexOf(digest) === secretIn(done.body)
  if (seal === undefined || !isSame || isOver(seal, now)) return refused(gone)
  return ok(keyring.openCard(cardId, seal.sealed))
}

function isOver({ revealedAt }: SealRow, now: number): boolean {
  return revealedAt !== null && now >= revealedAt + revealedForMs
}

function secretIn(body: Body): string {
  return textIn(body, '_secret')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
