/**
 * What WeChat refuses of a refund at a till: its code is shown, it is asked for ever less often, and where nothing that
 * somebody could mend makes WeChat take it a person looks into it. It stays owed to the payer throughout.
 */
import { businessDateOf } from '@lika/contract'
import {
  type CombinedRefundRow,
  type CombinedRow,
  writeRefundRefusal,
} from '../../modules/combined/index.ts'
import { openCase } from '../reserve/case.ts'
import type { LegContext } from './leg.ts'

/** It says nothing of the refund: asked again as where WeChat does not answer. */
const passing = ['FREQUENCY_LIMITED', 'SERVICE_UNAVAILABLE', 'SYSTEM_ERROR']

/** The same request is taken once somebody has seen to the merchant number. */
const mended = [
  'ACCOUNT_DISABLED',
  'APPID_MCHID_NOT_MATCH',
  'MCH_NOT_EXISTS',
  'NO_AUTH',
  'NOT_ENOUGH',
  'SIGN_ERROR',
]

/** It waits a minute, and twice as long each time. */
const longestPauseMs = 4 * 3_600_000

/** So often in a row, which takes half an hour, WeChat refuses it before a person is troubled. */
const refusalsBeforeCase = 6

export interface Refusing {
  readonly code: string
  /** WeChat said just before that it has never heard of the number. */
  readonly isUnheardOf: boolean
}

/** Answers how long it waits before it is asked for again; undefined: as where WeChat does not answer. */
export async function noteRefusal(
  context: LegContext,
  { accountId }: CombinedRow,
  row: CombinedRefundRow,
  { code, isUnheardOf }: Refusing,
): Promise<number | undefined> {
  const isPassing = passing.includes(code)
  const refusals = await writeRefundRefusal(context.database.sql, row, { code, isPassing })
  // It came to something meanwhile.
  if (isPassing || refusals === 0) return undefined
  if (isUnheardOf && !mended.includes(code) && refusals >= refusalsBeforeCase)
    await openCase(context, row.bookId, `wechat ${accountId} refund ${row.outRefundNo}`, {
      kind: 'wechat_row_differs',
      day: businessDateOf(row.createdAt),
      amount: row.wechatAmount,
      subject: row.outRefundNo,
    })
  return Math.min(60_000 * 2 ** (refusals - 1), longestPauseMs)
}

/** What it waits for before WeChat is asked at all; a code of WeChat that is shown stays. */
export async function noteWaiting(
  { database }: LegContext,
  row: CombinedRefundRow,
  why: string,
): Promise<void> {
  await writeRefundRefusal(database.sql, row, { code: why, isPassing: true })
}
