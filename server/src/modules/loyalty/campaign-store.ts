/** The SQL of campaigns and their versions. */
import type {
  BookId,
  BusinessDate,
  CampaignId,
  Fen,
  Instant,
  Lane,
  MerchantId,
  ProductId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { Promised, Terms } from './model.ts'
import { ruleFrom, ruleText } from './rule-text.ts'

export interface Person {
  readonly keyId: string
  readonly owner: string
}

export interface CampaignVersion {
  readonly version: number
  readonly terms: Terms
  readonly proposed: Person
  readonly published: Person | undefined
  readonly createdAt: Instant
  readonly publishedAt: Instant | null
}

export interface Campaign {
  readonly id: CampaignId
  readonly book: BookId
  readonly homeLane: Lane
  /** The newest. */
  readonly latest: number
  /** In force; 0: none was published. */
  readonly version: number
  readonly status: 'draft' | 'published' | 'ended'
  /** Who ended it before its time. */
  readonly ended: (Person & { readonly at: Instant }) | undefined
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  /** The newest one, and the one in force where that is another. */
  readonly versions: readonly CampaignVersion[]
}

export interface CampaignFilter {
  readonly id?: CampaignId | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
  readonly everyVersion?: true
}

interface VersionRow {
  readonly version: number
  readonly name: string
  readonly rule: { readonly [member: string]: unknown }
  readonly budget: Fen
  readonly startsOn: BusinessDate
  readonly endsOn: BusinessDate
  readonly products: readonly ProductId[]
  readonly merchants: readonly MerchantId[]
  readonly proposedBy: string
  readonly proposedOwner: string
  readonly publishedBy: string | null
  readonly publishedOwner: string | null
  readonly versionAt: Instant
  readonly publishedAt: Instant | null
}

type CampaignRow = Omit<Campaign, 'versions' | 'ended'> &
  VersionRow & {
    readonly endedBy: string | null
    readonly endedOwner: string | null
    readonly endedAt: Instant | null
  }

/** undefined: made as a draft with its first version; else the campaign that has the reference already. */
export async function insertCampaign(
  sql: Sql,
  campaign: Omit<Campaign, 'versions' | 'latest' | 'version' | 'status' | 'ended'>,
  terms: Terms,
  by: Person,
): Promise<CampaignId | undefined> {
  const { id, book, homeLane, reference, metadata, createdAt } = campaign
  const made = await sql`
    with made as (
      insert into campaign
        (id, book_id, home_lane, latest, version, status, reference, metadata, created_at)
      values (
        ${id}::uuid, ${book}::uuid, ${homeLane}::int, 1, 0, 'draft', ${reference},
        ${JSON.stringify(metadata)}::text::jsonb, ${new Date(createdAt)}::timestamptz
      )
      on conflict on constraint uq_campaign_reference do nothing
      returning id, book_id, latest, created_at
    )
    insert into campaign_version (
      campaign_id, version, book_id, name, kind, rule, budget, starts_on, ends_on, products, merchants,
      proposed_by, proposed_owner, created_at
    )
    select
      made.id, made.latest, made.book_id, ${terms.name}, ${terms.rule.kind},
      ${ruleText(terms.rule)}::text::jsonb, ${terms.budget}::bigint, ${terms.startsOn}::date,
      ${terms.endsOn}::date, ${uuidArray(terms.products)}::uuid[], ${uuidArray(terms.merchants)}::uuid[],
      ${by.keyId}::uuid, ${by.owner}, made.created_at
    from made`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: CampaignId }[]>`
    select id
    from campaign
    where book_id = ${book}
      and reference = ${reference}`
  return existing?.id
}

