/** An app of a book, which nobody ever speaks for, and a code of a card that WeChat once refused to consume. */
import { randomBytes } from 'node:crypto'
import { asId, formatId, parseId } from '@lika/contract'
import type { Sql } from '../../server/src/platform/db.ts'
import { newId } from '../../server/src/platform/ids.ts'
import type { Json } from './answer-check.ts'

/** `ask` fails where the answer is not a 2xx. */
interface Book {
  ask: (method: string, path: string, body?: unknown) => Promise<Json>
  book: string
  owner: Sql
}

export interface WorldWechatApp {
  wechatApp: string
  cardConsume: string
}

export const wechatApp = () => ({
  appid: `wx${randomBytes(8).toString('hex')}`,
  kind: 'official_account',
  secret: randomBytes(16).toString('hex'),
})

export async function makeWechatApp({ ask, book, owner }: Book): Promise<WorldWechatApp> {
  const { id } = await ask('POST', '/v1/wechat/apps', wechatApp())
  const consume = asId<'card_consume'>(newId())
  await owner`
    insert into wechat_consume (
      id, book_id, app_id, code_digest, asked_card_id, idempotency_key, fingerprint, status, refused_code,
      refused_detail, metadata, created_at, ended_at
    )
    values (
      ${consume}, ${book}, ${parseId('wechat_app', id) ?? null}, ${randomBytes(16)}, '', ${newId()},
      ${randomBytes(16)}, 'refused', '40056', 'no such code', '{}', now(), now()
    )`
  return { wechatApp: id, cardConsume: formatId('card_consume', consume) }
}
