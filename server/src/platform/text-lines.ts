/**
 * Bytes in, lines of text out, in bounded memory: finds whole lines, checks that the bytes can be
 * text in the encoding that was declared, and decodes them.
 *
 * Lines are cut before decoding. That is safe (no multi-byte character of UTF-8 or GBK contains a
 * byte below 0x30) and needed: the streaming GBK decoder of iconv-lite loses the characters behind
 * an invalid byte at a chunk's border, and a lost digit is money.
 */
import iconv from 'iconv-lite'

export type TextEncoding = 'utf-8' | 'gbk'

export type TextBlock =
  | { kind: 'lines'; lines: string[] }
  /** The bytes are binary (a workbook, UTF-16), or text in the other encoding. Nothing follows. */
  | { kind: 'unreadable'; fault: 'not_text' | 'other_encoding' }

/** Text is read in blocks of at least this size; a line that reaches it ends the reading. */
const blockBytes = 64 * 1024

const lf = 0x0a
const cr = 0x0d
const byteOrderMark = '\uFEFF'
const undecodable = '\uFFFD'

export function otherEncoding(encoding: TextEncoding): TextEncoding {
  return encoding === 'utf-8' ? 'gbk' : 'utf-8'
}

/**
 * The physical lines of a file (ended by LF, CRLF or CR), many per block, without a byte order
 * mark. `startsRight` tells whether a text begins as this file should; it decides where the bytes
 * are valid in both encodings. A character that cannot be decoded comes through as U+FFFD.
 */
export async function* textBlocks(
  chunks: AsyncIterable<Uint8Array>,
  encoding: TextEncoding,
  startsRight: (text: string) => boolean,
): AsyncGenerator<TextBlock> {
  let isFirst = true
  for await (const bytes of wholeLines(chunks)) {
    if (isFirst) {
      const fault = faultOf(bytes, encoding, startsRight)
      if (fault) {
        yield { kind: 'unreadable', fault }
        return
      }
    }
    const text = decode(bytes, encoding)
    yield { kind: 'lines', lines: splitLines(isFirst ? withoutMark(text) : text) }
    isFirst = false
  }
}

/**
 * Buffers of whole lines. A line that alone reaches `blockBytes` comes out as its beginning, and
 * nothing after it: the reader above refuses its length.
 */
async function* wholeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pieces: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    pieces.push(chunk)
    size += chunk.length
    if (size < blockBytes) continue
    const pending = Buffer.concat(pieces)
    const end = endOfLastLine(pending)
    yield pending.subarray(0, end || pending.length)
    if (end === 0) return
    pieces = [pending.subarray(end)]
    size = pending.length - end
  }
  if (size > 0) yield Buffer.concat(pieces)
}

/** Where the last whole line ends; a CR at the very end may be half of a CRLF and does not count. */
function endOfLastLine(bytes: Buffer): number {
  return bytes.lastIndexOf(lf) + 1 || bytes.subarray(0, -1).lastIndexOf(cr) + 1
}

function faultOf(
  first: Buffer,
  declared: TextEncoding,
  startsRight: (text: string) => boolean,
): 'not_text' | 'other_encoding' | undefined {
  const sample = first.subarray(0, endOfLastLine(first.subarray(0, blockBytes)) || first.length)
  if (sample.includes(0)) return 'not_text'
  const asDeclared = decode(sample, declared)
  const asOther = decode(sample, otherEncoding(declared))
  if (asOther.includes(undecodable) || !startsRight(withoutMark(asOther))) return undefined
  const isOther =
    asDeclared.includes(undecodable) ||
    asOther.startsWith(byteOrderMark) ||
    !startsRight(withoutMark(asDeclared))
  return isOther ? 'other_encoding' : undefined
}

function decode(bytes: Buffer, encoding: TextEncoding): string {
  return iconv.decode(bytes, encoding, { stripBOM: false })
}

function withoutMark(text: string): string {
  return text.startsWith(byteOrderMark) ? text.slice(1) : text
}

function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
