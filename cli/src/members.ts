/** How a member of a body is called and shown: amounts in yuan, instants in Shanghai's time. The
 * catalogue of Chinese words for members; the English word is the member's own name. */
import { formatYuan, parseInstant } from '@lika/contract'
import type { Json } from './json.ts'
import type { Say } from './say.ts'
import { printable } from './table.ts'

const words: Readonly<Record<string, string>> = {
  acceptance: '受理范围',
  accepted: '已接受',
  accounts: '账户',
  activated_at: '激活时间',
  allocations: '分摊',
  amount: '金额',
  at: '时间',
  attempt: '第几次',
  available: '可用',
  balance: '余额',
  balance_after: '之后余额',
  balance_before: '之前余额',
  batch_id: '批次',
  body: '内容',
  bonus: '赠送金',
  bonus_amount: '赠送金',
  captured_amount: '已完成金额',
  card_id: '卡',
  cards: '卡',
  carrier: '载体',
  categories: '类别',
  category: '类别',
  checked: '已核对',
  checks: '检查',
  closings: '日结',
  code: '代码',
  column: '列',
  consume_order: '扣款次序',
  counterparty: '对方',
  created_at: '创建时间',
  credit: '贷方',
  credit_account: '贷方账户',
  credit_kind: '贷方科目',
  currency: '币种',
  data: '明细',
  debit: '借方',
  debit_account: '借方账户',
  debit_kind: '借方科目',
  detail: '说明',
  district: '区域',
  done: '已完成',
  dry_run: '试算',
  encoding: '编码',
  endpoint_id: '回调',
  entries: '日志账',
  error: '错误',
  event_id: '事件',
  event_type: '事件类型',
  events: '事件',
  expires_at: '失效时间',
  expires_in: '有效秒数',
  face_range: '面值范围',
  faces: '面值',
  failing_since: '失败起于',
  file: '文件',
  finished_at: '结束时间',
  first_wrong: '第一处错误',
  funding: '收款方式',
  held: '冻结中',
  hold_id: '预授权',
  holds: '预授权',
  id: '编号',
  import_id: '导入',
  is_control: '总账',
  issued: '已发',
  issuer_id: '发卡机构',
  job_id: '任务',
  kind: '种类',
  lane: '通道',
  lanes: '通道',
  last4: '尾号',
  legal_name: '法定名称',
  line: '行',
  max: '最高',
  merchant_id: '商户',
  merchants: '商户',
  message: '说明',
  metadata: '附注',
  method: '方式',
  min: '最低',
  mode: '模式',
  name: '名称',
  name_zh: '中文名称',
  next_attempt_at: '下次尝试',
  normal_side: '正常方向',
  now: '当前时间',
  number: '卡号',
  number_last4: '卡号尾号',
  number_prefix: '号段',
  owner: '负责人',
  owner_id: '所属',
  packs: '规则包',
  parent_id: '母卡',
  payment_id: '消费',
  principal: '本金',
  product_id: '产品',
  product_version: '产品版本',
  reason: '原因',
  receipt_number: '小票号',
  reference: '业务单号',
  refunded_amount: '已退款',
  registered: '记名',
  rejected: '已拒绝',
  released_amount: '已撤销金额',
  reloadable: '可充值',
  renewal_months: '自动延期月数',
  replaced_by: '补发新卡',
  replaces: '原卡',
  response_status: '响应状态',
  result: '结果',
  reversed: '已撤回',
  reversed_at: '撤回时间',
  revoked_at: '撤销时间',
  rows: '行数',
  scopes: '权限',
  secret: '密钥',
  seq: '序号',
  source_id: '来源',
  status: '状态',
  store_id: '门店',
  stores: '门店',
  sub_balance: '子余额',
  terminal_id: '终端',
  total: '总数',
  total_amount: '总金额',
  total_bonus: '赠送金合计',
  total_credit: '贷方合计',
  total_debit: '借方合计',
  transfers: '记账分录',
  type: '类型',
  url: '地址',
  validity_months: '有效月数',
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
    ['amount', 'amounts', 'bonus_amount', 'captured_amount', 'refunded_amount'],
    ['released_amount', 'total_amount', 'total_bonus'],
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
