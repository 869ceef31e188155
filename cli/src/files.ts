/** Answers that are files (CSV, age): streamed to stdout or into a new file. */
import { type FileHandle, open as openFile, rm } from 'node:fs/promises'
import type { Call } from './call.ts'
import type { Request } from './client.ts'
import { messageOf, Unreachable, UsageError } from './failures.ts'

/** Hours, for what is as long as the book. */
export const longSeconds = 4 * 3600

/**
 * Writes what the request answers to `output`, `-` or undefined being stdout. A new file is opened
 * before anything is asked for: some files are handed out only once.
 * @throws UsageError when the file is there already or cannot be written.
 */
export async function download(
  call: Call,
  request: Omit<Request, 'method'>,
  output: string | undefined,
): Promise<void> {
  const asked: Request = { timeoutSeconds: longSeconds, ...request, method: 'GET' }
  if (output === undefined || output === '-') {
    await copy(await call.open(asked), (chunk) => writeOut(chunk))
    return
  }
  await intoNewFile(call, output, async (file) => {
    const bytes = await copy(await call.open(asked), (chunk) => file.appendFile(chunk))
    call.world.note(
      call.say(`已写入 ${output}，${bytes} 字节。`, `Wrote ${bytes} bytes to ${output}.`),
    )
  })
}

/** Fills a new file of mode 0600; it is removed again when that fails.
 * @throws UsageError when there is one already or none can be made. */
export async function intoNewFile(
  call: Call,
  path: string,
  fill: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await openNew(call, path)
  try {
    await fill(file)
  } catch (fault) {
    await rm(path, { force: true })
    throw fault
  } finally {
    await file.close()
  }
}

async function openNew(call: Call, output: string): Promise<FileHandle> {
  try {
    return await openFile(output, 'wx', 0o600)
  } catch (fault) {
    const why = messageOf(fault)
    throw new UsageError(call.say(`无法新建文件：${why}`, `The file cannot be made: ${why}`))
  }
}

async function copy(
  response: Response,
  write: (chunk: Uint8Array) => Promise<unknown>,
): Promise<number> {
  let bytes = 0
  const chunks = response.body?.[Symbol.asyncIterator]()
  for (;;) {
    const next = await readNext(response, chunks)
    if (next === undefined) return bytes
    bytes += next.length
    await write(next)
  }
}

/** The next chunk; a stream that breaks is no whole file, and that must not pass unnoticed. */
async function readNext(
  response: Response,
  chunks: AsyncIterator<Uint8Array> | undefined,
): Promise<Uint8Array | undefined> {
  try {
    const next = await chunks?.next()
    return next === undefined || next.done === true ? undefined : next.value
  } catch (fault) {
    throw new Unreachable(`${response.url}: ${messageOf(fault)}`)
  }
}

function writeOut(chunk: Uint8Array): Promise<void> {
  return new Promise((settle, fail) => {
    process.stdout.write(chunk, (error) => (error ? fail(error) : settle()))
  })
}
