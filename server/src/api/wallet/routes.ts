/** Every route file of the wallet, in the order of its document. */
import type { Deps } from '../deps.ts'
import type { LikaApp } from '../http/kernel.ts'
import { register as registerCards } from './cards.ts'
import { register as registerMe } from './me.ts'
import { register as registerOauth } from './oauth.ts'
import { register as registerOrders } from './orders.ts'
import { register as registerProducts } from './products.ts'
import { register as registerSessions } from './sessions.ts'
import { register as registerWechatCards } from './wechat-cards.ts'

export const walletFiles: readonly ((app: LikaApp, deps: Deps) => void)[] = [
  registerSessions,
  registerOauth,
  registerMe,
  registerProducts,
  registerOrders,
  registerCards,
  registerWechatCards,
]
