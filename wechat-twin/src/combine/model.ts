/** Rules of combined orders as functions of values: which parts may stand together, and when all of them may be closed. */
import { refuse } from '../kernel/refusal.ts'

export interface Part {
  mchid: string
  out_trade_no: string
}

/** `isProvider`: one who serves others may combine 1 to 50, a merchant 2 to 10. */
export function checkParts(parts: readonly Part[], isProvider: boolean): void {
  const [least, most] = isProvider ? [1, 50] : [2, 10]
  if (parts.length < least || parts.length > most)
    refuse(400, 'PARAM_ERROR', `子单数量应为 ${least} 至 ${most}`, {
      detail: { field: '/sub_orders', issue: '子单数量不符', location: 'body' },
    })
  const numbers = new Set(parts.map(({ out_trade_no }) => out_trade_no))
  if (numbers.size < parts.length) refuse(400, 'INVALID_REQUEST', '子单商户订单号重复')
}

/** All parts, each once, in any order. */
export function isSameParts(known: readonly Part[], named: readonly Part[]): boolean {
  const text = (parts: readonly Part[]) =>
    parts.map(({ mchid, out_trade_no }) => `${mchid}|${out_trade_no}`).sort()
  return JSON.stringify(text(known)) === JSON.stringify(text(named))
}
