/**
 * Two members turn out to be one person: a pointer from one to the other, in the journal like everything that changes who
 * may spend. Nothing of theirs is rewritten; a person can undo it. See docs/decisions/0014-merged-members.md.
 */
import {
  asId,
  type BookId,
  type CommandId,
  laneOfId,
  type MemberId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  memberLinks,
  memberMerges,
  survivorFirst,
  wasSetApart,
} from '../../modules/members/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'

type JoinContext = Pick<FlowContext, 'engine' | 'database' | 'members'>

/** What a merge says: who is read as whom from now on, and whose login told it. */
interface Merge {
  readonly book: BookId
  readonly memberId: MemberId
  readonly intoId: MemberId
  /** null: a person says so. */
  readonly toldBy: MemberId | null
}

/** How often who stands at the end of the pointers is looked up again, when it moved meanwhile. */
const attempts = 5

/**
 * After a login: whoever came with the same UnionID is the same person, and so is the guest who has just logged in. Whom a
 * person has set apart stays apart.
 */
export async function joinAfterLogin(
  context: JoinContext,
  book: BookId,
  memberId: MemberId,
  guest: MemberId | undefined,
): Promise<void> {
  const others = await context.members.sameUnion(book, memberId)
  const oldest = others.at(0)
  if (oldest !== undefined) await joinQuietly(context, book, memberId, oldest.id)
  if (guest !== undefined && guest !== memberId) await joinQuietly(context, book, memberId, guest)
}

async function joinQuietly(
  context: JoinContext,
  book: BookId,
  memberId: MemberId,
  other: MemberId,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const pair = await pairOf(context, book, memberId, other)
    if (pair === undefined) return
    const { memberId: absorbed, intoId } = pair
    if (await wasSetApart(context.database.sql, laneOfId(absorbed), absorbed)) return
    const merge = { book, memberId: absorbed, intoId, toldBy: memberId }
    const done = await context.engine.execute(mergeCommand(merge, `${absorbed} ${intoId}`))
    if (done.status === 'done') return
  }
}

/**
 * The two ends of the pointers, the one that stays second. undefined: they are one person already, or one of them is not
 * there.
 */
async function pairOf(
  { members }: JoinContext,
  book: BookId,
  one: MemberId,
  other: MemberId,
): Promise<Pick<Merge, 'memberId' | 'intoId'> | undefined> {
  const ends = await Promise.all([members.canonical(one), members.canonical(other)])
  const [first, second] = await Promise.all(ends.map((id) => members.find(book, id)))
  if (first === undefined || second === undefined || first.id === second.id) return undefined
  return survivorFirst(first, second)
    ? { memberId: second.id, intoId: first.id }
    : { memberId: first.id, intoId: second.id }
}

/**
 * A person says that two members are one, also where it was undone before.
 * Refusals: `member.not_found` for either, `member.already_merged`.
 */
export async function mergeByHand(
  context: JoinContext,
  caller: { readonly book: BookId },
  input: { readonly memberId: MemberId; readonly withId: MemberId },
  key: string,
): Promise<Result<Command>> {
  const { book } = caller
  const [one, other] = await Promise.all([
    context.members.find(book, input.memberId),
    context.members.find(book, input.withId),
  ])
  if (one === undefined || other === undefined) return refused(memberNotFound)
  // One person already: the command refuses it, or replays that it made them so.
  const pair = (await pairOf(context, book, one.id, other.id)) ?? {
    memberId: one.id,
    intoId: one.id,
  }
  return ok(mergeCommand({ book, ...pair, toldBy: null }, key, { ...input }))
}

/**
 * Refusals: `member.already_merged` where one of the two is read as another by now, which leaves nothing: who stands at
 * the end of the pointers is looked up again.
 */
function mergeCommand(merge: Merge, key: string, input: Command['input'] = {}): Command {
  const { book, memberId, intoId, toldBy } = merge
  const [lane, intoLane] = [laneOfId(memberId), laneOfId(intoId)]
  return {
    book,
    operation: toldBy === null ? 'member.merge' : 'member.merged_by_login',
    key,
    input,
    homeLane: () => lane,
    // Who stands at the end of the pointers may be another one when it is repeated: it ran where it was claimed.
    plan: (commandId) => ({
      lanes: [...new Set([laneOfId(commandId), lane, intoLane])],
      reads: [read(memberLinks, lane, memberId), read(memberLinks, intoLane, intoId)],
      decide: (view, now) => {
        const link = view.get(memberLinks, memberId)
        const isMoved = (link?.intoId ?? null) !== null
        const isIntoMoved = (view.get(memberLinks, intoId)?.intoId ?? null) !== null
        if (isMoved || isIntoMoved || memberId === intoId)
          return { ok: false, final: false, refusal: alreadyMerged }
        const id = view.commandId
        view.put(memberLinks, lane, { memberId, bookId: book, intoId, mergeId: id })
        const logged = { id, bookId: book, memberId, intoId, toldBy, undoes: null, at: now }
        view.put(memberMerges, lane, logged)
        return {
          ok: true,
          value: {
            kind: 'member.merged',
            version: 1,
            body: { memberId, intoMemberId: intoId, toldByMemberId: toldBy },
          },
        }
      },
    }),
  }
}

/**
 * Sets a member apart again: it is read as itself, with what it owned and what was merged into it, and no login joins it
 * again. Refusals: `member.not_found` (leaves nothing), `member.not_merged`.
 */
export async function unmergeCommand(
  context: JoinContext,
  caller: { readonly book: BookId },
  memberId: MemberId,
  key: string,
): Promise<Result<Command>> {
  const { book } = caller
  if (!(await context.members.isThere(book, memberId))) return refused(memberNotFound)
  const lane = laneOfId(memberId)
  return ok({
    book,
    operation: 'member.unmerge',
    key,
    input: { memberId },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(memberLinks, lane, memberId)],
      decide: (view, now) => {
        const link = view.get(memberLinks, memberId)
        if (link === undefined || link.intoId === null) return { ok: false, refusal: notMerged }
        const { intoId, mergeId: undoes } = link
        const id = view.commandId
        view.put(memberLinks, lane, { ...link, intoId: null, mergeId: id })
        const logged = { id, bookId: book, memberId, intoId, toldBy: null, undoes, at: now }
        view.put(memberMerges, lane, logged)
        return {
          ok: true,
          value: {
            kind: 'member.unmerged',
            version: 1,
            body: { memberId, intoMemberId: intoId, _undoes: undoes },
          },
        }
      },
    }),
  })
}

/** What a merge or its undoing said, out of the outcome. */
export function mergeOf(body: Readonly<Record<string, unknown>>): {
  memberId: MemberId
  intoId: MemberId
  toldBy: MemberId | null
  undoes: CommandId | null
} {
  const text = (name: string) => {
    const value = body[name]
    return typeof value === 'string' ? value : undefined
  }
  const [toldBy, undoes] = [text('toldByMemberId'), text('_undoes')]
  return {
    memberId: asId(text('memberId') ?? ''),
    intoId: asId(text('intoMemberId') ?? ''),
    toldBy: toldBy === undefined ? null : asId(toldBy),
    undoes: undoes === undefined ? null : asId(undoes),
  }
}

const memberNotFound: Refusal = refusal('member.not_found', 'No member has this id here (mem_…).')
const alreadyMerged = refusal('member.already_merged', 'The two members are one person already.')
const notMerged = refusal(
  'member.not_merged',
  'This member stands for itself. Name the one that was merged into it, as its merges tell.',
)
