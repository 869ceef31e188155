/**
 * Parameters of `wx.addCard`. Each carries a nonce of ours that is kept with a digest of everything beside it; when the
 * parameters come back they are taken once, in time and unchanged. A nonce names its slot, and there are only so many.
 */
import { createHash } from 'node:crypto'
import type { Instant, WechatAppId } from '@lika/contract'
import type {
  AddCard,
  AddCardAsked,
  Answer,
  AppCredentials,
  AppDesk,
  NonceKept,
  WechatApp,
} from '../../modules/wechat/index.ts'
import { randomBytes } from '../../platform/crypto/random.ts'
import { textAt } from './json.ts'
import { cardSignature } from './signatures.ts'
import type { Tokens } from './tokens.ts'

export interface AddCardNeeds {
  readonly desk: AppDesk
  readonly tokens: Pick<Tokens, 'ticket'>
  readonly credentials: (app: WechatAppId) => Promise<AppCredentials>
  readonly now: () => Instant
  /** As long as parameters are good for; by default ten minutes. */
  readonly lifetimeMs: number
}

/** How often parameters whose slots are taken get others. */
const attempts = 8
const noncePattern = /^[0-9a-f]{32}$/

interface Signed extends AddCard, NonceKept {}

export function makeAddCards(needs: AddCardNeeds): Pick<WechatApp, 'addCards' | 'takeAddCard'> {
  const { desk, tokens, credentials, now, lifetimeMs } = needs

  async function keep(
    app: WechatAppId,
    cards: readonly AddCardAsked[],
    sign: (card: AddCardAsked, nonce: string) => Signed,
  ): Promise<readonly Signed[] | undefined> {
    const kept = new Map<AddCardAsked, Signed>()
    for (let attempt = 1; attempt <= attempts && kept.size < cards.length; attempt += 1) {
      const tried = new Map<number, [AddCardAsked, Signed]>()
      for (const card of cards.filter((one) => !kept.has(one))) {
        const signed = sign(card, randomBytes(16).toString('hex'))
        tried.set(signed.slot, [card, signed])
      }
      const nonces = [...tried.values()].map(([, signed]) => signed)
      for (const slot of await desk.keepNonces(app, nonces, lifetimeMs)) {
        const [card, signed] = tried.get(slot) ?? []
        if (card !== undefined && signed !== undefined) kept.set(card, signed)
      }
    }
    const all = cards.map((card) => kept.get(card)).filter((card) => card !== undefined)
    return all.length === cards.length ? all : undefined
  }

  return {
    addCards: async (id, cards): Promise<Answer<readonly AddCard[]>> => {
      const ticket = await tokens.ticket(await credentials(id), 'wx_card')
      if (ticket.status !== 'done') return ticket
      const timestamp = String(Math.floor(now() / 1000))
      const asked = cards.map((card) => ({ ...card }))
      const kept = await keep(id, asked, (card, nonce) =>
        signed(card, nonce, timestamp, ticket.value.value),
      )
      if (kept === undefined)
        return { status: 'refused', code: 'too_many_open', detail: 'too many parameters are open' }
      return { status: 'done', value: kept.map(({ cardId, cardExt }) => ({ cardId, cardExt })) }
    },
    takeAddCard: async (id, { cardId, cardExt }) => {
      const given = parsed(cardExt)
      const nonce = textAt(given, 'nonce_str') ?? ''
      if (!noncePattern.test(nonce)) return 'forged'
      const age = now() - Number(textAt(given, 'timestamp')) * 1000
      const use = await desk.spendNonce(id, nonceOf(nonce, cardId, cardExt))
      // Its slot may have gone to another one since.
      return use === 'forged' && age > lifetimeMs ? 'expired' : use
    },
  }
}

function signed(
  { cardId, code, openid, outerStr }: AddCardAsked,
  nonce: string,
  timestamp: string,
  ticket: string,
): Signed {
  const signature = cardSignature([ticket, timestamp, cardId, nonce, code, openid])
  const cardExt = JSON.stringify({
    ...(code !== undefined && { code }),
    ...(openid !== undefined && { openid }),
    timestamp,
    nonce_str: nonce,
    ...(outerStr !== undefined && { outer_str: outerStr }),
    signature,
  })
  return { cardId, cardExt, ...nonceOf(nonce, cardId, cardExt) }
}

/** The slot is in the nonce, so that nobody can put it into another one. */
function nonceOf(nonce: string, cardId: string, cardExt: string): NonceKept {
  const digest = createHash('sha256')
    .update(JSON.stringify([cardId, cardExt]))
    .digest()
  return { slot: Number.parseInt(nonce.slice(0, 4), 16), nonce, digest }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
