/** What an issuer has at WeChat, and the ports through which the rest of Lika asks WeChat for something. */
export type { CallbackNote } from './app-callback-store.ts'
export { type AppDesk, openAppDesk, type TokenKind } from './app-desk.ts'
export type * from './app-port.ts'
export {
  type App,
  type AppKind,
  appKinds,
  callbackModes,
} from './app-store.ts'
export {
  type AppCredentials,
  openWechatApps,
  type WechatApps,
} from './apps.ts'
export {
  beginConsume,
  type Consume,
  consumeById,
  consumeByKey,
  consumeByReference,
  consumeOfCode,
  deleteConsumes,
  dropConsume,
  endConsume,
  holdConsume,
  letConsumeGo,
  lostConsumes,
} from './consume-store.ts'
export type { NonceKept } from './nonce-store.ts'
export {
  keyModes,
  payAlgorithms,
} from './pay-account-keys.ts'
export { type PayAccount, payAccountStatuses } from './pay-account-store.ts'
export {
  openPayAccounts,
  type PayAccountChange,
  type PayAccounts,
  type PayCredentials,
} from './pay-accounts.ts'
export type * from './pay-port.ts'
