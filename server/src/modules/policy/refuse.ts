/** The refusal of a rule that stands in the way: with its pack, its article and what would be allowed. */
import { type Refusal, type RefusalCode, type Result, refusal, refused } from '@lika/contract'
import type { Policy, RuleId } from './model.ts'

/** @throws where the rule is not in force: it cannot refuse. */
export function refuse(
  policy: Policy,
  rule: RuleId,
  code: RefusalCode,
  detail: string,
  data?: Refusal['data'],
): Result<void> {
  const binding = policy.get(rule)
  if (binding === undefined) throw new Error(`${rule} refuses without being in force`)
  const { document, article } = binding.source
  const cited = article === null ? `${document}, unconfirmed` : `${document} art. ${article}`
  return refused(
    refusal(code, `${detail} (${cited})`, {
      ...(data === undefined ? {} : { data }),
      policy: { pack: binding.pack, rule, article: article ?? 'unconfirmed' },
    }),
  )
}
