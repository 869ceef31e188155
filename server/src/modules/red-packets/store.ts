/** Red packets in rounds, for those who ask, and as what is still under way at WeChat. */
import {
  type BookId,
  type CampaignId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
  type MemberId,
  type RedPacketId,
  type Uuid,
  type WechatAccountId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  jsonLines,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

/** `returned`: nobody took it, or WeChat could not give it: the money is the budget's again. */
export const redPacketStates = ['sending', 'received', 'returned'] as const

export interface RedPacketRow {
  readonly id: RedPacketId
  readonly bookId: BookId
  readonly campaignId: CampaignId
  readonly budgetLine: Uuid
  readonly memberId: MemberId
  readonly accountId: WechatAccountId
  readonly appid: string
  readonly amount: Fen
  readonly status: (typeof redPacketStates)[number]
  readonly reason: string | null
  readonly outBillNo: string
  readonly remark: string
  readonly reference: string
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
  readonly endedAt: Instant | null
  readonly nextAt: Instant
  readonly tries: number
}

export const redPackets: Shelf<RedPacketRow> = {
  name: 'red_packet',
  keyOf: (row) => row.id,
  load: loadRedPackets,
  insert: insertRedPackets,
  update: updateRedPackets,
}

function loadRedPackets(sql: Sql, lane: Lane, ids: readonly string[]): Promise<RedPacketRow[]> {
  return sql<RedPacketRow[]>`
    select ${columns(sql)}
    from red_packet
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function columns(sql: Sql) {
  return sql`
    id, book_id as "bookId", campaign_id as "campaignId", budget_line as "budgetLine", member_id as "memberId",
    account_id as "accountId", appid, amount, status, reason, out_bill_no as "outBillNo", remark, reference,
    metadata, created_at as "createdAt", ended_at as "endedAt", next_at as "nextAt", tries`
}

function insertRedPackets(sql: Sql, lane: Lane, rows: readonly RedPacketRow[]): Promise<unknown> {
  return sql`
    insert into red_packet
      (lane, id, book_id, campaign_id, budget_line, member_id, account_id, appid, amount, status, out_bill_no,
        remark, reference, metadata, created_at, next_at)
    select
      ${lane}, id, book_id, campaign_id, budget_line, member_id, account_id, appid, amount, status, out_bill_no,
      remark, reference, metadata, created_at, next_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.campaignId))}::uuid[],
      ${uuidArray(rows.map((row) => row.budgetLine))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${textArray(rows.map((row) => row.appid))}::text[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${textArray(rows.map((row) => row.outBillNo))}::text[],
      ${textArray(rows.map((row) => row.remark))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      string_to_array(${jsonLines(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}, E'\\n', '')::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.nextAt))}::timestamptz[]
    ) as fresh
      (id, book_id, campaign_id, budget_line, member_id, account_id, appid, amount, status, out_bill_no, remark,
        reference, metadata, created_at, next_at)`
}

function updateRedPackets(sql: Sql, lane: Lane, rows: readonly RedPacketRow[]): Promise<unknown> {
  return sql`
    update red_packet
    set status = changed.status, reason = changed.reason, ended_at = changed.ended_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[]
    ) as changed (id, status, reason, ended_at)
    where red_packet.lane = ${lane}
      and red_packet.id = changed.id`
}

/** undefined: there is none in that book. */
export async function findRedPacket(
  sql: Sql,
  book: BookId,
  id: RedPacketId,
): Promise<RedPacketRow | undefined> {
  const [row] = await loadRedPackets(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

/** Given to one process until `until`, the longest due first. */
export function takeDueRedPackets(
  sql: Sql,
  lanes: readonly Lane[],
  now: Instant,
  until: Instant,
  limit: number,
): Promise<RedPacketRow[]> {
  return sql<RedPacketRow[]>`
    with due as (
      select lane as due_lane, id as due_id
      from red_packet
      where lane = any(${intArray(lanes)}::int[])
        and status = 'sending'
        and next_at <= ${new Date(now)}::timestamptz
      order by next_at
      limit ${limit}
      for update skip locked
    )
    update red_packet
    set next_at = ${new Date(until)}::timestamptz, tries = tries + 1
    from due
    where lane = due_lane
      and id = due_id
    returning ${columns(sql)}`
}

export async function postponeRedPacket(sql: Sql, id: RedPacketId, at: Instant): Promise<void> {
  await sql`
    update red_packet
    set next_at = ${new Date(at)}::timestamptz
    where lane = ${laneOfId(id)}
      and id = ${id}
      and status = 'sending'`
}
