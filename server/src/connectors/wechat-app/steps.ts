/** How the doctor says that a step is in order, or what is wrong with it and what to do. */
import type { CheckStep } from '../../modules/wechat/index.ts'

export const good = (step: string): CheckStep => ({ step, ok: true })

export const wrong = (step: string, problem: string, advice: string): CheckStep => ({
  step,
  ok: false,
  problem,
  advice,
})
