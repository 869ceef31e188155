/**
 * Where the server's files lie. Normally in the data folder itself; under a folder that the server's user
 * cannot enter, in a home of their own elsewhere, whose path is then written into `<data folder>/where`.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CannotStart } from '../cannot-start.ts'
import { codeOf } from '../db-faults.ts'
import { closedFolder, type ServerUser, serverUser, userOf } from './server-user.ts'

export type Home = {
  folder: string
  /** PGDATA; exists only once the book was initialised. */
  data: string
  initialised: boolean
  /** Whom the server runs as; undefined: as ourselves. */
  user: ServerUser | undefined
}

/** Staged homes come under the first of these that can be made and entered. The last one may not outlive a reboot. */
const stagingRoots = ['/var/lib/lika', join(tmpdir(), 'lika')]

/** Creates the data folder where it is missing. Others may pass through it, which the server needs; secrets in it are 0600. */
export function openDataFolder(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    const real = realpathSync(dataDir)
    // Fails now, with a sentence, rather than later in the middle of something.
    writeFileSync(join(real, '.writable'), '')
    rmSync(join(real, '.writable'))
    return real
  } catch (error) {
    throw explainFolder(error, dataDir)
  }
}

/** An error of the file system as what the operator can do about it; anything else as it is. */
export function explainFolder(error: unknown, dataDir: string): unknown {
  const trouble = troubles[codeOf(error) ?? '']
  if (error instanceof CannotStart || trouble === undefined) return error
  const sentence = `The data folder ${dataDir} ${trouble}. Set LIKA_DATA to a folder that Lika can write.`
  return new CannotStart('data_folder.unusable', sentence, error)
}

const troubles: Record<string, string> = {
  EACCES: 'may not be read and written by this user',
  EPERM: 'may not be read and written by this user',
  EROFS: 'is on a read-only disk',
  ENOSPC: 'is on a full disk',
  EDQUOT: 'is on a full disk',
  ENOTDIR: 'is not a folder',
  EEXIST: 'is not a folder',
}

/** The home of the book of this data folder, found again or chosen. `say` tells the operator about a staged one. */
export function findHome(
  dataDir: string,
  say: (sentence: string) => void,
  roots: string[] = stagingRoots,
): Home {
  const where = join(dataDir, 'where')
  const folder = existsSync(where) ? readFileSync(where, 'utf8').trim() : dataDir
  const data = join(folder, 'postgres')
  if (existsSync(data)) {
    if (folder !== dataDir) say(stagedSentence(dataDir, folder))
    return { folder, data, initialised: true, user: userOfBook(data) }
  }
  if (folder !== dataDir) {
    throw new CannotStart(
      'data_folder.book_missing',
      `The book of ${dataDir} was in ${folder} (so says ${where}), and it is not there any more. Restore it from a backup; to begin an empty book, remove the file ${where}.`,
    )
  }
  const user = serverUser()
  if (user === undefined || closedFolder(dataDir, user) === undefined)
    return { folder: dataDir, data, initialised: false, user }
  const staged = stageHome(dataDir, user, roots)
  writeFileSync(where, `${staged}\n`, { mode: 0o644 })
  say(stagedSentence(dataDir, staged))
  return { folder: staged, data: join(staged, 'postgres'), initialised: false, user }
}

/** Gives a folder made by us to the server's user. */
export function giveTo(user: ServerUser | undefined, path: string): void {
  if (user !== undefined) chownSync(path, user.uid, user.gid)
}

/** An existing book keeps its user, so that root may start what an ordinary user has begun. */
function userOfBook(data: string): ServerUser | undefined {
  const { uid, gid } = statSync(data)
  if (process.getuid?.() !== 0) {
    if (uid === process.getuid?.()) return undefined
    throw new CannotStart(
      'data_folder.foreign',
      `The book in ${data} belongs to the user ${userOf(uid, gid).name}. Start Lika as that user or as root, or give the folder to yourself with chown -R.`,
    )
  }
  const user = uid === 0 ? adopt(data) : userOf(uid, gid)
  const closed = user && closedFolder(data, user)
  if (user === undefined || closed === undefined) return user
  throw new CannotStart(
    'data_folder.closed',
    `The server runs as ${user.name}, who may not enter ${closed}, and the book lies below it. Open the way with chmod o+x ${closed}, or move the data folder.`,
  )
}

/** A book restored by root belongs to root; PostgreSQL wants it to belong to its own user. */
function adopt(data: string): ServerUser | undefined {
  const user = serverUser()
  giveTo(user, data)
  for (const entry of readdirSync(data, { recursive: true, encoding: 'utf8' }))
    giveTo(user, join(data, entry))
  return user
}

function stageHome(dataDir: string, user: ServerUser, roots: string[]): string {
  // The random end keeps a book whose data folder was removed from being taken for the new one's.
  const name = `${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}-`
  for (const root of roots) {
    try {
      mkdirSync(root, { recursive: true, mode: 0o755 })
      if (closedFolder(realpathSync(root), user) !== undefined) continue
      const folder = mkdtempSync(join(realpathSync(root), name))
      chmodSync(folder, 0o755)
      return folder
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error
    }
  }
  throw new CannotStart(
    'data_folder.closed',
    `The server runs as ${user.name}, who can enter neither ${dataDir} nor ${roots.join(' nor ')}. Set LIKA_DATA to a folder that every user may pass through.`,
  )
}

function stagedSentence(dataDir: string, folder: string): string {
  const note = folder.startsWith(realpathSync(tmpdir()))
    ? ' That is a folder for temporary files: set LIKA_DATA to a place that stays if this book must.'
    : ''
  return `The server's user cannot enter ${dataDir}, so its files lie in ${folder}.${note}`
}
