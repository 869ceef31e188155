/** The shapes of campaigns and their rules on the wire, and how they become terms and back. */
import { fenToJson, formatId, formatInstant } from '@lika/contract'
import {
  type Campaign,
  type CampaignVersion,
  campaignKinds,
  type Rule,
  type Terms,
} from '../../modules/loyalty/index.ts'
import {
  Amount,
  AmountOrZero,
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  readId,
  type Static,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const Rate = Type.Integer({ minimum: 1, maximum: 10_000, description: 'hundredths of a percent' })
const Days = Type.Integer({ minimum: 1, maximum: 3_650 })

const Tier = closed({
  from: Amount,
  bonus: Type.Optional(Amount),
  rate_bp: Type.Optional(Rate),
})

/** One object for every kind: which members it has is said by `kind`, and checked there. */
const RuleShape = closed(
  {
    kind: oneOf(campaignKinds),
    tiers: Type.Optional(Type.Array(Tier, { minItems: 1, maxItems: 50 })),
    on: Type.Optional(oneOf(['load', 'payment'])),
    step: Type.Optional(Amount),
    rate_bp: Type.Optional(Rate),
    back: Type.Optional(Amount),
    most: Type.Optional(Amount),
    window_days: Type.Optional(Days),
    threshold: Type.Optional(Amount),
    face: Type.Optional(Amount),
    min_amount: Type.Optional(AmountOrZero),
    valid_days: Type.Optional(Days),
    min: Type.Optional(Amount),
    max: Type.Optional(Amount),
    min_load: Type.Optional(AmountOrZero),
    price: Type.Optional(Amount),
  },
  {
    description:
      'load_bonus: tiers of from with bonus or rate_bp; ladder: step, rate_bp, on; cash_back: rate_bp, window_days; voucher: threshold, face, min_amount, valid_days; monthly: step, back, most; random: min, max, min_load, with the budget of a week; presale: price, face. docs/rebates.md has the formulas.',
  },
)

const Ids = {
  products: Type.Array(idOf('product'), { maxItems: 100, uniqueItems: true }),
  merchants: Type.Array(idOf('merchant'), { maxItems: 200, uniqueItems: true }),
}

export const termsGiven = {
  name: text(100),
  rule: RuleShape,
  budget: Amount,
  starts_on: DateText,
  ends_on: DateText,
  products: Type.Optional(Ids.products),
  merchants: Type.Optional(Ids.merchants),
}
export const TermsGiven = closed(termsGiven)

export const TermsChanged = closed({
  name: Type.Optional(termsGiven.name),
  rule: Type.Optional(RuleShape),
  budget: Type.Optional(Amount),
  starts_on: Type.Optional(DateText),
  ends_on: Type.Optional(DateText),
  products: Type.Optional(Ids.products),
  merchants: Type.Optional(Ids.merchants),
})

const Person = closed({ key_id: idOf('key'), owner: Type.String() })

export const Version = closed({
  version: Type.Integer({ minimum: 1 }),
  name: text(100),
  rule: RuleShape,
  budget: Amount,
  starts_on: DateText,
  ends_on: DateText,
  ...Ids,
  proposed_by: Person,
  published_by: nullable(Person),
  created_at: Timestamp,
  published_at: nullable(Timestamp),
})

export const CampaignShape = closed({
  id: idOf('campaign'),
  status: oneOf(['draft', 'published', 'ended']),
  version: nullable(Type.Integer({ minimum: 1, description: 'in force' })),
  latest_version: Type.Integer({ minimum: 1 }),
  versions: Type.Array(Version, {
    description: 'the newest, and the one in force where that is another',
  }),
  ended_by: nullable(Person),
  ended_at: nullable(Timestamp),
  ...shown,
  created_at: Timestamp,
})

type Given = Static<typeof RuleShape>

/** The member that the kind needs and the rule lacks, or has and does not need. */
export function ruleFault({ kind, ...members }: Given): string | undefined {
  const { needs, may } = membersOf[kind]
  const has = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  const missing = needs.find((name) => !has.includes(name))
  const beyond = has.find((name) => !needs.includes(name) && !may.includes(name))
  return missing ?? beyond
}

const membersOf: Record<
  Given['kind'],
  { readonly needs: readonly string[]; readonly may: readonly string[] }
> = {
  load_bonus: { needs: ['tiers'], may: [] },
  ladder: { needs: ['step', 'rate_bp'], may: ['on'] },
  cash_back: { needs: ['rate_bp', 'window_days'], may: [] },
  voucher: { needs: ['threshold', 'face', 'valid_days'], may: ['min_amount'] },
  monthly: { needs: ['step', 'back'], may: ['most'] },
  random: { needs: ['min', 'max'], may: ['min_load'] },
  presale: { needs: ['price', 'face'], may: [] },
}

/** Of a rule in which `ruleFault` found no fault. */
function ruleFrom(given: Given): Rule {
  const fen = (value: number | undefined) => BigInt(value ?? 0)
  const { kind, rate_bp: rateBp = 0 } = given
  switch (kind) {
    case 'load_bonus':
      return { kind, tiers: (given.tiers ?? []).map(tierFrom) }
    case 'ladder':
      return { kind, on: given.on ?? 'load', step: fen(given.step), rateBp }
    case 'cash_back':
      return { kind, rateBp, windowDays: given.window_days ?? 0 }
    case 'voucher':
      return {
        kind,
        threshold: fen(given.threshold),
        face: fen(given.face),
        minAmount: fen(given.min_amount),
        validDays: given.valid_days ?? 0,
      }
    case 'monthly':
      return {
        kind,
        step: fen(given.step),
        back: fen(given.back),
        ...(given.most !== undefined && { most: fen(given.most) }),
      }
    case 'random':
      return { kind, min: fen(given.min), max: fen(given.max), minLoad: fen(given.min_load) }
    case 'presale':
      return { kind, price: fen(given.price), face: fen(given.face) }
  }
}

function tierFrom({ from, bonus, rate_bp: rateBp }: Static<typeof Tier>) {
  return {
    from: BigInt(from),
    ...(bonus !== undefined && { bonus: BigInt(bonus) }),
    ...(rateBp !== undefined && { rateBp }),
  }
}

function presentRule(rule: Rule): Given {
  const { kind } = rule
  switch (kind) {
    case 'load_bonus':
      return {
        kind,
        tiers: rule.tiers.map(({ from, bonus, rateBp }) => ({
          from: fenToJson(from),
          ...(bonus !== undefined && { bonus: fenToJson(bonus) }),
          ...(rateBp !== undefined && { rate_bp: rateBp }),
        })),
      }
    case 'ladder':
      return { kind, on: rule.on, step: fenToJson(rule.step), rate_bp: rule.rateBp }
    case 'cash_back':
      return { kind, rate_bp: rule.rateBp, window_days: rule.windowDays }
    case 'voucher':
      return {
        kind,
        threshold: fenToJson(rule.threshold),
        face: fenToJson(rule.face),
        min_amount: fenToJson(rule.minAmount),
        valid_days: rule.validDays,
      }
    case 'monthly':
      return {
        kind,
        step: fenToJson(rule.step),
        back: fenToJson(rule.back),
        ...(rule.most !== undefined && { most: fenToJson(rule.most) }),
      }
    case 'random':
      return {
        kind,
        min: fenToJson(rule.min),
        max: fenToJson(rule.max),
        min_load: fenToJson(rule.minLoad),
      }
    case 'presale':
      return { kind, price: fenToJson(rule.price), face: fenToJson(rule.face) }
  }
}

/** What is not said stays as it is. */
export function changedTerms(latest: Terms, given: Static<typeof TermsChanged>): Terms {
  const { name, rule, budget, starts_on: startsOn, ends_on: endsOn } = given
  return {
    name: name ?? latest.name,
    rule: rule === undefined ? latest.rule : ruleFrom(rule),
    budget: budget === undefined ? latest.budget : BigInt(budget),
    startsOn: startsOn ?? latest.startsOn,
    endsOn: endsOn ?? latest.endsOn,
    products: given.products?.map((id) => readId('product', id)) ?? latest.products,
    merchants: given.merchants?.map((id) => readId('merchant', id)) ?? latest.merchants,
  }
}

export function termsFrom(given: Static<typeof TermsGiven>): Terms {
  const { name, rule, budget, starts_on: startsOn, ends_on: endsOn } = given
  return {
    name,
    rule: ruleFrom(rule),
    budget: BigInt(budget),
    startsOn,
    endsOn,
    products: (given.products ?? []).map((id) => readId('product', id)),
    merchants: (given.merchants ?? []).map((id) => readId('merchant', id)),
  }
}

export function presentCampaign(campaign: Campaign) {
  return {
    id: formatId('campaign', campaign.id),
    status: campaign.status,
    version: campaign.version === 0 ? null : campaign.version,
    latest_version: campaign.latest,
    versions: campaign.versions.map(presentVersion),
    ended_by: campaign.ended === undefined ? null : presentPerson(campaign.ended),
    ended_at: campaign.ended === undefined ? null : formatInstant(campaign.ended.at),
    reference: campaign.reference,
    metadata: { ...campaign.metadata },
    created_at: formatInstant(campaign.createdAt),
  }
}

export function presentVersion({ version, terms, proposed, published, ...times }: CampaignVersion) {
  return {
    version,
    name: terms.name,
    rule: presentRule(terms.rule),
    budget: fenToJson(terms.budget),
    starts_on: terms.startsOn,
    ends_on: terms.endsOn,
    products: terms.products.map((id) => formatId('product', id)),
    merchants: terms.merchants.map((id) => formatId('merchant', id)),
    proposed_by: presentPerson(proposed),
    published_by: published === undefined ? null : presentPerson(published),
    created_at: formatInstant(times.createdAt),
    published_at: times.publishedAt === null ? null : formatInstant(times.publishedAt),
  }
}

function presentPerson({ keyId, owner }: Pick<CampaignVersion['proposed'], 'keyId' | 'owner'>) {
  return { key_id: formatId('key', keyId), owner }
}
