/** Routes of members as staff see them: masked, with what joined and parted them. */
import { asId, formatId, formatInstant, type Instant, type MemberId, refused } from '@lika/contract'
import { mergeByHand, mergeOf, unmergeCommand } from '../../flows/members/join.ts'
import type { MergeRow, ShownMember } from '../../modules/members/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const MemberBody = closed({
  id: idOf('member'),
  is_guest: Type.Boolean(),
  appid: nullable(Type.String()),
  openid_masked: nullable(Type.String({ description: 'never in clear: oLk3…9fQe' })),
  has_unionid: Type.Boolean(),
  phone_last4: nullable(Type.String({ minLength: 4, maxLength: 4 })),
  created_at: Timestamp,
})

const OneMember = closed({
  ...MemberBody.properties,
  canonical_id: idOf('member'),
  same_person: Type.Array(idOf('member'), {
    description: 'everybody who is one person with this member, the canonical one first',
  }),
})

const Merge = closed({
  id: Type.String({ description: 'of its journal entry' }),
  kind: oneOf(['merged', 'unmerged']),
  member_id: idOf('member'),
  into_id: idOf('member'),
  told_by: nullable(idOf('member')),
  created_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  registerReads(app, deps)
  registerMerging(app, deps)
}

function registerReads(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/members',
      summary: 'Lists members, the newest first',
      access: 'members:read',
      query: closed(paging),
      responses: { 200: pageOf(MemberBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('members', [uuidPart], query)
      if (!asked.ok) return asked
      const { afterId: before, limit } = asked.value
      const rows = await flows.members.list(caller.book, { before, limit: limit + 1 })
      return okay(presentPage('members', asked.value, rows, ({ id }) => [id], presentMember))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/members/{id}',
      summary: 'Shows a member, and who is the same person',
      access: 'members:read',
      id: 'member',
      responses: { 200: OneMember },
      refusals: ['member.not_found'],
    },
    async ({ caller, id }) => {
      const member = await flows.members.find(caller.book, id)
      if (member === undefined) return refused(notFound('member'))
      const group = await flows.members.groupOf(id)
      return okay({
        ...presentMember(member),
        canonical_id: formatId('member', group.at(0) ?? id),
        same_person: group.map((one) => formatId('member', one)),
      })
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/members/{id}/merges',
      summary: 'Lists what joined and parted this person, the newest first',
      access: 'members:read',
      id: 'member',
      query: closed(paging),
      responses: { 200: pageOf(Merge) },
      refusals: ['member.not_found', 'cursor.invalid'],
    },
    async ({ caller, id, query }) => {
      const asked = readPage('member-merges', [uuidPart], query)
      if (!asked.ok) return asked
      if (!(await flows.members.isThere(caller.book, id))) return refused(notFound('member'))
      const { afterId: before, limit } = asked.value
      const rows = await flows.members.merges(caller.book, id, { before, limit: limit + 1 })
      return okay(presentPage('member-merges', asked.value, rows, (row) => [row.id], presentMerge))
    },
  )
}

function registerMerging(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/members/{id}/merge',
      summary: 'Says that two members are one person; what each owns stays where it is',
      access: 'members:write',
      idempotent: true,
      id: 'member',
      body: closed({ with: idOf('member') }),
      responses: { 200: Merge },
      refusals: ['member.not_found', 'member.already_merged'],
    },
    async (call) => {
      const input = { memberId: call.id, withId: readId('member', call.body.with) }
      const command = await mergeByHand(flows, call.caller, input, call.idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 200, presentOutcome)
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/members/{id}/unmerge',
      summary: 'Sets a member that was merged into another apart again',
      access: 'members:write',
      idempotent: true,
      id: 'member',
      responses: { 200: Merge },
      refusals: ['member.not_found', 'member.not_merged'],
    },
    async (call) => {
      const command = await unmergeCommand(flows, call.caller, call.id, call.idempotencyKey)
      if (!command.ok) return command
      return executed(await call.execute(command.value), 200, presentOutcome)
    },
  )
}

function presentMember(member: ShownMember) {
  return {
    id: formatId('member', member.id),
    is_guest: member.appid === null,
    appid: member.appid,
    openid_masked: member.openidMasked,
    has_unionid: member.hasUnion,
    phone_last4: member.phoneLast4,
    created_at: formatInstant(member.createdAt),
  }
}

function presentOutcome(
  body: Readonly<Record<string, unknown>>,
  at: Instant,
  { commandId }: { readonly commandId: string },
) {
  return presentMerge({ ...mergeOf(body), id: asId(commandId), at })
}

function presentMerge(row: Omit<MergeRow, 'bookId'>) {
  return {
    id: formatId('entry', row.id),
    kind: row.undoes === null ? ('merged' as const) : ('unmerged' as const),
    member_id: formatId('member', row.memberId),
    into_id: formatId('member', row.intoId),
    told_by: optional(row.toldBy),
    created_at: formatInstant(row.at),
  }
}

function optional(id: MemberId | null): string | null {
  return id === null ? null : formatId('member', id)
}
