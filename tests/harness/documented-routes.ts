/**
 * The routes of the interface as the tests of the command line know them, in one list to read; that it is what
 * /openapi.json says is itself a test (journey-cli).
 */

/** `¤`: needs an Idempotency-Key. Members of the body or, of a GET, the query; `!` marks those that are due, `?` a query
 * beside a body. */
export const routeLines = `
POST   /v1/issuers name! legal_name! packs! reference metadata
GET    /v1/issuers reference limit cursor
GET    /v1/issuers/:id
POST   /v1/issuers/:id/sale stopped! reason!
GET    /v1/issuers/:id/sale
GET    /v1/policies/explain issuer_id at
POST   /v1/charters title! text_digest document reference metadata
GET    /v1/charters reference limit cursor
GET    /v1/charters/:id
POST   /v1/keys issuer_id name! owner! scopes! mode! expires_at reference metadata
GET    /v1/keys issuer_id reference limit cursor
GET    /v1/keys/:id
DELETE /v1/keys/:id
POST   /v1/products name! kind! registered! carrier! faces face_range validity_months! reloadable! renewal_months cooling_off_hours model acceptance consume_order reference metadata
POST   /v1/products/:id/publish
PATCH  /v1/products/:id name kind registered carrier faces face_range validity_months reloadable renewal_months cooling_off_hours model acceptance consume_order metadata
GET    /v1/products reference limit cursor
GET    /v1/products/:id
POST ¤ /v1/products/:id/stock count! per_member unpaid_minutes!
GET    /v1/products/:id/stock
POST   /v1/merchants name! category! ownership onboarding reference metadata
GET    /v1/merchants reference status limit cursor
GET    /v1/merchants/coverage districts
POST   /v1/merchants/coverage districts!
POST   /v1/merchants/what_if volume! rate_bp! change_bp! margin_bp elasticity
GET    /v1/merchants/:id
PATCH  /v1/merchants/:id onboarding!
GET    /v1/merchants/:id/onboarding
POST   /v1/merchants/:id/documents kind! name! content!
GET    /v1/merchant_documents/:id/file
POST   /v1/merchants/:id/submit
POST   /v1/merchants/:id/approve
POST   /v1/merchants/:id/reject reason!
POST   /v1/merchants/:id/suspend reason!
POST   /v1/merchants/:id/resume
GET    /v1/merchants/:id/terms on
POST ¤ /v1/merchants/:id/contracts valid_from! class! monthly_volume rating_tenths commission! cycle! pay_after_business_days margin split bonus_share_bp voucher_share_bp payout_account reference metadata
GET    /v1/contracts reference merchant_id limit cursor
GET    /v1/contracts/:id
POST   /v1/contracts/:id/approve
POST   /v1/contracts/:id/reject reason!
POST   /v1/merchants/:id/stores name! district! reference metadata
GET    /v1/merchants/:id/stores reference limit cursor
GET    /v1/stores/:id
POST   /v1/stores/:id/terminals name! reference metadata
GET    /v1/stores/:id/terminals reference limit cursor
GET    /v1/terminals/:id
POST ¤ /v1/cards product_id! amount! bonus_amount buyer agent funding! activate reference metadata
POST ¤ /v1/cards/batches product_id! amount! count! buyer agent funding! activate age_recipient reference metadata
GET    /v1/cards number last4 status product_id batch_id limit cursor
GET    /v1/cards/:id at
POST   /v1/cards/lookup number! secret!
POST ¤ /v1/cards/:id/reveal
POST ¤ /v1/cards/:id/reset_secret
POST ¤ /v1/cards/:id/activate funding! buyer agent
POST ¤ /v1/cards/:id/freeze reason!
POST ¤ /v1/cards/:id/unfreeze reason!
POST ¤ /v1/cards/:id/report_lost
POST ¤ /v1/cards/:id/replace reference metadata
POST ¤ /v1/cards/:id/close reason!
POST ¤ /v1/cards/:id/extend until!
POST ¤ /v1/cards/:id/loads amount! bonus_amount funding! buyer agent reference metadata
POST ¤ /v1/cards/:id/adjustments amount! sub_balance! reason! reference metadata
POST ¤ /v1/cards/:id/split amounts!
POST ¤ /v1/cards/:id/redemptions reason! payout! holder list_price term rescinded_on dry_run reference metadata
GET    /v1/redemptions/:id
POST ¤ /v1/loads/:id/refunds amount! reference! reason metadata
GET    /v1/loads/:id/refunds
POST   /v1/campaigns name! rule! budget! starts_on! ends_on! products merchants reference metadata
PATCH  /v1/campaigns/:id name rule budget starts_on ends_on products merchants
POST   /v1/campaigns/run
POST   /v1/campaigns/:id/publish
POST   /v1/campaigns/:id/end
GET    /v1/campaigns reference limit cursor
GET    /v1/campaigns/:id
GET    /v1/campaigns/:id/budget
GET    /v1/campaigns/:id/versions
POST ¤ /v1/campaigns/:id/claims load_id!
POST ¤ /v1/campaigns/:id/red_packets member_id! app_id amount! remark! reference! metadata
GET    /v1/red_packets/:id
GET    /v1/rebates campaign_id card_id limit cursor
GET    /v1/cards/:id/rebate_debt
GET    /v1/cards/:id/vouchers
GET    /v1/vouchers/:id
POST ¤ /v1/orders kind! product_id card_id amount! bonus_amount quantity channel! member_id buyer pay_within_minutes reference metadata
GET    /v1/orders reference status member_id limit cursor
GET    /v1/orders/:id
POST ¤ /v1/orders/:id/pay scene! app_id client_ip
POST ¤ /v1/orders/:id/review decision!
POST ¤ /v1/orders/:id/close
POST ¤ /v1/orders/:id/unseal
POST ¤ /v1/orders/:id/refunds reason! basis amount holder
POST ¤ /v1/orders/:id/apply_abnormal_refund out_refund_no! bank_type! bank_account! real_name!
POST ¤ /v1/presales campaign_id! funding! buyer agent reference metadata
POST ¤ /v1/presales/:id/deliver
POST ¤ /v1/presales/:id/refunds
GET    /v1/presales/:id
GET    /v1/presales campaign_id status limit cursor
GET    /v1/cards/:id/statement from to format limit cursor
POST   /v1/cards/:id/pay_codes
POST ¤ /v1/payments amount! currency! merchant_id! store_id terminal_id channel reference! sources! vouchers dry_run not_after metadata
GET    /v1/payments reference merchant_id limit cursor
GET    /v1/payments/:id
POST ¤ /v1/payments/:id/cancel
POST ¤ /v1/payments/cancel merchant_id! reference!
POST ¤ /v1/payments/:id/refunds amount! reference! reason metadata
GET    /v1/refunds/:id
POST ¤ /v1/combined_payments amount! currency merchant_id! store_id terminal_id channel reference! sources! not_after rest! expires_in metadata
GET    /v1/combined_payments/:id
POST   /v1/combined_payments/:id/cancel
POST ¤ /v1/combined_payments/:id/refunds amount reference! reason metadata
GET    /v1/combined_refunds/:id
POST ¤ /v1/combined_refunds/:id/retry
POST ¤ /v1/combined_refunds/:id/apply_abnormal_refund bank_type! bank_account! real_name!
POST ¤ /v1/holds amount! currency! merchant_id! store_id terminal_id channel reference! sources! dry_run not_after expires_in! metadata
GET    /v1/holds/:id
POST ¤ /v1/holds/:id/capture amount! final metadata
POST ¤ /v1/holds/:id/release
POST ¤ /v1/imports multipart
GET    /v1/imports/:id
GET    /v1/imports/:id/errors limit cursor
POST ¤ /v1/imports/:id/reverse
GET    /v1/jobs/:id
GET    /v1/jobs/:id/file
GET    /v1/exports/cards.csv
POST   /v1/webhook_endpoints url! events! reference metadata
GET    /v1/webhook_endpoints/:id
GET    /v1/webhook_endpoints reference limit cursor
DELETE /v1/webhook_endpoints/:id
POST   /v1/webhook_endpoints/:id/replay after!
GET    /v1/webhook_deliveries endpoint_id event_id status limit cursor
GET    /v1/events cursor type limit
GET    /v1/ledger/accounts at limit cursor
GET    /v1/ledger/accounts/:id at
GET    /v1/ledger/entries from to limit cursor
GET    /v1/ledger/trial_balance at
POST   /v1/ledger/verify ?since
GET    /v1/ledger/days/trial_balance day format
GET    /v1/ledger/accounts/:id/days from to format
POST ¤ /v1/ledger/entries/:id/corrections reason!
GET    /v1/ledger/corrections limit cursor
GET    /v1/ledger/corrections/:id
POST ¤ /v1/ledger/corrections/:id/approve
POST ¤ /v1/ledger/corrections/:id/reject
GET    /v1/settlements merchant_id status to_day limit cursor
GET    /v1/settlements/:id
GET    /v1/settlements/:id/lines limit cursor
GET    /v1/settlements/:id/file format
POST   /v1/settlements/run through
POST ¤ /v1/settlements/adjustments merchant_id! amount! reason! reference metadata
POST ¤ /v1/settlements/adjustments/:id/approve
POST ¤ /v1/settlements/adjustments/:id/reject
GET    /v1/settlements/adjustments merchant_id status limit cursor
GET    /v1/settlements/adjustments/:id
GET    /v1/merchants/:id/margins
GET    /v1/merchants/:id/position
GET    /v1/calendar
POST   /v1/calendar year! off! work! reason!
POST   /v1/payout_batches pay_on reference metadata
GET    /v1/payout_batches status reference limit cursor
GET    /v1/payout_batches/:id
POST   /v1/payout_batches/:id/release
POST   /v1/payout_batches/:id/cancel
GET    /v1/payouts status batch_id settlement_id merchant_id attention limit cursor
GET    /v1/payouts/:id
POST   /v1/payouts/:id/repost despite_attention reference metadata
POST   /v1/payouts/:id/outcome outcome! bank_serial reason!
POST   /v1/reserve/profile issuer_class! last_year_revenue top_up_deposit business_began
POST   /v1/reserve/profile/approve
GET    /v1/reserve/profile
GET    /v1/reserve
GET    /v1/reserve/positions from to limit
GET    /v1/reserve/quarters quarter format
GET    /v1/reserve/balance_ledger from to format
GET    /v1/reserve/turnover from to
GET    /v1/reserve/issuance_ledger.csv from to
GET    /v1/reserve/buyers.csv from to
POST ¤ /v1/custody_accounts bank_name! bank_code! account_name! account_number! reference metadata
GET    /v1/custody_accounts
GET    /v1/custody_accounts/:id
POST ¤ /v1/custody_accounts/:id/movements kind! amount! reference metadata
GET    /v1/custody_accounts/:id/movements limit cursor settled
POST   /v1/custody_accounts/:id/statements day! opening_balance! closing_balance! content!
GET    /v1/bank_statements limit cursor custody_id
GET    /v1/bank_statements/:id
GET    /v1/bank_statements/:id/lines limit cursor
POST ¤ /v1/guarantees kind! guarantor! document_number! amount! valid_from! valid_to! reference metadata
GET    /v1/guarantees
GET    /v1/guarantees/:id
POST ¤ /v1/guarantees/:id/approve
POST ¤ /v1/guarantees/:id/end
GET    /v1/reserve_cases limit cursor state kind
GET    /v1/reserve_cases/:id
POST ¤ /v1/reserve_cases/:id/propose action! reason!
POST ¤ /v1/reserve_cases/:id/approve
POST   /v1/filings form! number! authority! filed_on! valid_to fields reference metadata
GET    /v1/filings limit cursor reference
GET    /v1/filings/:id
GET    /v1/filings/:id/form format
POST   /v1/bulk on_error! operations!
POST   /v1/test/clock advance_seconds set_at
DELETE /v1/test/clock
DELETE /v1/test/data
GET    /v1/members limit cursor
GET    /v1/members/:id
GET    /v1/members/:id/merges limit cursor
POST ¤ /v1/members/:id/merge with!
POST ¤ /v1/members/:id/unmerge
POST   /v1/wechat/pay_accounts mchid! appids! api_v3_key! private_key_pem! certificate_serial! key_mode! algorithm api_v2_key public_key_id public_key_pem v2_client_certificate_pem reference metadata
GET    /v1/wechat/pay_accounts reference mchid status limit cursor
GET    /v1/wechat/pay_accounts/:id
PATCH  /v1/wechat/pay_accounts/:id appids api_v3_key private_key_pem certificate_serial key_mode algorithm api_v2_key public_key_id public_key_pem v2_client_certificate_pem
POST   /v1/wechat/pay_accounts/:id/disable
POST   /v1/wechat/apps appid! kind! secret! token encoding_aes_key reference metadata
GET    /v1/wechat/apps reference appid kind limit cursor
GET    /v1/wechat/apps/:id
PATCH  /v1/wechat/apps/:id secret token encoding_aes_key metadata
POST   /v1/wechat/apps/:id/member_cards title! brand_name! logo_url! color! notice! service_phone! description! prerogative! quantity! shows_balance! shows_bonus!
POST   /v1/wechat/apps/:id/memberships/activate wechat_card_id! code! membership_number! balance bonus
POST   /v1/wechat/apps/:id/memberships/update wechat_card_id! code! balance balance_note bonus bonus_note
POST   /v1/wechat/apps/:id/page_signatures url!
POST   /v1/wechat/apps/:id/card_parameters cards!
POST   /v1/wechat/apps/:id/card_parameters/accept cardId! cardExt!
POST   /v1/wechat/apps/:id/messages member_id! template_id! page data!
POST ¤ /v1/wechat/card_codes/consume app_id! code! card_id reference metadata
GET    /v1/wechat/card_codes/:id
GET    /v1/wechat/bills day limit cursor
POST   /v1/wechat/sharing_rules product_id merchant_id receivers!
GET    /v1/wechat/sharing_rules limit cursor
GET    /v1/wechat/shares attention limit cursor
POST   /v1/wechat/shares/retry sale_id!
POST   /v1/wechat/doctor pay_account_id app_id
GET    /healthz
GET    /readyz`
  .trim()
  .split('\n')

