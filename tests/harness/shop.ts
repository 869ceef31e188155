/** An issuer with a product, a merchant and cards, made over HTTP: what clients of a process need to begin. */
import assert from 'node:assert/strict'
import { scopes } from '@lika/contract'
import { newId } from '../../server/src/platform/ids.ts'
import type { AppProcess } from './app-process.ts'

export type ShopCard = { id: string; amount: number }

export type Shop = { key: string; merchant: string; product: string; cards: ShopCard[] }

/** In test mode. Each card has principal and a tenth of it as bonus. */
export async function openShop(app: AppProcess, cards: number, principal: number): Promise<Shop> {
  const made = async (path: string, key: string, body?: object, status = 201) => {
    const answer = await app.call('POST', path, { key, body, idempotencyKey: newId() })
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    return answer.body
  }
  const operator = app.operatorKey
  const named = { name: 'Tea', legal_name: 'Tea House Ltd', packs: ['open'] }
  const issuer = await made('/v1/issuers', operator, named)
  const all = { issuer_id: issuer.id, mode: 'test', name: 'all', owner: 'tests', scopes }
  const { secret: key } = await made('/v1/keys', operator, all)
  const { id: merchant } = await made('/v1/merchants', key, { name: 'Shop', category: 'food' })
  const { id: product } = await made('/v1/products', key, {
    name: 'Tea card',
    kind: 'stored_value',
    registered: false,
    carrier: 'virtual',
    face_range: { min: 1, max: 5_000_000 },
    validity_months: 36,
    reloadable: true,
  })
  await made(`/v1/products/${product}/publish`, key, undefined, 200)
  const bonus = Math.floor(principal / 10)
  const issued = await Promise.all(
    Array.from({ length: cards }, () =>
      made('/v1/cards', key, {
        product_id: product,
        amount: principal,
        bonus_amount: bonus,
        funding: { method: 'none' },
      }),
    ),
  )
  return {
    key,
    merchant,
    product,
    cards: issued.map(({ id }) => ({ id, amount: principal + bonus })),
  }
}
