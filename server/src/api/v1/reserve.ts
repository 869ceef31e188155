/** Routes of the reserve: what an issuer says of itself, what must be set aside and is, and how that was day by day. */
import { fenToJson, formatInstant, ok, refusal, refused } from '@lika/contract'
import { homeLaneOf } from '../../flows/reserve/desk.ts'
import { sumOf } from '../../flows/reserve/outflow.ts'
import { presentPosition } from '../../flows/reserve/position.ts'
import { groundsNow } from '../../flows/reserve/requirement.ts'
import { secondPerson } from '../../modules/access/index.ts'
import {
  approveProfile,
  coverageOf,
  insertProfile,
  issuerClasses,
  type ProfileRow,
  type Requirement,
  requirementOf,
  selectAccounts,
  selectGuarantees,
  selectPositions,
  selectProfile,
  unconfirmedDeposits,
} from '../../modules/reserve/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import {
  AmountOrZero,
  Currency,
  closed,
  DateText,
  nullable,
  oneOf,
  pageOf,
  SignedAmount,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const ClassName = oneOf(
  issuerClasses,
  'scale 规模, group 集团, brand 品牌, other 其他 (单用途商业预付卡管理办法 art. 3)',
)

const ProfileBody = closed({
  issuer_class: ClassName,
  last_year_revenue: nullable(AmountOrZero),
  top_up_deposit: Type.Boolean(),
  business_began: nullable(DateText),
  version: Type.Integer({ minimum: 1 }),
  given_by: Type.String(),
  approved_by: nullable(Type.String()),
  approved_at: nullable(Timestamp),
  created_at: Timestamp,
})

const NewProfile = closed({
  issuer_class: ClassName,
  last_year_revenue: Type.Optional(AmountOrZero),
  top_up_deposit: Type.Optional(
    Type.Boolean({ description: 'whether the issuer keeps the deposit on top-ups' }),
  ),
  business_began: Type.Optional(DateText),
})

const Claim = closed({
  rule: Type.String(),
  pack: Type.String(),
  document: Type.String(),
  article: nullable(Type.String()),
  status: oneOf(['confirmed', 'unconfirmed']),
  base_day: DateText,
  base: SignedAmount,
  ratio_bp: Type.Integer({ minimum: 0 }),
  required: AmountOrZero,
})

const ReserveBody = closed({
  at: Timestamp,
  day: DateText,
  issuer_class: nullable(ClassName),
  required: AmountOrZero,
  binding_rule: nullable(Type.String()),
  claims: Type.Array(Claim, { description: 'every requirement in force; the highest holds' }),
  custody: SignedAmount,
  unconfirmed: AmountOrZero,
  guaranteed: AmountOrZero,
  surplus: SignedAmount,
  currency: Currency,
})

const Position = closed({
  day: DateText,
  rule: nullable(Type.String()),
  base_day: nullable(DateText),
  base: nullable(SignedAmount),
  ratio_bp: nullable(Type.Integer()),
  required: AmountOrZero,
  custody: SignedAmount,
  bank: nullable(SignedAmount),
  guaranteed: AmountOrZero,
  shortfall: AmountOrZero,
  decrease: SignedAmount,
  outflow: AmountOrZero,
  carried: AmountOrZero,
  currency: Currency,
})

