/** The SQL of contracts. What was proposed and what was decided are rows of their own, and neither ever changes. */
import type { BookId, BusinessDate, ContractId, Fen, Instant, MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, intArray, uuidArray } from '../../platform/db-array.ts'
import type { Contract, ContractDecision, ContractText, Hand, Proposal } from './contract-model.ts'
import type { SettledMerchant } from './contract-reads.ts'
import type { Commission, ContractClass, Cycle } from './contract-terms.ts'

/** What a proposal is kept with beside its text. */
export interface Kept {
  readonly version: number
  readonly stores: number
  readonly idempotencyKey: string
  readonly fingerprint: Uint8Array
  readonly payoutAccount: Uint8Array | null
  readonly payoutLast4: string | null
  readonly by: Hand
}

/** False: its reference is taken. Rejects with a unique violation where the key or the version is. */
export async function insertContract(sql: Sql, proposal: Proposal, kept: Kept): Promise<boolean> {
  const { text, reference } = proposal
  const tiers = tiersOf(text.commission)
  const facts = {
    monthlyVolumeFen: proposal.monthlyVolume?.toString(),
    stores: kept.stores,
    ratingTenths: proposal.ratingTenths,
  }
  const made = await sql`
    insert into contract (
      id, merchant_id, version, book_id, valid_from, class, class_facts, commission, tier_from, tier_bp, cycle,
      cycle_days, pay_after_business_days, margin_bp, margin_release_days, split_merchants, split_bp,
      bonus_share_bp, voucher_share_bp, payout_account, payout_last4, reference, metadata, idempotency_key,
      fingerprint, key_id, owner, proposed_at
    )
    values (
      ${proposal.id}, ${proposal.merchantId}, ${kept.version}, ${proposal.book}, ${text.validFrom}::date,
      ${text.class}, ${JSON.stringify(facts)}::text::jsonb, ${commissionName(text.commission)},
      ${bigintArray(tiers.map(({ fromAmount }) => fromAmount))}::bigint[],
      ${intArray(tiers.map(({ rateBp }) => rateBp))}::int[], ${text.cycle.kind},
      ${text.cycle.kind === 't_plus' ? text.cycle.days : null}::int, ${text.payAfterBusinessDays},
      ${text.margin?.rateBp ?? null}::int, ${text.margin?.releaseAfterDays ?? null}::int,
      ${uuidArray(text.split.map(({ merchantId }) => merchantId))}::uuid[],
      ${intArray(text.split.map(({ shareBp }) => shareBp))}::int[], ${text.bonusShareBp},
      ${text.voucherShareBp}, ${kept.payoutAccount}::bytea, ${kept.payoutLast4}, ${reference},
      ${JSON.stringify(proposal.metadata)}::text::jsonb, ${kept.idempotencyKey}, ${kept.fingerprint}::bytea,
      ${kept.by.keyId}, ${kept.by.owner}, ${kept.by.at}
    )
    on conflict on constraint uq_contract_reference do nothing`
  return made.count > 0
}

function tiersOf(commission: Commission) {
  return commission.kind === 'flat'
    ? [{ fromAmount: 0n, rateBp: commission.rateBp }]
    : commission.tiers
}

function commissionName(commission: Commission): TextRow['commission'] {
  return commission.kind === 'flat' ? 'flat' : commission.by
}

