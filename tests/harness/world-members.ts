/** Members of a book: guests of an app that nobody ever speaks to, two of them, and one that was merged into another. */
import { newId } from '../../server/src/platform/ids.ts'
import type { Json } from './answer-check.ts'

export interface WorldMembers {
  member: string
  otherMember: string
  /** Read as another one. */
  mergedMember: string
}

/** `ask`: as of a book. */
export async function makeMembers({
  ask,
}: {
  ask: (method: string, path: string, body?: unknown) => Promise<Json>
}): Promise<WorldMembers> {
  const app = await ask('POST', '/v1/wechat/apps', {
    appid: `wx${newId().replaceAll('-', '').slice(0, 28)}`,
    kind: 'mini_program',
    secret: newId().replaceAll('-', ''),
  })
  const guest = async (): Promise<string> => {
    const { member } = await ask('POST', '/wallet/v1/guests', { app_id: app.id })
    return member.id
  }
  const [member, otherMember, into, mergedMember] = [
    await guest(),
    await guest(),
    await guest(),
    await guest(),
  ]
  await ask('POST', `/v1/members/${mergedMember}/merge`, { with: into })
  return { member, otherMember, mergedMember }
}