export function register(app: LikaApp, { flows, database, bookNow }: Deps): void {
  const { sql } = database

  app.route(
    {
      method: 'POST',
      path: '/v1/reserve/profile',
      summary:
        'Says of which class the issuer is; a change of what was said counts once a second person agrees',
      access: 'reserve:write',
      body: NewProfile,
      responses: { 200: ProfileBody },
      refusals: [],
    },
    async ({ caller, body }) => {
      await insertProfile(sql, {
        bookId: caller.book,
        issuerClass: body.issuer_class,
        lastYearRevenue:
          body.last_year_revenue === undefined ? null : BigInt(body.last_year_revenue),
        topUpDeposit: body.top_up_deposit ?? false,
        businessBegan: body.business_began ?? null,
        keyId: caller.keyId,
        owner: caller.owner,
        at: bookNow(caller.mode),
      })
      const made = await selectProfile(sql, caller.book, 'newest')
      return made === undefined ? refused(profileMissing) : okay(presentProfile(made))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/reserve/profile/approve',
      summary: 'The second person agrees to the newest version of what the issuer says of itself',
      access: 'reserve:write',
      responses: { 200: ProfileBody },
      refusals: ['reserve.profile_missing', 'approval.not_pending', 'approval.same_person'],
    },
    async ({ caller }) => {
      const newest = await selectProfile(sql, caller.book, 'newest')
      if (newest === undefined) return refused(profileMissing)
      if (newest.approvedAt !== null) return refused(nothingPending)
      const allowed = secondPerson(newest, caller)
      if (!allowed.ok) return allowed
      const at = bookNow(caller.mode)
      const { keyId, owner } = caller
      if (!(await approveProfile(sql, newest, { keyId, owner, at }))) return refused(nothingPending)
      return okay(
        presentProfile({ ...newest, approverKeyId: keyId, approverOwner: owner, approvedAt: at }),
      )
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/profile',
      summary: 'What the issuer says of itself',
      access: 'reserve:read',
      responses: { 200: ProfileBody },
      refusals: ['reserve.profile_missing'],
    },
    async ({ caller }) => {
      const profile = await selectProfile(sql, caller.book)
      return profile === undefined ? refused(profileMissing) : okay(presentProfile(profile))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve',
      summary: 'What must be set aside now, by which rule on which base, and what is',
      access: 'reserve:read',
      responses: { 200: ReserveBody },
      refusals: ['reserve.not_ready'],
    },
    async ({ caller }) => {
      const found = await groundsNow(flows, caller.book)
      if (!found.ok) return found
      const { at, day, policy, profile, bases } = found.value
      const lane = homeLaneOf(flows, caller.mode)
      const asked = { books: [caller.book] }
      const [accounts, guarantees] = await Promise.all([
        selectAccounts(sql, lane, asked),
        selectGuarantees(sql, lane, asked),
      ])
      const custody = accounts.reduce((sum, { balance }) => sum + balance, 0n)
      const ids = accounts.map(({ id }) => id)
      const unconfirmed = sumOf(await unconfirmedDeposits(sql, lane, ids))
      const requirement = requirementOf(policy, profile, bases)
      const { guaranteed, surplus } = coverageOf(
        policy,
        requirement.required,
        custody - unconfirmed,
        guarantees,
        day,
      )
      return okay({
        at: formatInstant(at),
        day,
        issuer_class: profile?.issuerClass ?? null,
        required: fenToJson(requirement.required),
        binding_rule: requirement.binding?.rule.id ?? null,
        claims: requirement.claims.map(presentClaim),
        custody: fenToJson(custody),
        unconfirmed: fenToJson(unconfirmed),
        guaranteed: fenToJson(guaranteed),
        surplus: fenToJson(surplus),
        currency: 'CNY' as const,
      })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/reserve/positions',
      summary: 'The reserve at the end of each business day, the newest first',
      access: 'reserve:read',
      query: closed({
        from: Type.Optional(DateText),
        to: Type.Optional(DateText),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
      }),
      responses: { 200: pageOf(Position) },
      refusals: [],
    },
    async ({ caller, query }) => {
      const limit = query.limit ?? 50
      const rows = await selectPositions(sql, caller.book, { ...query, limit })
      return okay({ data: rows.map(presentPosition), next_cursor: null })
    },
  )
}

const profileMissing = refusal(
  'reserve.profile_missing',
  'Say first of which class the issuer is: POST /v1/reserve/profile.',
)

const nothingPending = refusal(
  'approval.not_pending',
  'The newest version of the profile counts already.',
)

/** Refusals: `reserve.profile_missing`: without a profile nobody watches over the reserve. */
export async function requireProfile(
  { database }: Pick<Deps, 'database'>,
  { book }: { book: Parameters<typeof selectProfile>[1] },
) {
  const profile = await selectProfile(database.sql, book)
  return profile === undefined ? refused(profileMissing) : ok(profile)
}

function presentProfile(row: ProfileRow) {
  return {
    issuer_class: row.issuerClass,
    last_year_revenue: row.lastYearRevenue === null ? null : fenToJson(row.lastYearRevenue),
    top_up_deposit: row.topUpDeposit,
    business_began: row.businessBegan,
    version: row.number,
    given_by: row.owner,
    approved_by: row.approverOwner,
    approved_at: row.approvedAt === null ? null : formatInstant(row.approvedAt),
    created_at: formatInstant(row.at),
  }
}

function presentClaim({ rule, baseDay, base, ratioBp, amount }: Requirement['claims'][number]) {
  return {
    rule: rule.id,
    pack: rule.pack,
    document: rule.source.document,
    article: rule.source.article,
    status: rule.status,
    base_day: baseDay,
    base: fenToJson(base),
    ratio_bp: ratioBp,
    required: fenToJson(amount),
  }
}