/** Adds the version after `latest`. False: there is another one by now, or the campaign has ended. */
export async function insertVersion(
  sql: Sql,
  { id, latest }: Pick<Campaign, 'id' | 'latest'>,
  terms: Terms,
  by: Person,
  now: Instant,
): Promise<boolean> {
  const made = await sql`
    with moved as (
      update campaign
      set latest = latest + 1
      where id = ${id}
        and latest = ${latest}
        and status <> 'ended'
      returning id, latest, book_id
    )
    insert into campaign_version (
      campaign_id, version, book_id, name, kind, rule, budget, starts_on, ends_on, products, merchants,
      proposed_by, proposed_owner, created_at
    )
    select
      moved.id, moved.latest, moved.book_id, ${terms.name}, ${terms.rule.kind},
      ${ruleText(terms.rule)}::text::jsonb, ${terms.budget}::bigint, ${terms.startsOn}::date,
      ${terms.endsOn}::date, ${uuidArray(terms.products)}::uuid[], ${uuidArray(terms.merchants)}::uuid[],
      ${by.keyId}::uuid, ${by.owner}, ${new Date(now)}::timestamptz
    from moved`
  return made.count > 0
}

/** From now on it is in force. Again is no harm: who published it first stays. */
export async function markPublished(
  sql: Sql,
  id: CampaignId,
  version: number,
  by: Person,
  now: Instant,
): Promise<void> {
  await sql`
    with published as (
      update campaign_version
      set published_by = ${by.keyId}::uuid,
        published_owner = ${by.owner},
        published_at = ${new Date(now)}::timestamptz
      where campaign_id = ${id}
        and version = ${version}
        and published_at is null
      returning campaign_id
    )
    update campaign
    set version = ${version}::int,
      status = 'published'
    from published
    where campaign.id = published.campaign_id
      and version < ${version}::int
      and status <> 'ended'`
}

/** Whatever was published gives nothing any more. */
export async function markEnded(sql: Sql, id: CampaignId, by: Person, now: Instant): Promise<void> {
  await sql`
    update campaign
    set status = 'ended',
      ended_by = ${by.keyId}::uuid,
      ended_owner = ${by.owner},
      ended_at = ${new Date(now)}::timestamptz
    where id = ${id}
      and status = 'published'`
}

/** The newest first, each with its newest version and the one in force, or with all of them, the newest first. */
export async function selectCampaigns(
  sql: Sql,
  book: BookId,
  { id, reference, before, limit, everyVersion }: CampaignFilter,
): Promise<Campaign[]> {
  const rows = await sql<CampaignRow[]>`
    with chosen as (
      select *
      from campaign
      where book_id = ${book}
        and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)
        and (${reference ?? null}::text is null or reference = ${reference ?? null}::text)
        and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
      order by id desc
      limit ${limit}
    )
    select
      chosen.id, chosen.book_id as book, home_lane as "homeLane", latest, chosen.version as "inForce",
      status, ended_by as "endedBy", ended_owner as "endedOwner", ended_at as "endedAt", reference, metadata,
      chosen.created_at as "createdAt", one.version, name, rule, budget,
      starts_on as "startsOn", ends_on as "endsOn", products, merchants, proposed_by as "proposedBy",
      proposed_owner as "proposedOwner", published_by as "publishedBy",
      published_owner as "publishedOwner", one.created_at as "versionAt", published_at as "publishedAt"
    from chosen
    join campaign_version as one
      on one.campaign_id = chosen.id
      and (${everyVersion === true} or one.version in (chosen.latest, chosen.version))
    order by chosen.id desc, one.version desc`
  return campaignsFrom(rows)
}

function campaignsFrom(rows: readonly (CampaignRow & { readonly inForce?: number })[]): Campaign[] {
  const byId = Map.groupBy(rows, (row) => row.id)
  return [...byId.values()].flatMap((some) => {
    const [first] = some
    if (first === undefined) return []
    const {
      id,
      book,
      homeLane,
      latest,
      inForce = 0,
      status,
      reference,
      metadata,
      createdAt,
    } = first
    const own = { id, book, homeLane, latest, version: inForce, status, reference, metadata }
    const { endedBy, endedOwner, endedAt } = first
    const ended =
      endedBy === null || endedOwner === null || endedAt === null
        ? undefined
        : { keyId: endedBy, owner: endedOwner, at: endedAt }
    return [{ ...own, ended, createdAt, versions: some.map(versionFrom) }]
  })
}

function versionFrom(row: VersionRow): CampaignVersion {
  const { publishedBy, publishedOwner } = row
  return {
    version: row.version,
    terms: termsFrom(row),
    proposed: { keyId: row.proposedBy, owner: row.proposedOwner },
    published:
      publishedBy === null || publishedOwner === null
        ? undefined
        : { keyId: publishedBy, owner: publishedOwner },
    createdAt: row.versionAt,
    publishedAt: row.publishedAt,
  }
}

