/** Routes of vouchers: what cards have of them. They are given by campaigns and used in payments. */
import { fenToJson, formatId, formatInstant, laneOfId, modeOfBook, refused } from '@lika/contract'
import { findCard } from '../../flows/cards/find.ts'
import { selectVouchers, statusOfVoucher, type VoucherView } from '../../modules/vouchers/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  oneOf,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Voucher = closed({
  id: idOf('voucher'),
  campaign_id: idOf('campaign'),
  card_id: idOf('card'),
  status: oneOf(['open', 'used', 'revoked', 'expired']),
  face: Amount,
  left: AmountOrZero,
  currency: Currency,
  min_amount: { ...AmountOrZero, description: 'fen; the least payment for which it can be used' },
  merchants: Type.Array(idOf('merchant')),
  expires_at: Timestamp,
  created_at: Timestamp,
})

export function register(app: LikaApp, { database, flows, bookNow }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'GET',
      path: '/v1/vouchers/{id}',
      summary: 'Shows a voucher',
      access: 'cards:read',
      id: 'voucher',
      responses: { 200: Voucher },
      refusals: ['voucher.not_found'],
    },
    async ({ caller, id }) => {
      const lane = laneOfId(id)
      const isThere = flows.engine.lanesOf(modeOfBook(caller.book)).includes(lane)
      const [voucher] = isThere ? await selectVouchers(sql, lane, caller.book, { id }) : []
      return voucher === undefined
        ? refused(notFound('voucher'))
        : okay(present(voucher, bookNow(caller.mode)))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/cards/{id}/vouchers',
      summary: 'Lists the last 200 vouchers of a card, the newest first',
      access: 'cards:read',
      id: 'card',
      responses: { 200: closed({ data: Type.Array(Voucher) }) },
      refusals: ['card.not_found'],
    },
    async ({ caller, id }) => {
      const card = await findCard(flows, caller, id)
      if (!card.ok) return card
      const rows = await selectVouchers(sql, laneOfId(id), caller.book, { cardId: id })
      const now = bookNow(caller.mode)
      return okay({ data: rows.map((row) => present(row, now)) })
    },
  )
}

function present(voucher: VoucherView, now: number) {
  return {
    id: formatId('voucher', voucher.id),
    campaign_id: formatId('campaign', voucher.campaignId),
    card_id: formatId('card', voucher.cardId),
    status: statusOfVoucher(voucher, voucher.left, now),
    face: fenToJson(voucher.face),
    left: fenToJson(voucher.left),
    currency: 'CNY' as const,
    min_amount: fenToJson(voucher.minAmount),
    merchants: voucher.merchants.map((id) => formatId('merchant', id)),
    expires_at: formatInstant(voucher.expiresAt),
    created_at: formatInstant(voucher.createdAt),
  }
}
