/**
 * Every refusal that Lika can answer: its stable code, the HTTP status and a title. A code that is
 * not in this table does not compile. Where several apply, the order of checks is: shape, right,
 * rate, queue, then state in the order that the command's doc comment lists.
 */

export interface RefusalKind {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 503
  readonly title: string
}

const kind = (status: RefusalKind['status'], title: string): RefusalKind => ({ status, title })

export const refusals = {
  // shape
  'request.malformed': kind(400, 'The body is not valid JSON'),
  'request.invalid': kind(400, 'The request does not have the documented shape'),
  'idempotency.key_missing': kind(400, 'The Idempotency-Key header is required here'),
  'cursor.invalid': kind(400, 'The cursor is not one that this list gave out'),
  'sources.invalid': kind(400, 'The payment sources contradict each other'),
  'route.not_found': kind(404, 'There is no such route'),
  'method.not_allowed': kind(405, 'The route does not take this method'),
  'request.too_large': kind(413, 'The body is larger than this route takes'),
  'media_type.unsupported': kind(415, 'The content type is not supported here'),
  // right
  'auth.missing': kind(401, 'An API key is required'),
  'auth.not_recognised': kind(401, 'The API key is unknown, expired or revoked'),
  'auth.scope_missing': kind(403, 'The API key lacks the scope for this'),
  'auth.not_operator': kind(403, 'Only the operator key may do this'),
  'auth.scope_not_held': kind(403, 'A key can only grant scopes that it holds itself'),
  // rate and queue
  throttled: kind(429, 'Too many attempts'),
  busy: kind(503, 'The service cannot take this right now'),
  // not found, alike for what does not exist and what belongs to others
  'issuer.not_found': kind(404, 'No such issuer'),
  'key.not_found': kind(404, 'No such API key'),
  'product.not_found': kind(404, 'No such product'),
  'merchant.not_found': kind(404, 'No such merchant'),
  'contract.not_found': kind(404, 'No such contract'),
  'document.not_found': kind(404, 'No such document'),
  'store.not_found': kind(404, 'No such store'),
  'terminal.not_found': kind(404, 'No such terminal'),
  'card.not_found': kind(404, 'No such card'),
  'card.not_recognised': kind(404, 'The card number and secret are not recognised'),
  'pay_code.not_recognised': kind(404, 'The pay code is not recognised'),
  'payment.not_found': kind(404, 'No such payment'),
  'refund.not_found': kind(404, 'No such refund'),
  'hold.not_found': kind(404, 'No such hold'),
  'redemption.not_found': kind(404, 'No such redemption'),
  'charter.not_found': kind(404, 'No such charter'),
  'load.not_found': kind(404, 'No such load'),
  'campaign.not_found': kind(404, 'No such campaign'),
  'rebate.not_found': kind(404, 'No such rebate'),
  'voucher.not_found': kind(404, 'No such voucher'),
  'presale.not_found': kind(404, 'No such pre-sale'),
  'settlement.not_found': kind(404, 'No such statement'),
  'payout.not_found': kind(404, 'No such payout'),
  'payout_batch.not_found': kind(404, 'No such payout batch'),
  'settlement_adjustment.not_found': kind(404, 'No such adjustment of a settlement'),
  'import.not_found': kind(404, 'No such import'),
  'job.not_found': kind(404, 'No such job'),
  'job.file_not_found': kind(404, 'The job has no file'),
  'account.not_found': kind(404, 'No such account'),
  'entry.not_found': kind(404, 'No such journal entry'),
  'custody.not_found': kind(404, 'No such custody account'),
  'movement.not_found': kind(404, 'No such custody movement'),
  'guarantee.not_found': kind(404, 'No such guarantee'),
  'bank_statement.not_found': kind(404, 'No such bank statement'),
  'case.not_found': kind(404, 'No such case'),
  'filing.not_found': kind(404, 'No such filing'),
  'correction.not_found': kind(404, 'No such correction'),
  'wechat_account.not_found': kind(404, 'No such WeChat Pay account'),
  'wechat_app.not_found': kind(404, 'No such WeChat app'),
  'member.not_found': kind(404, 'No such member'),
  'order.not_found': kind(404, 'No such order'),
  'combined_payment.not_found': kind(404, 'No such combined payment'),
  'combined_refund.not_found': kind(404, 'No such refund of a combined payment'),
  'webhook_endpoint.not_found': kind(404, 'No such webhook endpoint'),
  'event.not_found': kind(404, 'No such event'),
  // state
  'approval.same_person': kind(409, 'Another person must do this'),
  'merchant.not_approved': kind(409, 'The merchant is not approved'),
  'merchant.suspended': kind(409, 'The merchant is suspended'),
  'merchant.wrong_status': kind(409, 'The status of the merchant does not allow this'),
  'contract.already_decided': kind(409, 'The contract was already approved or rejected'),
  'card.not_active': kind(409, 'The card is not active'),
  'card.already_active': kind(409, 'The card is already active'),
  'card.frozen': kind(409, 'The card is frozen'),
  'card.not_frozen': kind(409, 'The card is not frozen'),
  'card.lost': kind(409, 'The card is reported lost'),
  'card.expired': kind(409, 'The card has expired'),
  'card.closed': kind(409, 'The card is closed'),
  'card.replaced': kind(409, 'The card was replaced'),
  'card.not_empty': kind(409, 'The card still holds money'),
  'card.has_holds': kind(409, 'Part of the balance is set aside by a hold'),
  'card.secret_not_available': kind(409, 'The sealed secret was already destroyed'),
  'card.has_no_expiry': kind(409, 'The card does not expire'),
  'funds.insufficient': kind(409, 'The available balance is too low'),
  'pay_code.already_used': kind(409, 'The pay code was already used'),
  'pay_code.expired': kind(409, 'The pay code has expired'),
  'payment.cancelled': kind(409, 'The payment was cancelled'),
  'payment.has_refunds': kind(409, 'The payment already has refunds'),
  'hold.expired': kind(409, 'The hold has expired'),
  'hold.released': kind(409, 'The hold was released'),
  'hold.captured': kind(409, 'The hold was captured whole'),
  'hold.exceeded': kind(409, 'The capture is larger than what the hold still sets aside'),
  'hold.tied': kind(409, 'The hold belongs to a combined payment'),
  'combined_payment.ended': kind(409, 'The combined payment has come to its end'),
  'combined_payment.not_succeeded': kind(409, 'The combined payment has not succeeded'),
  'payment.is_combined': kind(409, 'The payment is a part of a combined payment'),
  'refund.exceeds_payment': kind(409, 'The refund is larger than what is left of the payment'),
  'redemption.nothing_due': kind(409, 'By the formula nothing of the card is paid out'),
  'redemption.no_original_route': kind(409, 'The money cannot go back the way it came'),
  'reference.already_used': kind(409, 'The reference is already used'),
  'name.already_used': kind(409, 'The name is already used'),
  'command.too_late': kind(409, 'The command arrived after its not_after'),
  'product.not_published': kind(409, 'The product is not published'),
  'product.not_reloadable': kind(409, 'The product does not take loads'),
  'campaign.not_running': kind(409, 'The campaign is not running'),
  'campaign.already_published': kind(409, 'The campaign has nothing left to publish'),
  'campaign.budget_spent': kind(409, 'The budget of the campaign is spent'),
  'campaign.already_claimed': kind(409, 'The campaign has given for this already'),
  'voucher.not_usable': kind(409, 'The voucher cannot be used for this payment'),
  'presale.closed': kind(409, 'The pre-sale was delivered or refunded already'),
  'card.sealed': kind(409, 'The card is sealed while its buyer may change his mind'),
  'order.wrong_status': kind(409, 'The status of the order does not allow this'),
  'order.expired': kind(409, 'The time to pay the order is over'),
  'order.not_sealed': kind(409, 'The hours for changing one’s mind are over'),
  'order.superseded': kind(409, 'The buyer was asked to pay in another way meanwhile'),
  'order.review_pending': kind(409, 'A second person has to agree to the order first'),
  'order.not_under_review': kind(409, 'The order does not wait for a second person'),
  'order.payment_differs': kind(409, 'What was paid is not what was asked for'),
  'order.too_many_invitations': kind(409, 'The order was asked for in too many ways'),
  'order.refund_under_way': kind(409, 'The order is being refunded already'),
  'wechat.not_connected': kind(409, 'No WeChat Pay account can take this payment'),
  'wechat.refused': kind(409, 'WeChat does not do this'),
  'settlement.not_payable': kind(409, 'This part of the statement is not there to be paid'),
  'settlement.not_in_flight': kind(409, 'This payout does not carry the statement'),
  'payout.nothing_due': kind(409, 'There is nothing that could be paid out'),
  'payout.no_bank': kind(409, 'No bank is connected to this mode'),
  'payout.not_repostable': kind(409, 'Another payout cannot take the place of this one'),
  'payout.not_open': kind(409, 'The payout has an outcome already, or is not with the bank'),
  'payout.needs_attention': kind(
    409,
    'The bank has said something about the payout that does not fit',
  ),
  'payout_batch.already_decided': kind(409, 'The payout batch was released or cancelled already'),
  'settlement.out_of_order': kind(409, 'The merchant is settled up to another day'),
  'settlement.day_not_closed': kind(409, 'The day is not closed in every lane'),
  'settlement_adjustment.already_decided': kind(
    409,
    'The adjustment was already posted or rejected',
  ),
  'calendar.year_missing': kind(409, 'The calendar of business days lacks a year'),
  'calendar.year_published': kind(409, 'The published calendar has this year'),
  'import.not_reversible': kind(409, 'The import cannot be reversed'),
  'import.already_reversed': kind(409, 'The import was already reversed'),
  'job.not_ready': kind(409, 'The job has not finished'),
  'job.file_already_fetched': kind(409, 'The file was already fetched'),
  'reserve.not_ready': kind(409, 'The balances that the reserve is measured by are not closed yet'),
  'reserve.profile_missing': kind(409, 'The issuer has not said yet of which class it is'),
  'day.not_closed': kind(409, 'The business day is not closed yet'),
  'approval.not_pending': kind(409, 'There is nothing here that waits for a second person'),
  'guarantee.ended': kind(409, 'The guarantee has ended'),
  'bank_statement.already_imported': kind(409, 'There is a statement of that day already'),
  'case.not_open': kind(409, 'The case was dealt with already'),
  'case.not_proposed': kind(409, 'Nobody has proposed yet what to do about the case'),
  'correction.already_asked': kind(409, 'The entry is being corrected already'),
  'correction.not_pending': kind(409, 'The correction was decided already'),
  'wechat_account.already_exists': kind(409, 'The merchant number is here already'),
  'wechat_account.disabled': kind(409, 'The WeChat Pay account is disabled'),
  'bulk.rolled_back': kind(409, 'Another operation of the atomic bulk was refused'),
  'bulk.not_run': kind(409, 'An earlier operation of the bulk was refused'),
  // content
  'idempotency.key_reused': kind(422, 'The Idempotency-Key was used with other input'),
  'amount.out_of_range': kind(422, 'The amount is outside the allowed range'),
  'amount.split_mismatch': kind(422, 'The amounts do not sum up to the whole'),
  'merchant.not_in_scope': kind(422, 'The card is not accepted here'),
  'channel.not_in_scope': kind(422, 'The card is not accepted over this channel'),
  'time.not_in_scope': kind(422, 'The card is not accepted at this time'),
  'document.bad_file': kind(422, 'The file is of no kind that is taken here'),
  'merchant.application_incomplete': kind(422, 'The application lacks something'),
  'contract.terms_invalid': kind(422, 'The terms of the contract contradict each other'),
  'contract.class_not_met': kind(422, 'The merchant does not have what the class asks for'),
  'contract.rate_out_of_band': kind(422, 'The commission is outside the band of the class'),
  'contract.cycle_out_of_class': kind(422, 'The class is settled in another cycle'),
  'funding.reference_missing': kind(422, 'The funding needs a reference'),
  'redemption.account_missing': kind(422, 'The payout needs the name and number of an account'),
  'date.out_of_range': kind(422, 'The date is outside the allowed range'),
  'import.bad_file': kind(422, 'The file cannot be imported'),
  'job.bad_recipient': kind(422, 'The age recipient is not valid'),
  'webhook.url_not_allowed': kind(422, 'The webhook URL is not allowed'),
  'campaign.rule_invalid': kind(422, 'The rule of the campaign contradicts itself'),
  'campaign.budget_lowered': kind(422, 'The budget of a campaign that runs cannot be lowered'),
  'refund.exceeds_load': kind(409, 'The refund is larger than what is left of the load'),
  'settlement.too_long': kind(422, 'The statement has more lines than this format takes'),
  'bank_statement.bad_file': kind(422, 'The bank statement cannot be read'),
  'case.action_not_possible': kind(422, 'This cannot be done about such a case'),
  'correction.not_possible': kind(422, 'Such an entry is not corrected by reversal'),
  'wechat_account.keys_invalid': kind(422, 'The keys of the WeChat Pay account do not fit'),
  'product.terms_invalid': kind(422, 'The terms of the product contradict each other'),
  'order.too_many_cards': kind(422, 'The order has more cards than an order takes'),
  'order.payer_unknown': kind(422, 'It is not known who pays in this app'),
  'order.card_missing': kind(422, 'A top-up needs the card, and a purchase has none'),
  // policy
  'policy.unknown_pack': kind(422, 'The policy pack is not known'),
  'policy.reserve_short': kind(422, 'The reserve would fall below what the policy requires'),
  'policy.card_limit': kind(422, 'The balance would exceed what the policy allows on a card'),
  'policy.validity_too_short': kind(422, 'The policy wants a longer validity'),
  'policy.expiry_not_allowed': kind(422, 'The policy does not let such a card expire'),
  'policy.identity_required': kind(422, 'The policy wants the buyer to be identified'),
  'policy.cash_not_allowed': kind(422, 'The policy does not let this be paid in cash'),
  'policy.amount_limit': kind(422, 'The amount exceeds what the policy allows'),
  'policy.split_depth': kind(422, 'The policy does not let a card be split that often'),
  'policy.batch_too_large': kind(422, 'The batch has more cards than the policy allows'),
  'policy.hold_too_long': kind(422, 'The policy does not let a hold last that long'),
  'policy.refund_too_late': kind(422, 'The policy does not let so old a payment be refunded'),
  'policy.sale_stopped': kind(422, 'The sale of cards of this issuer is stopped'),
  'policy.charter_missing': kind(422, 'The policy wants a published charter before the first sale'),
  'policy.cooling_off_over': kind(422, 'The days for a return without a reason are over'),
  'policy.card_already_used': kind(422, 'The policy takes only unused cards back without a reason'),
  'policy.rebate_out_of_range': kind(422, 'The policy does not allow such a rebate'),
  'policy.withdrawal_not_allowed': kind(
    422,
    'The policy does not let a balance be paid out on demand',
  ),
  'policy.redemption_not_allowed': kind(422, 'The policy does not let such a card be redeemed'),
  'policy.redemption_too_early': kind(422, 'The policy does not let the card be redeemed yet'),
  'policy.account_name_differs': kind(
    422,
    'The policy wants the account to bear the name of the holder',
  ),
} as const satisfies Record<string, RefusalKind>

export type RefusalCode = keyof typeof refusals

/** The rule of a policy pack that stands in the way, with the article that it comes from. */
export interface PolicySource {
  readonly pack: string
  readonly rule: string
  readonly article: string
}

export interface Refusal {
  readonly code: RefusalCode
  /** One sentence for the caller: what was wrong and what is allowed. */
  readonly detail: string
  /** Machine-readable members of the problem body, amounts in fen (`existing_id`, `allowed` …). */
  readonly data?: Readonly<Record<string, unknown>>
  readonly errors?: readonly { path: string; message: string }[]
  readonly policy?: PolicySource
  /** Seconds after which a repeat makes sense (429, 503). */
  readonly retryAfterSeconds?: number
}

/** Builds a refusal; `extra` carries data, policy source, errors or the time to retry. */
export function refusal(
  code: RefusalCode,
  detail: string,
  extra: Omit<Refusal, 'code' | 'detail'> = {},
): Refusal {
  return { code, detail, ...extra }
}
