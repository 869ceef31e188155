/** The effective rules as a list that a lawyer can read: what binds, since when, by which text. */
import { formatYuan, type Instant } from '@lika/contract'
import { type EffectiveRule, effectiveRules, isRuleId, type Pack, ruleKinds } from './model.ts'

export interface ExplainedRule extends EffectiveRule {
  /** What the rule is about. */
  readonly title: { readonly zh: string; readonly en: string }
  readonly unit: string
  /** `sale`: as it was on the day of the sale. */
  readonly asOf: 'now' | 'sale'
  /** `记名卡余额上限:5000.00 元(单用途商业预付卡管理办法(试行) 18)` and the same in English. */
  readonly zh: string
  readonly en: string
}

/** What binds under these packs at `at`, in the order of the catalogue. */
export function explain(packs: readonly Pack[], at: Instant): readonly ExplainedRule[] {
  const policy = effectiveRules(packs, at)
  return Object.keys(ruleKinds)
    .filter(isRuleId)
    .flatMap((id) => policy.get(id) ?? [])
    .map(explainRule)
}

function explainRule(rule: EffectiveRule): ExplainedRule {
  const kind = ruleKinds[rule.id]
  const { document, article } = rule.source
  const source = `${document} ${article ?? rule.status}`
  const { zh, en } = valueTexts(rule)
  return {
    ...rule,
    title: { zh: kind.zh, en: kind.en },
    unit: kind.unit,
    asOf: 'asOf' in kind ? kind.asOf : 'now',
    zh: `${kind.zh}:${zh}(${source};${rule.effectiveFrom} 起${article === null ? ';条文待核实' : ''})`,
    en: `${kind.en}: ${en} (${source}; since ${rule.effectiveFrom}; pack ${rule.pack})`,
  }
}

const unitsZh = {
  months: '个月',
  days: '天',
  years: '年',
  hours: '小时',
  seconds: '秒',
  cards: '张',
  levels: '层',
  bp: '‱',
} as const

function valueTexts(rule: EffectiveRule): { zh: string; en: string } {
  const { unit } = ruleKinds[rule.id]
  if (typeof rule.value === 'boolean') {
    return rule.value ? { zh: '是', en: 'yes' } : { zh: '否', en: 'no' }
  }
  if (unit === 'fen') {
    const yuan = formatYuan(BigInt(rule.value))
    return { zh: `${yuan} 元`, en: `${yuan} yuan` }
  }
  if (unit === 'switch') return { zh: String(rule.value), en: String(rule.value) }
  return { zh: `${rule.value} ${unitsZh[unit]}`, en: `${rule.value} ${unit}` }
}
