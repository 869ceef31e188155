/** Rules as their table keeps them: JSON with amounts as numbers, which fen always fit. Written and read here alone. */
import { type Fen, fenToJson } from '@lika/contract'
import type { Rule, Tier } from './model.ts'

type Stored = { readonly [member: string]: unknown }

export function ruleText(rule: Rule): string {
  return JSON.stringify(rule, (_, value: unknown) =>
    typeof value === 'bigint' ? fenToJson(value) : value,
  )
}

/** @throws for what `ruleText` has not written. */
export function ruleFrom(stored: Stored): Rule {
  const { kind } = stored
  switch (kind) {
    case 'load_bonus':
      return { kind, tiers: listIn(stored, 'tiers').map(tierFrom) }
    case 'ladder':
      return {
        kind,
        on: stored['on'] === 'payment' ? 'payment' : 'load',
        step: fenIn(stored, 'step'),
        rateBp: numberIn(stored, 'rateBp'),
      }
    case 'cash_back':
      return {
        kind,
        rateBp: numberIn(stored, 'rateBp'),
        windowDays: numberIn(stored, 'windowDays'),
      }
    case 'voucher':
      return {
        kind,
        threshold: fenIn(stored, 'threshold'),
        face: fenIn(stored, 'face'),
        minAmount: fenIn(stored, 'minAmount'),
        validDays: numberIn(stored, 'validDays'),
      }
    case 'monthly':
      return {
        kind,
        step: fenIn(stored, 'step'),
        back: fenIn(stored, 'back'),
        ...('most' in stored && { most: fenIn(stored, 'most') }),
      }
    case 'random':
      return {
        kind,
        min: fenIn(stored, 'min'),
        max: fenIn(stored, 'max'),
        minLoad: fenIn(stored, 'minLoad'),
      }
    case 'presale':
      return { kind, price: fenIn(stored, 'price'), face: fenIn(stored, 'face') }
    default:
      throw new Error(`the rule of a campaign is of no known kind: ${String(kind)}`)
  }
}

function tierFrom(tier: Stored): Tier {
  return {
    from: fenIn(tier, 'from'),
    ...('bonus' in tier && { bonus: fenIn(tier, 'bonus') }),
    ...('rateBp' in tier && { rateBp: numberIn(tier, 'rateBp') }),
  }
}

function numberIn(stored: Stored, name: string): number {
  const value = stored[name]
  if (typeof value !== 'number') throw new Error(`the rule of a campaign has no ${name}`)
  return value
}

function fenIn(stored: Stored, name: string): Fen {
  return BigInt(numberIn(stored, name))
}

function listIn(stored: Stored, name: string): Stored[] {
  const value = stored[name]
  if (!Array.isArray(value)) throw new Error(`the rule of a campaign has no ${name}`)
  return value.filter((one): one is Stored => typeof one === 'object' && one !== null)
}
