/** Campaigns of each kind that something is asked of, with what they gave: a part of the world of the tests of all routes. */
import { newId } from '../../server/src/platform/ids.ts'
import type { Asking } from './asking.ts'

const campaignOf = (rule: object) => ({
  name: 'Campaign',
  rule,
  budget: 1_000_000,
  starts_on: '2020-01-01',
  ends_on: '2099-12-31',
})

export const cashBack = campaignOf({ kind: 'cash_back', rate_bp: 100, window_days: 7 })

/** Campaigns of each kind that something is asked of, with what they gave. */
export async function makeCampaigns(
  { ask, askSecond }: Asking,
  { merchant }: { merchant: string },
  productTerms: object,
) {
  // Of a product of their own: what else is bought here gets nothing from them.
  const { id: product } = await ask('POST', '/v1/products', productTerms)
  await ask('POST', `/v1/products/${product}/publish`)
  const publish = async (rule: object, products = [product]): Promise<string> => {
    const terms = { ...campaignOf(rule), products }
    const { id } = await askSecond('POST', '/v1/campaigns', terms)
    await ask('POST', `/v1/campaigns/${id}/publish`)
    return id
  }
  const campaign = await publish({ kind: 'voucher', threshold: 100, face: 10, valid_days: 90 })
  // For any load, since nothing is given that nobody claims.
  const claimed = await publish({ kind: 'random', min: 1, max: 10 }, [])
  const presold = await publish({ kind: 'presale', price: 90, face: 100 })
  const draft = await askSecond('POST', '/v1/campaigns', cashBack)
  const funding = { method: 'cash' }
  const card = await ask('POST', '/v1/cards', { product_id: product, amount: 1_000, funding })
  const load = await ask('POST', `/v1/cards/${card.id}/loads`, { amount: 100, funding })
  const paid = await ask('POST', '/v1/payments', {
    amount: 100,
    currency: 'CNY',
    merchant_id: merchant,
    reference: newId(),
    sources: [{ card_id: card.id }],
  })
  const presale = await ask('POST', '/v1/presales', { campaign_id: presold, funding })
  return {
    campaign,
    claimed,
    presold,
    draftCampaign: draft.id,
    load: load.id,
    voucher: paid.rebates[0].voucher_id,
    voucherCard: card.id,
    presale: presale.id,
  }
}