export async function highestVersion(sql: Sql, merchantId: MerchantId): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    select coalesce(max(version), 0) as version
    from contract
    where merchant_id = ${merchantId}`
  return row?.version ?? 0
}

/** What was proposed under an idempotency key. */
export async function selectProposed(
  sql: Sql,
  book: BookId,
  idempotencyKey: string,
): Promise<{ id: ContractId; fingerprint: Uint8Array } | undefined> {
  const [row] = await sql<{ id: ContractId; fingerprint: Uint8Array }[]>`
    select id, fingerprint
    from contract
    where book_id = ${book}
      and idempotency_key = ${idempotencyKey}`
  return row
}

interface TextRow {
  readonly validFrom: BusinessDate
  readonly class: ContractClass
  readonly commission: 'flat' | 'whole' | 'marginal'
  readonly tierFrom: readonly Fen[]
  readonly tierBp: readonly number[]
  readonly cycle: Cycle['kind']
  readonly cycleDays: number | null
  readonly payAfterBusinessDays: number
  readonly marginBp: number | null
  readonly marginReleaseDays: number | null
  readonly splitMerchants: readonly MerchantId[]
  readonly splitBp: readonly number[]
  readonly bonusShareBp: number
  readonly voucherShareBp: number
}

type ContractRow = TextRow &
  Pick<
    Contract,
    'id' | 'book' | 'merchantId' | 'version' | 'payoutLast4' | 'reference' | 'metadata'
  > & {
    readonly classFacts: {
      readonly monthlyVolumeFen?: string
      readonly stores: number
      readonly ratingTenths?: number
    }
    readonly keyId: string
    readonly owner: string
    readonly proposedAt: Instant
    readonly decision: ContractDecision['decision'] | null
    readonly decisionReason: string | null
    readonly decisionKeyId: string | null
    readonly decisionOwner: string | null
    readonly decisionAt: Instant | null
  }

export interface ContractFilter {
  readonly id?: ContractId | undefined
  readonly merchantId?: MerchantId | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export async function selectContracts(
  sql: Sql,
  book: BookId,
  filter: ContractFilter,
): Promise<readonly Contract[]> {
  const rows = await sql<ContractRow[]>`
    select
      contract.id,
      contract.book_id as book,
      contract.merchant_id as "merchantId",
      contract.version,
      ${textColumns(sql)},
      contract.class_facts as "classFacts",
      contract.payout_last4 as "payoutLast4",
      contract.reference,
      contract.metadata,
      contract.key_id as "keyId",
      contract.owner,
      contract.proposed_at as "proposedAt",
      decided.decision,
      decided.reason as "decisionReason",
      decided.key_id as "decisionKeyId",
      decided.owner as "decisionOwner",
      decided.at as "decisionAt"
    from contract
    left join contract_decision as decided
      on decided.contract_id = contract.id
    where contract.book_id = ${book}
      and (${filter.id ?? null}::uuid is null or contract.id = ${filter.id ?? null}::uuid)
      and (
        ${filter.merchantId ?? null}::uuid is null
        or contract.merchant_id = ${filter.merchantId ?? null}::uuid
      )
      and (
        ${filter.reference ?? null}::text is null
        or contract.reference = ${filter.reference ?? null}::text
      )
      and (${filter.before ?? null}::uuid is null or contract.id < ${filter.before ?? null}::uuid)
    order by contract.id desc
    limit ${filter.limit}`
  return rows.map(contractFrom)
}

function textColumns(sql: Sql) {
  return sql`
      contract.valid_from as "validFrom",
      contract.class,
      contract.commission,
      contract.tier_from as "tierFrom",
      contract.tier_bp as "tierBp",
      contract.cycle,
      contract.cycle_days as "cycleDays",
      contract.pay_after_business_days as "payAfterBusinessDays",
      contract.margin_bp as "marginBp",
      contract.margin_release_days as "marginReleaseDays",
      contract.split_merchants as "splitMerchants",
      contract.split_bp as "splitBp",
      contract.bonus_share_bp as "bonusShareBp",
      contract.voucher_share_bp as "voucherShareBp"`
}

function contractFrom(row: ContractRow): Contract {
  const { monthlyVolumeFen: volume, stores, ratingTenths } = row.classFacts
  return {
    id: row.id,
    book: row.book,
    merchantId: row.merchantId,
    version: row.version,
    text: textFrom(row),
    facts: {
      monthlyVolume: volume === undefined ? undefined : BigInt(volume),
      stores,
      ratingTenths,
    },
    payoutLast4: row.payoutLast4,
    reference: row.reference,
    metadata: row.metadata,
    proposed: { keyId: row.keyId, owner: row.owner, at: row.proposedAt },
    decision: decisionFrom(row),
  }
}

function decisionFrom(row: ContractRow): ContractDecision | null {
  const { decision, decisionReason: reason, decisionKeyId: keyId } = row
  const { decisionOwner: owner, decisionAt: at } = row
  if (decision === null || keyId === null || owner === null || at === null) return null
  return { decision, reason, keyId, owner, at }
}

function textFrom(row: TextRow): ContractText {
  const { marginBp, marginReleaseDays } = row
  return {
    validFrom: row.validFrom,
    class: row.class,
    commission: commissionFrom(row),
    cycle:
      row.cycle === 't_plus' ? { kind: 't_plus', days: row.cycleDays ?? 1 } : { kind: row.cycle },
    payAfterBusinessDays: row.payAfterBusinessDays,
    margin:
      marginBp === null || marginReleaseDays === null
        ? undefined
        : { rateBp: marginBp, releaseAfterDays: marginReleaseDays },
    split: row.splitMerchants.map((merchantId, index) => ({
      merchantId,
      shareBp: row.splitBp[index] ?? 0,
    })),
    bonusShareBp: row.bonusShareBp,
    voucherShareBp: row.voucherShareBp,
  }
}

function commissionFrom({ commission, tierFrom, tierBp }: TextRow): Commission {
  if (commission === 'flat') return { kind: 'flat', rateBp: tierBp[0] ?? 0 }
  const tiers = tierFrom.map((fromAmount, index) => ({ fromAmount, rateBp: tierBp[index] ?? 0 }))
  return { kind: 'tiered', by: commission, tiers }
}

/** Nobody decides anything about the merchant's contracts until this transaction is over. */
export async function lockMerchant(sql: Sql, merchantId: MerchantId): Promise<void> {
  await sql`
    select
    from merchant
    where id = ${merchantId}
    for no key update`
}

export async function hasApproved(sql: Sql, merchantId: MerchantId): Promise<boolean> {
  const [row] = await sql<{ exists: boolean }[]>`
    select exists (
      select
      from contract
      join contract_decision as decided
        on decided.contract_id = contract.id
      where contract.merchant_id = ${merchantId}
        and decided.decision = 'approved'
    )`
  return row?.exists === true
}

export async function countStores(sql: Sql, merchantId: MerchantId): Promise<number> {
  const [row] = await sql<{ stores: number }[]>`
    select count(*)::int as stores
    from store
    where merchant_id = ${merchantId}`
  return row?.stores ?? 0
}

/** False: somebody has decided already. */
export async function insertDecision(
  sql: Sql,
  { id, book }: Pick<Contract, 'id' | 'book'>,
  { decision, reason, keyId, owner, at }: ContractDecision,
): Promise<boolean> {
  const made = await sql`
    insert into contract_decision (contract_id, book_id, decision, reason, key_id, owner, at)
    values (${id}, ${book}, ${decision}, ${reason}, ${keyId}, ${owner}, ${at})
    on conflict on constraint pk_contract_decision do nothing`
  return made.count > 0
}

export interface InForce {
  readonly merchantId: MerchantId
  /** undefined: none is. */
  readonly contract: { readonly version: number; readonly text: ContractText } | undefined
  /** When another one takes over; null: none is agreed. */
  readonly nextFrom: BusinessDate | null
}

/**
 * Of each of these merchants that the book has: the approved contract that began last, the higher version of two that
 * begin together.
 */
export async function selectInForce(
  sql: Sql,
  book: BookId,
  ids: readonly MerchantId[],
  day: BusinessDate,
): Promise<readonly InForce[]> {
  const rows = await sql<InForceRow[]>`
    select merchant.id as "ofMerchant", next.valid_from as "nextFrom", contract.*
    from merchant
    left join lateral (
      select contract.version, ${textColumns(sql)}
      from contract
      join contract_decision as decided
        on decided.contract_id = contract.id
      where contract.merchant_id = merchant.id
        and contract.valid_from <= ${day}::date
        and decided.decision = 'approved'
      order by contract.valid_from desc, contract.version desc
      limit 1
    ) as contract on true
    left join lateral (
      select min(later.valid_from) as valid_from
      from contract as later
      join contract_decision as decided
        on decided.contract_id = later.id
      where later.merchant_id = merchant.id
        and later.valid_from > ${day}::date
        and decided.decision = 'approved'
    ) as next on true
    where merchant.book_id = ${book}
      and merchant.id = any(${uuidArray(ids)}::uuid[])
    order by merchant.id`
  return rows.map((row) => ({
    merchantId: row.ofMerchant,
    contract: row.version === null ? undefined : { version: row.version, text: textFrom(row) },
    nextFrom: row.nextFrom,
  }))
}

type InForceRow = { readonly ofMerchant: MerchantId; readonly nextFrom: BusinessDate | null } & (
  | ({ readonly version: number } & TextRow)
  | { readonly version: null }
)

/** Merchants that may have taken payments, in the order of their ids. */
export async function selectSettledPage(
  sql: Sql,
  book: BookId,
  after: MerchantId | undefined,
  limit: number,
): Promise<readonly SettledMerchant[]> {
  return sql<SettledMerchant[]>`
    select id, ownership, settlement_lane as "settlementLane"
    from merchant
    where book_id = ${book}
      and status in ('approved', 'suspended')
      and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
    order by id
    limit ${limit}`
}

export async function selectPayoutAccount(
  sql: Sql,
  book: BookId,
  merchantId: MerchantId,
  version: number,
): Promise<Uint8Array | null | undefined> {
  const [row] = await sql<{ payoutAccount: Uint8Array | null }[]>`
    select payout_account as "payoutAccount"
    from contract
    where book_id = ${book}
      and merchant_id = ${merchantId}
      and version = ${version}`
  return row?.payoutAccount
}
