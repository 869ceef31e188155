/** What a policy asks of campaigns before they are published: pure checks, each answering nothing or the refusal. */
import { type Fen, fenToJson, formatYuan, ok, type Result } from '@lika/contract'
import { fenLimit, type Policy, requiredCount } from './model.ts'
import { refuse } from './refuse.ts'

const passed: Result<void> = ok(undefined)
const code = 'policy.rebate_out_of_range'

/** Refusals: `policy.rebate_out_of_range` with the allowed days. */
export function checkVoucherValidity(policy: Policy, days: number): Result<void> {
  const rule = 'voucher_validity_max_days'
  const max = requiredCount(policy, rule)
  if (days <= max) return passed
  return refuse(policy, rule, code, `A voucher is valid for at most ${max} days, not ${days}.`, {
    allowed: { min: 1, max },
  })
}

/** Refusals: `policy.rebate_out_of_range` with the allowed rates, in hundredths of a percent. */
export function checkCashBackRate(policy: Policy, rateBp: number): Result<void> {
  const min = requiredCount(policy, 'cash_back_min_bp')
  const max = requiredCount(policy, 'cash_back_max_bp')
  if (rateBp >= min && rateBp <= max) return passed
  const rule = rateBp < min ? 'cash_back_min_bp' : 'cash_back_max_bp'
  const detail = `A cash-back is ${min / 100} to ${max / 100} percent, not ${rateBp / 100}.`
  return refuse(policy, rule, code, detail, { allowed: { min, max } })
}

/** Refusals: `policy.rebate_out_of_range` with the allowed amount, in fen. */
export function checkRandomRebate(policy: Policy, mostFen: Fen): Result<void> {
  const rule = 'random_rebate_max_fen'
  const max = fenLimit(policy, rule)
  if (max === undefined) throw new Error(`no policy pack in force sets ${rule}`)
  if (mostFen <= max) return passed
  const detail = `A random rebate gives at most ${formatYuan(max)} yuan at once.`
  return refuse(policy, rule, code, detail, { allowed: { min: 1, max: fenToJson(max) } })
}
