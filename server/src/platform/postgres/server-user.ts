/**
 * PostgreSQL refuses to run as root. When Lika runs as root the server runs as `postgres` where that user
 * exists, else as `nobody`; no user is created. This file also answers which folders such a user can reach.
 */
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { CannotStart } from '../cannot-start.ts'

export type ServerUser = { name: string; uid: number; gid: number }

/** Whom the server runs as; undefined: as ourselves. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').flatMap(parseUser)
  const found = ['postgres', 'nobody'].flatMap((name) => users.filter((user) => user.name === name))
  if (found[0] !== undefined) return found[0]
  throw new CannotStart(
    'server_user.missing',
    'PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody. Start Lika as an ordinary user, or set DATABASE_URL.',
  )
}

/** The user with this uid, for files that are there already. */
export function userOf(uid: number, gid: number): ServerUser {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').flatMap(parseUser)
  return { name: users.find((user) => user.uid === uid)?.name ?? String(uid), uid, gid }
}

/** The first folder on the way down to `path` (itself included) that `user` may not enter; undefined: the way is open. */
export function closedFolder(path: string, user: ServerUser): string | undefined {
  const way = [path]
  for (let at = path; at !== dirname(at); at = dirname(at)) way.unshift(dirname(at))
  return way.find((folder) => !mayEnter(folder, user))
}

function mayEnter(folder: string, user: ServerUser): boolean {
  const { mode, uid, gid } = statSync(folder)
  if (uid === user.uid) return (mode & 0o100) !== 0
  return (mode & (gid === user.gid ? 0o010 : 0o001)) !== 0
}

function parseUser(line: string): ServerUser[] {
  const [name, , uid, gid] = line.split(':')
  const user = { name: name ?? '', uid: Number(uid), gid: Number(gid) }
  return user.uid > 0 && Number.isInteger(user.gid) ? [user] : []
}
