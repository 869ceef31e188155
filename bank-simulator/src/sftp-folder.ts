/**
 * SFTP (version 3) on a folder: what a client may do with the files in it, and nothing outside of it. A file counts as
 * arrived when it was renamed to its name, or closed after it was written under it.
 */
import { constants, type Stats } from 'node:fs'
import { access, type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2'

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp

type Arrived = (folder: string, name: string) => void
type Opened =
  | { kind: 'file'; file: FileHandle; path: string; isWritten: boolean }
  | { kind: 'folder'; path: string; isRead: boolean }

export function serveFolder(sftp: SFTPWrapper, root: string, arrived: Arrived): void {
  const opened = new Map<number, Opened>()
  let handles = 0

  const place = (path: string) => join(root, posix.resolve('/', path))
  const announce = (path: string) => arrived(basename(dirname(path)), basename(path))
  const at = (handle: Buffer) => opened.get(handle.length === 4 ? handle.readUInt32BE(0) : 0)

  function keep(request: number, thing: Opened): void {
    handles += 1
    opened.set(handles, thing)
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(handles)
    sftp.handle(request, handle)
  }

  /** Whatever goes wrong is answered, and ends only this request. */
  function answer(request: number, work: () => Promise<unknown>): void {
    work().catch((error: unknown) => sftp.status(request, statusOf(error), String(error)))
  }

  const done = (request: number) => sftp.status(request, STATUS_CODE.OK)

  sftp.on('REALPATH', (request, path) => {
    const filename = posix.resolve('/', path)
    sftp.name(request, [{ filename, longname: filename, attrs: noAttributes }])
  })
  const stat = (request: number, path: string) =>
    answer(request, async () => sftp.attrs(request, attributesOf(await lstat(place(path)))))
  sftp.on('STAT', stat)
  sftp.on('LSTAT', stat)
  sftp.on('FSTAT', (request, handle) =>
    answer(request, async () => {
      const thing = at(handle)
      if (thing?.kind !== 'file') throw new Error('not the handle of a file')
      sftp.attrs(request, attributesOf(await thing.file.stat()))
    }),
  )
  sftp.on('SETSTAT', done)
  sftp.on('FSETSTAT', done)

  sftp.on('OPEN', (request, path, flags) =>
    answer(request, async () => {
      const isWritten = (flags & OPEN_MODE.WRITE) !== 0
      const file = await open(place(path), isWritten ? writeFlags(flags) : 'r')
      keep(request, { kind: 'file', file, path: place(path), isWritten })
    }),
  )
  sftp.on('READ', (request, handle, offset, length) =>
    answer(request, async () => {
      const thing = at(handle)
      if (thing?.kind !== 'file') throw new Error('not the handle of a file')
      const { bytesRead, buffer } = await thing.file.read(Buffer.alloc(length), 0, length, offset)
      if (bytesRead === 0) sftp.status(request, STATUS_CODE.EOF)
      else sftp.data(request, buffer.subarray(0, bytesRead))
    }),
  )
  sftp.on('WRITE', (request, handle, offset, data) =>
    answer(request, async () => {
      const thing = at(handle)
      if (thing?.kind !== 'file') throw new Error('not the handle of a file')
      await thing.file.write(data, 0, data.length, offset)
      done(request)
    }),
  )
  sftp.on('CLOSE', (request, handle) =>
    answer(request, async () => {
      const thing = at(handle)
      opened.delete(handle.readUInt32BE(0))
      if (thing?.kind === 'file') await thing.file.close()
      if (thing?.kind === 'file' && thing.isWritten) announce(thing.path)
      done(request)
    }),
  )

  sftp.on('OPENDIR', (request, path) =>
    answer(request, async () => {
      await readdir(place(path))
      keep(request, { kind: 'folder', path: place(path), isRead: false })
    }),
  )
  sftp.on('READDIR', (request, handle) =>
    answer(request, async () => {
      const thing = at(handle)
      if (thing?.kind !== 'folder') throw new Error('not the handle of a folder')
      if (thing.isRead) return sftp.status(request, STATUS_CODE.EOF)
      thing.isRead = true
      const names = await readdir(thing.path)
      const found = await Promise.all(
        names.map(async (filename) => {
          const attrs = attributesOf(await lstat(join(thing.path, filename)))
          return { filename, longname: filename, attrs }
        }),
      )
      sftp.name(request, found)
    }),
  )

  sftp.on('RENAME', (request, from, to) =>
    answer(request, async () => {
      // Version 3: the new name must be free.
      const isTaken = await access(place(to)).then(
        () => true,
        () => false,
      )
      if (isTaken) throw new Error(`${to} is there already`)
      await rename(place(from), place(to))
      announce(place(to))
      done(request)
    }),
  )
  sftp.on('REMOVE', (request, path) =>
    answer(request, async () => {
      await rm(place(path))
      done(request)
    }),
  )
  // A client that has said all it wants waits for our goodbye.
  sftp.on('end', () => sftp.end())
  sftp.on('close', () => {
    for (const thing of opened.values()) if (thing.kind === 'file') void thing.file.close()
    opened.clear()
  })
}

function writeFlags(flags: number): number {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_EXCL } = constants
  const has = (mode: number, flag: number) => ((flags & mode) === 0 ? 0 : flag)
  return (
    O_WRONLY |
    has(OPEN_MODE.CREAT, O_CREAT) |
    has(OPEN_MODE.TRUNC, O_TRUNC) |
    has(OPEN_MODE.EXCL, O_EXCL)
  )
}

function statusOf(error: unknown): number {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  return isMissing ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE
}

const noAttributes: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 }

function attributesOf({ mode, size, atimeMs, mtimeMs }: Stats): Attributes {
  const seconds = (ms: number) => Math.trunc(ms / 1000)
  return { ...noAttributes, mode, size, atime: seconds(atimeMs), mtime: seconds(mtimeMs) }
}
