/** What WeChat came to, for callers of ours: done, refused with its number, or not just now. */
import { ok, type Result, refusal, refused } from '@lika/contract'
import type { Answer } from '../../modules/wechat/index.ts'

/** Refusals: `wechat.refused` with `wechat_code`; `busy` where WeChat did not answer, or was not asked for our own limits. */
export function resultFrom<T>(told: Answer<T>): Result<T> {
  if (told.status === 'done') return ok(told.value)
  if (told.status === 'refused' && /^\d+$/.test(told.code))
    return refused(
      refusal('wechat.refused', `WeChat does not do this: ${told.detail}.`, {
        data: { wechat_code: told.code },
      }),
    )
  return refused(
    refusal('busy', 'WeChat does not answer right now, and may have done it all the same.', {
      retryAfterSeconds: 2,
    }),
  )
}
