/**
 * The states of a transfer to a user (商家转账) as functions of values: what may follow what, and whether a transfer may be
 * made at all.
 */
import { refuse } from '../kernel/refusal.ts'

/** As WeChat spells them. */
export type TransferState =
  | 'ACCEPTED'
  | 'PROCESSING'
  | 'WAIT_USER_CONFIRM'
  | 'TRANSFERING'
  | 'SUCCESS'
  | 'FAIL'
  | 'CANCELING'
  | 'CANCELLED'

export type TransferEvent =
  | 'start'
  | 'ask_user'
  | 'confirm'
  | 'expire'
  | 'cancel'
  | 'finish'
  | 'fail'

const next: Record<TransferState, Partial<Record<TransferEvent, TransferState>>> = {
  ACCEPTED: { start: 'PROCESSING', cancel: 'CANCELING', fail: 'FAIL' },
  PROCESSING: { ask_user: 'WAIT_USER_CONFIRM', cancel: 'CANCELING', fail: 'FAIL' },
  WAIT_USER_CONFIRM: {
    confirm: 'TRANSFERING',
    expire: 'FAIL',
    cancel: 'CANCELING',
    fail: 'FAIL',
  },
  TRANSFERING: { finish: 'SUCCESS', fail: 'FAIL' },
  CANCELING: { finish: 'CANCELLED' },
  SUCCESS: {},
  FAIL: {},
  CANCELLED: {},
}

/** Undefined where the event does not fit the state. */
export function after(state: TransferState, event: TransferEvent): TransferState | undefined {
  return next[state][event]
}

export function isFinal(state: TransferState): boolean {
  return state === 'SUCCESS' || state === 'FAIL' || state === 'CANCELLED'
}

/** Scenes that a merchant may be opened for, and the reports that each demands where that is known. Recalled. */
const scenes: Readonly<Record<string, readonly string[]>> = {
  '1000': ['活动名称', '奖励说明'],
  '1002': [],
  '1004': [],
  '1005': ['岗位类型', '报酬说明'],
  '1009': ['采购商品名称'],
  '1010': [],
  '1011': [],
  '1013': [],
}

/** Throws where the scene is unknown, or its reports are not exactly those that it is known to demand. */
export function checkScene(id: string, reports: readonly string[]): void {
  const wanted = scenes[id] ?? refuse(403, 'NO_AUTH', '商户未开通该转账场景')
  const isKnown = wanted.length > 0
  const isSame =
    isKnown && JSON.stringify([...wanted].sort()) === JSON.stringify([...reports].sort())
  if (isKnown && !isSame)
    refuse(400, 'INVALID_REQUEST', `转账场景报备信息应为 ${wanted.join('、')}`)
}