function termsFrom(row: VersionRow): Terms {
  const { name, budget, startsOn, endsOn, products, merchants } = row
  return { name, rule: ruleFrom(row.rule), budget, startsOn, endsOn, products, merchants }
}

type PromisedRow = VersionRow & Omit<Promised, 'terms'> & { readonly isInForce: boolean }

/** Every version of published campaigns of a book that is in force. */
export async function selectInForce(sql: Sql, book: BookId): Promise<Promised[]> {
  const rows = await sql<PromisedRow[]>`
    select
      campaign.id as "campaignId", one.version, campaign.book_id as book, home_lane as "homeLane", name, rule,
      budget, starts_on as "startsOn", ends_on as "endsOn", products, merchants
    from campaign
    join campaign_version as one
      on one.campaign_id = campaign.id
      and one.version = campaign.version
    where campaign.book_id = ${book}
      and status = 'published'
    order by campaign.id`
  return rows.map(promisedFrom)
}

/** Any version that was published, also of a campaign that has ended. */
export async function selectPromised(
  sql: Sql,
  id: CampaignId,
  version: number,
): Promise<Promised | undefined> {
  const rows = await sql<PromisedRow[]>`
    select
      campaign.id as "campaignId", one.version, campaign.book_id as book, home_lane as "homeLane", name, rule,
      budget, starts_on as "startsOn", ends_on as "endsOn", products, merchants
    from campaign
    join campaign_version as one
      on one.campaign_id = campaign.id
    where campaign.id = ${id}
      and one.version = ${version}`
  return rows.map(promisedFrom)[0]
}

/** Every version that was ever published of a campaign, in the order of publication. */
export async function selectVersions(
  sql: Sql,
  id: CampaignId,
): Promise<(Promised & { readonly publishedAt: Instant })[]> {
  const rows = await sql<(PromisedRow & { readonly publishedAt: Instant })[]>`
    select
      campaign.id as "campaignId", one.version, campaign.book_id as book, home_lane as "homeLane", name, rule,
      budget, starts_on as "startsOn", ends_on as "endsOn", products, merchants, published_at as "publishedAt"
    from campaign
    join campaign_version as one
      on one.campaign_id = campaign.id
    where campaign.id = ${id}
      and published_at is not null
    order by one.version`
  return rows.map((row) => ({ ...promisedFrom(row), publishedAt: row.publishedAt }))
}

function promisedFrom(row: PromisedRow): Promised {
  const { campaignId, version, book, homeLane } = row
  return { campaignId, version, book, homeLane, terms: termsFrom(row) }
}

/** Whether any campaign of the book was ever published. */
export async function hasPublished(sql: Sql, book: BookId): Promise<boolean> {
  const [row] = await sql`
    select 1
    from campaign
    where book_id = ${book}
      and status <> 'draft'
    limit 1`
  return row !== undefined
}

/** What tells whether anything of the campaigns has changed: cheap enough to ask every second. */
export function selectStates(
  sql: Sql,
): Promise<{ book: BookId; campaignId: CampaignId; version: number; status: string }[]> {
  return sql`
    select book_id as book, id as "campaignId", version, status
    from campaign
    where status <> 'draft'
    order by book_id, id`
}

/** Days and months of a campaign whose rebates are posted. */
export async function selectDays(sql: Sql, id: CampaignId): Promise<Set<BusinessDate>> {
  const rows = await sql<{ day: BusinessDate }[]>`
    select day
    from rebate_run
    where campaign_id = ${id}`
  return new Set(rows.map(({ day }) => day))
}

export async function insertRun(
  sql: Sql,
  run: { campaignId: CampaignId; book: BookId; day: BusinessDate; granted: number; at: Instant },
): Promise<void> {
  await sql`
    insert into rebate_run (campaign_id, day, book_id, granted, finished_at)
    values (
      ${run.campaignId}::uuid, ${run.day}::date, ${run.book}::uuid, ${run.granted}::int,
      ${new Date(run.at)}::timestamptz
    )
    on conflict do nothing`
}
