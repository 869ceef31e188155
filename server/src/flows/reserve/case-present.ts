/** Cases as they are answered, with a title for the people who look through the queue. */
import { fenToJson, formatId, formatInstant, formatYuan } from '@lika/contract'
import {
  actionsOf,
  type CaseAction,
  type CaseKind,
  type CaseRow,
} from '../../modules/reserve/index.ts'

export function presentCase(row: CaseRow) {
  const possible: readonly CaseAction[] = actionsOf[row.kind]
  return {
    id: formatId('case', row.id),
    kind: row.kind,
    state: row.state,
    day: row.day,
    custody_id: row.accountId === null ? null : formatId('custody', row.accountId),
    movement_id: row.movementId === null ? null : formatId('movement', row.movementId),
    lines: row.lines.map(([statement, line]) => ({
      statement_id: formatId('bank_statement', statement),
      line,
    })),
    amount: fenToJson(row.amount),
    currency: 'CNY' as const,
    subject: row.subject,
    title: titleOf(row),
    actions: [...possible],
    action: row.action,
    reason: row.reason,
    proposed_by: row.proposerOwner,
    proposed_at: row.proposedAt === null ? null : formatInstant(row.proposedAt),
    resolved_by: row.resolverOwner,
    resolved_at: row.resolvedAt === null ? null : formatInstant(row.resolvedAt),
    created_at: formatInstant(row.openedAt),
  }
}

const titles: Readonly<Record<CaseKind, string>> = {
  amount_differs: '金额不符',
  day_differs: '日期不符',
  split_lines: '银行分笔入账',
  doubled_line: '银行重复入账',
  unknown_inflow: '来源不明的入账',
  unknown_outflow: '去向不明的出账',
  missing_line: '银行未入账',
  suspense_open: '待查款项未清',
  statement_missing: '缺少银行对账单',
  balance_gap: '余额不符',
  outflow_unmatched: '存管资金流出而负债未减少',
  reserve_short: '存管资金不足',
  expiry_near: '即将到期',
  filing_due: '须备案或报送',
  wechat_unknown_row: '微信账单有账外记录',
  wechat_row_differs: '微信账单与账务不符',
  wechat_missing_row: '微信账单缺少账内交易',
  wechat_fund_gap: '微信资金账单与交易账单不符',
}

/** `金额不符 0.01 元`, for the people who look through the queue. */
function titleOf({ kind, amount }: CaseRow): string {
  return amount === 0n ? titles[kind] : `${titles[kind]} ${formatYuan(amount)} 元`
}
