/** What the shop's script offers to who reads it with types: tests. */

/** A refusal of the server, by its code. */
export class Refused extends Error {
  readonly code: string
}

export interface Browser {
  readonly isWechat: boolean
  readonly fetch: (path: string, options: RequestInit) => Promise<Response>
  readonly storage: {
    get(name: string): string | null | undefined
    set(name: string, text: string): void
  }
  readonly newKey: () => string
  readonly takeSession: () => string | undefined
}

interface Order {
  readonly id: string
  readonly status: string
  readonly channel: string
  readonly total: number
  readonly cards: readonly string[]
}

interface Invitation {
  readonly out_trade_no: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly code_url?: string
  readonly h5_url?: string
}

export interface Wallet {
  shop(): Promise<{ readonly local_wechat: string | null }>
  products(): Promise<readonly { readonly id: string }[]>
  isLoggedIn(): boolean
  hasSession(): boolean
  takeOver(): Promise<boolean>
  beGuest(): Promise<void>
  loginPage(path: string): string
  order(product: string, amount: number): Promise<Order>
  underWay(): string | undefined
  current(): Promise<Order>
  pay(scene: string): Promise<Invitation>
  leave(): Promise<void>
  forget(): void
  unseal(): Promise<Order>
  giveBack(): Promise<{ readonly refund: { readonly amount: number } }>
  card(
    id: string,
  ): Promise<{ readonly id: string; readonly balance: { readonly available: number } }>
  reveal(id: string): Promise<{ readonly number: string; readonly secret: string }>
}

export function openWallet(appId: string, browser: Browser): Wallet
export function waysToPay(where: {
  readonly isWechat: boolean
  readonly isPhone: boolean
  readonly isLoggedIn: boolean
}): string[]
export function fenOf(yuan: string): number | undefined
export function yuanOf(fen: number): string