export interface DocumentedRoute {
  /** `POST /v1/cards/:id/freeze` */
  readonly name: string
  readonly method: string
  readonly pattern: RegExp
  readonly isKeyed: boolean
  readonly isMultipart: boolean
  /** Members without which it is refused. */
  readonly due: readonly string[]
  /** Members of its body; of a route without one, of its query. */
  readonly members: readonly string[]
  /** What may stand in the query of a route with a body. */
  readonly beside: readonly string[]
}

/** Paths without `:id` come first, so that `/v1/cards/lookup` is no card. */
export const documentedRoutes: readonly DocumentedRoute[] = routeLines
  .map(routeOf)
  .sort((left, right) => Number(left.name.includes(':id')) - Number(right.name.includes(':id')))

function routeOf(line: string): DocumentedRoute {
  const [method = '', ...rest] = line.replace('¤', '').split(/\s+/)
  const [path = '', ...words] = rest
  const members = words.filter((word) => !word.startsWith('?'))
  return {
    name: `${method} ${path}`,
    method,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(':id', '[\\w-]+')}$`),
    isKeyed: line.includes('¤'),
    isMultipart: members[0] === 'multipart',
    due: members.filter((member) => member.endsWith('!')).map((member) => member.slice(0, -1)),
    members: members.map((member) => member.replace('!', '')),
    beside: words.filter((word) => word.startsWith('?')).map((word) => word.slice(1)),
  }
}
