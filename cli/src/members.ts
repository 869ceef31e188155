/** How a member of a body is called and shown: amounts in yuan, instants in Shanghai's time. */
import { formatYuan, parseInstant } from '@lika/contract'
import { isObject, type Json } from './json.ts'
import { memberWords } from './member-words.ts'
import type { Say } from './say.ts'
import { printable } from './table.ts'

/** The heading of a member; of the last one in a dotted path, with its owner where that matters. */
export function heading(path: string, say: Say): string {
  const name = path.split('.').at(-1) ?? path
  const zh = memberWords[name]
  return zh === undefined ? name : say(zh, name)
}

const yuanMembers = new Set(
  [
    ['amount', 'amounts', 'bonus_amount', 'captured_amount', 'refunded_amount'],
    ['released_amount', 'total', 'total_amount', 'total_bonus'],
    ['available', 'held', 'principal', 'bonus', 'balance', 'balance_before', 'balance_after'],
    [
      'principal_returned',
      'bonus_forfeited',
      'fee',
      'paid',
      'bonus_given',
      'consumed',
      'due',
      'kept',
    ],
    ['consumed_value', 'principal_on_card', 'owed_beyond_card', 'bonus_charged'],
    ['taken', 'refunded', 'cancelled', 'net', 'commission', 'bonus_share', 'voucher_share'],
    ['adjusted', 'set_off', 'margin_withheld', 'margin_used', 'receivable_added'],
    ['margin_released', 'margin_left', 'left', 'own_sales', 'payable', 'confirmed_amount'],
    ['debit', 'credit', 'total_debit', 'total_credit', 'faces', 'min', 'max'],
    ['volume', 'monthly_volume', 'commission_amount', 'margin_amount', 'commission_change'],
    ['from_amount', 'min_amount'],
    [
      'required',
      'custody',
      'unconfirmed',
      'guaranteed',
      'surplus',
      'base',
      'shortfall',
      'decrease',
    ],
    ['outflow', 'carried', 'opening', 'closing', 'opening_balance', 'closing_balance'],
    ['debits', 'credits', 'opening_debit', 'opening_credit', 'closing_debit', 'closing_credit'],
    ['last_year_revenue', 'customer_money', 'bonus_closing', 'total_opening', 'total_closing'],
    ['total_debits', 'total_credits'],
    ['card_amount', 'wechat_amount', 'paid_amount', 'returned_amount', 'fees', 'funds'],
  ].flat(),
)

/** Fen where they stand alone; as members of something else (a job's result) they are counts. */
const yuanAlone = new Set(['issued', 'migrated', 'spent', 'redeemed', 'other', 'bank'])

/** Whether the numbers under this name are fen: not in a job, whose `total` is of what it has `done`. */
function isAmount(path: string, owner: Json | undefined): boolean {
  if (path === 'total' && isObject(owner) && 'done' in owner) return false
  if (path.startsWith('metadata.') || path.endsWith('_bp')) return false
  if (path.startsWith('stock.')) return false
  return yuanAlone.has(path) || path.split('.').some((name) => yuanMembers.has(name))
}

/** A scalar, or a list of them, as people read it; `owner`: in which the path lies. */
export function formatMember(path: string, value: Json | undefined, owner?: Json): string {
  if (value === null || value === undefined) return '—'
  if (typeof value === 'number') {
    const isYuan = isAmount(path, owner) && Number.isSafeInteger(value)
    return isYuan ? formatYuan(BigInt(value)) : `${value}`
  }
  if (typeof value === 'string') return formatText(path, value)
  if (typeof value === 'boolean') return String(value)
  if (Array.isArray(value))
    return value.map((item) => formatMember(path, item, owner)).join(', ') || '—'
  return printable(JSON.stringify(value))
}

function formatText(path: string, text: string): string {
  const at = path.startsWith('metadata.') ? undefined : parseInstant(text)
  return at === undefined ? printable(text) : shanghaiTime(at)
}

/** `2026-11-24 18:19:00+08:00`, whole seconds. */
function shanghaiTime(at: number): string {
  return `${new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')}+08:00`
}
