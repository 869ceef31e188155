/** How a member of a body is called and shown: amounts in yuan, instants in Shanghai's time. The
 * catalogue of Chinese words for members; the English word is the member's own name. */
import { formatYuan, parseInstant } from '@lika/contract'
import type { Json } from './json.ts'
import type { Say } from './say.ts'
import { printable } from './table.ts'

const words: Readonly<Record<string, string>> = {
  accepted: '已接受',
  adjustments: '调整',
  allocations: '分摊',
  amount: '金额',
  at: '时间',
  attempts: '次数',
  available: '可用',
  balance: '余额',
  balance_after: '之后余额',
  balance_before: '之前余额',
  batch_id: '批次',
  bonus: '赠送',
  bonus_amount: '赠送金额',
  captured_amount: '已请款',
  card_id: '卡',
  carrier: '载体',
  category: '类别',
  checked: '已核对',
  code: '代码',
  column: '列',
  counterparty: '对方',
  created_at: '创建时间',
  credit: '贷方',
  currency: '币种',
  debit: '借方',
  district: '区域',
  done: '已完成',
  error: '错误',
  events: '事件',
  expires_at: '失效时间',
  faces: '面值',
  held: '冻结中',
  id: '编号',
  import_id: '导入',
  kind: '种类',
  last4: '尾号',
  legal_name: '法定名称',
  line: '行',
  merchant_id: '商户',
  message: '说明',
  metadata: '附注',
  mode: '模式',
  name: '名称',
  now: '当前时间',
  number: '卡号',
  number_last4: '卡号尾号',
  owner: '负责人',
  packs: '政策包',
  parent_id: '母卡',
  payment_id: '付款',
  principal: '本金',
  product_id: '产品',
  product_version: '产品版本',
  reason: '原因',
  receipt_number: '小票号',
  reference: '参考号',
  refunded_amount: '已退款',
  rejected: '已拒绝',
  replaced_by: '换卡',
  result: '结果',
  rows: '行数',
  scopes: '权限',
  secret: '密钥',
  seq: '序号',
  status: '状态',
  store_id: '门店',
  sub_balance: '子余额',
  terminal_id: '终端',
  total: '总数',
  total_amount: '总金额',
  total_credit: '贷方合计',
  total_debit: '借方合计',
  type: '类型',
  url: '地址',
  version: '版本',
}

/** The heading of a member; of the last one in a dotted path, with its owner where that matters. */
export function heading(path: string, say: Say): string {
  const name = path.split('.').at(-1) ?? path
  const zh = words[name]
  return zh === undefined ? name : say(zh, name)
}

const yuanMembers = new Set(
  [
    ['amount', 'amounts', 'bonus_amount', 'captured_amount', 'refunded_amount', 'total_amount'],
    ['available', 'held', 'principal', 'bonus', 'balance', 'balance_before', 'balance_after'],
    ['debit', 'credit', 'total_debit', 'total_credit', 'faces', 'min', 'max'],
  ].flat(),
)

/** Whether the numbers under this name are fen. */
function isAmount(path: string): boolean {
  return path.split('.').some((name) => yuanMembers.has(name)) && !path.startsWith('metadata.')
}

/** A scalar, or a list of them, as people read it. */
export function formatMember(path: string, value: Json | undefined): string {
  if (value === null || value === undefined) return '—'
  if (typeof value === 'number') {
    return isAmount(path) && Number.isSafeInteger(value) ? formatYuan(BigInt(value)) : `${value}`
  }
  if (typeof value === 'string') return formatText(path, value)
  if (typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.map((item) => formatMember(path, item)).join(', ') || '—'
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
