/** Pre-sales as the journal keeps them and as callers see them. */
import { fenToJson, formatId, formatInstant, type Instant } from '@lika/contract'
import type { PresaleRow } from '../../modules/loyalty/index.ts'
import { type Body, currency, fenIn, textIn } from '../cards/facts.ts'

export function presaleBody(row: PresaleRow): Body {
  return {
    presaleId: row.id,
    campaignId: row.campaignId,
    productId: row.productId,
    priceFen: String(row.price),
    faceFen: String(row.face),
    status: row.status,
    method: row.method,
    soldAt: row.createdAt,
    ...(row.cardId === null ? {} : { cardId: row.cardId }),
  }
}

interface Given {
  readonly funding?: { readonly reference?: string | null | undefined } | undefined
  readonly reference?: string | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
}

/** As it was just after it was sold. */
export function presentSold(body: Body, at: Instant, given: Given) {
  return {
    id: formatId('presale', textIn(body, 'presaleId')),
    campaign_id: formatId('campaign', textIn(body, 'campaignId')),
    product_id: formatId('product', textIn(body, 'productId')),
    price: fenToJson(fenIn(body, 'priceFen')),
    face: fenToJson(fenIn(body, 'faceFen')),
    currency,
    status: 'sold' as const,
    card_id: null,
    funding: { method: textIn(body, 'method'), reference: given.funding?.reference ?? null },
    reference: given.reference ?? null,
    metadata: { ...given.metadata },
    created_at: formatInstant(at),
  }
}

export function presentPresale(row: PresaleRow) {
  return {
    id: formatId('presale', row.id),
    campaign_id: formatId('campaign', row.campaignId),
    product_id: formatId('product', row.productId),
    price: fenToJson(row.price),
    face: fenToJson(row.face),
    currency,
    status: row.status,
    card_id: row.cardId === null ? null : formatId('card', row.cardId),
    funding: { method: row.method, reference: row.fundingReference },
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.createdAt),
  }
}
