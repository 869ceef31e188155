/** `lika members …`: who is known by an OpenID or as a guest, and who of them is one person. */
import type { PageOptions } from '../call.ts'
import { at, type Lika } from '../verbs.ts'

const columns = ['id', 'is_guest', 'appid', 'openid_masked', 'phone_last4', 'created_at']
const mergeColumns = ['kind', 'member_id', 'into_id', 'told_by', 'created_at']

export function addMembers(lika: Lika): void {
  const { say } = lika
  const members = lika.noun('members', '会员', 'members: people known by an OpenID, or guests')
  lika
    .list(members, 'list', '列出会员', 'list members')
    .action(lika.action((call, options: PageOptions) => call.list('/v1/members', options, columns)))
  lika
    .verb(members, 'show <member>', '查看会员及与其同为一人者', 'show a member and who is the same')
    .action(
      lika.action(async (call, member: string) =>
        call.show(await call.get(at`/v1/members/${member}`)),
      ),
    )
  lika
    .list(members, 'merges <member>', '合并与拆分记录', 'what joined and parted this person')
    .action(
      lika.action((call, member: string, options: PageOptions) =>
        call.list(at`/v1/members/${member}/merges`, options, mergeColumns),
      ),
    )
  lika
    .write(members, 'merge <member>', '认定两个会员为同一人', 'say that two members are one person')
    .requiredOption('--with <member>', say('另一个会员', 'the other member'))
    .action(
      lika.action(async (call, member: string, options: { with: string }) =>
        call.show(await call.make(at`/v1/members/${member}/merge`, { with: options.with })),
      ),
    )
  lika
    .write(members, 'unmerge <member>', '拆开被合并的会员', 'set a merged member apart again')
    .action(
      lika.action(async (call, member: string) =>
        call.show(await call.make(at`/v1/members/${member}/unmerge`, {})),
      ),
    )
}
