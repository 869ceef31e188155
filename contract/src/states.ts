/**
 * The states of cards, payments, holds and jobs, and the one table of what each card state
 * permits: shared by the server, the SQL checks and every user interface.
 */

export const cardStates = ['created', 'active', 'frozen', 'lost', 'closed', 'replaced'] as const
export type CardState = (typeof cardStates)[number]

/** What a reader sees: `expired` is a matter of time, not a stored state (no sweeper needed). */
export type CardStatus = CardState | 'expired'
export const cardStatuses = [...cardStates, 'expired'] as const

/**
 * What came of reporting to WeChat that something paid in a mini-program was delivered. `not_due`: nothing was delivered for it.
 * `given_up`: WeChat has not taken it in time.
 */
export const shippingEnds = ['reported', 'not_due', 'given_up'] as const
export type ShippingEnd = (typeof shippingEnds)[number]

/**
 * What may be done to a card in which state. `pay` and `hold` also need a card that has not
 * expired. Credits from refunds are not listed: they are accepted by every state and follow
 * `replaced_by` to the successor.
 */
export const cardActions = {
  activate: ['created'],
  pay: ['active'],
  load: ['active'],
  adjust: ['active', 'frozen', 'lost'],
  split: ['active'],
  freeze: ['active'],
  unfreeze: ['frozen'],
  report_lost: ['active', 'frozen', 'created'],
  replace: ['active', 'frozen', 'lost', 'closed'],
  close: ['created', 'active', 'frozen', 'lost'],
  extend: ['created', 'active', 'frozen', 'lost'],
  reveal: ['created', 'active'],
  redeem: ['active', 'frozen'],
} as const satisfies Record<string, readonly CardState[]>

export type CardAction = keyof typeof cardActions

/** Whether a card in `state` may undergo `action` (expiry is the caller's to check). */
export function cardMay(action: CardAction, state: CardState): boolean {
  const allowed: readonly CardState[] = cardActions[action]
  return allowed.includes(state)
}

export const merchantStates = ['draft', 'submitted', 'approved', 'rejected', 'suspended'] as const
export type MerchantState = (typeof merchantStates)[number]

/**
 * From which states a merchant comes into which by what is done to it. Only an approved one takes payments; refunds,
 * cancels and captures of holds made before go on whatever the state.
 */
export const merchantActions = {
  change: { from: ['draft', 'rejected'], to: 'draft', done: 'changed' },
  submit: { from: ['draft'], to: 'submitted', done: 'submitted' },
  approve: { from: ['submitted'], to: 'approved', done: 'approved' },
  reject: { from: ['submitted'], to: 'rejected', done: 'rejected' },
  suspend: { from: ['approved'], to: 'suspended', done: 'suspended' },
  resume: { from: ['suspended'], to: 'approved', done: 'resumed' },
} as const satisfies Record<
  string,
  { from: readonly MerchantState[]; to: MerchantState; done: string }
>

export type MerchantAction = keyof typeof merchantActions

/** How a buyer comes to a till. */
export const channels = ['in_store', 'online', 'mini_program'] as const
export type Channel = (typeof channels)[number]

export const paymentStates = ['succeeded', 'cancelled'] as const
export type PaymentState = (typeof paymentStates)[number]

export const holdStates = ['held', 'captured', 'released', 'expired'] as const
export type HoldState = (typeof holdStates)[number]

export const jobStates = ['queued', 'running', 'succeeded', 'failed'] as const
export type JobState = (typeof jobStates)[number]

export const subBalances = ['bonus', 'principal'] as const
/** Provenance of money on a card: paid in (principal) or given (bonus). */
export type SubBalance = (typeof subBalances)[number]

export type Mode = 'test' | 'live'

export const payoutStates = [
  'created',
  'sent',
  'confirmed',
  'failed',
  'returned',
  'cancelled',
] as const
/** What is paid to a merchant: waiting to be sent, with the bank, paid, refused, paid and come back, called off. */
export type PayoutState = (typeof payoutStates)[number]

export const payoutBatchStates = ['created', 'released', 'sent', 'finished', 'cancelled'] as const
/** Payouts that go to the bank together: put together, let go by a second person, with the bank, all answered. */
export type PayoutBatchState = (typeof payoutBatchStates)[number]

export const orderKinds = ['purchase', 'top_up'] as const
/** What is sold: new cards, or money onto a card. */
export type OrderKind = (typeof orderKinds)[number]

export const orderChannels = [
  'official_account',
  'mini_program',
  'h5',
  'till',
  'corporate',
] as const
/** Where a sale began; the buyer may change over half-way, and the order stays the same. */
export type OrderChannel = (typeof orderChannels)[number]

export const orderStates = [
  'created',
  'paying',
  'paid',
  'delivered',
  'completed',
  'refunding',
  'refunded',
  'closed',
] as const
export type OrderState = (typeof orderStates)[number]

/**
 * From which states an order comes into which by what is done to it; it never goes back. `surrender` is a payment that
 * cannot be delivered, also one that came for an order that was closed: it is given back at once.
 */
export const orderActions = {
  invite: { from: ['created', 'paying'], to: 'paying' },
  pay: { from: ['created', 'paying'], to: 'paid' },
  deliver: { from: ['paid'], to: 'delivered' },
  complete: { from: ['paid', 'delivered'], to: 'completed' },
  close: { from: ['created', 'paying'], to: 'closed' },
  surrender: { from: ['created', 'paying', 'paid', 'closed'], to: 'refunding' },
  refund: { from: ['delivered', 'completed'], to: 'refunding' },
  settle: { from: ['refunding'], to: 'refunded' },
} as const satisfies Record<string, { from: readonly OrderState[]; to: OrderState }>

export type OrderAction = keyof typeof orderActions

export const tradeStates = ['asked', 'open', 'closing', 'closed', 'paid'] as const
/**
 * One number at WeChat under which an order may be paid: WeChat was asked and nobody knows yet whether it has it, it is
 * there, it is being closed, it will never be paid, it was paid.
 */
export type TradeState = (typeof tradeStates)[number]

export const orderRefundStates = ['asked', 'processing', 'abnormal', 'closed', 'succeeded'] as const
/** Money on its way back to a payer: asked for, accepted, waiting for a person, not done by WeChat, arrived. */
export type OrderRefundState = (typeof orderRefundStates)[number]
