/**
 * Encrypts a text into one binary age v1 file (age-encryption.org/v1) for an X25519 recipient, as a
 * stream: the plaintext exists in memory only, 64 KiB at a time.
 */
import { ReadableStream } from 'node:stream/web'
import { ok, type Result, refusal, refused } from '@lika/contract'
import { Encrypter } from 'age-encryption'

declare const brand: unique symbol

/** A native X25519 recipient (`age1…`, 62 characters) for which a file can be encrypted. */
export type AgeRecipient = string & { readonly [brand]: 'age-recipient' }

const pieceLength = 64 * 1024

/**
 * Parses a recipient and encrypts nothing for it once, which finds a wrong checksum and a point
 * that gives no shared secret. Passphrases, plugins and post-quantum recipients are not taken.
 * Refusal: `job.bad_recipient`.
 */
export async function parseAgeRecipient(text: string): Promise<Result<AgeRecipient>> {
  const bad = () =>
    refused(refusal('job.bad_recipient', 'An age recipient is age1 and 58 more characters.'))
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) return bad()
  try {
    await encrypterFor(text).encrypt(new Uint8Array())
  } catch {
    return bad()
  }
  return ok(text as AgeRecipient)
}

/**
 * The encrypted file as a stream of bytes; `pieces` are read as fast as the stream is. What
 * `pieces` throws is thrown to the reader, and the file then lacks its end: age tools refuse it.
 */
export function encryptToAgeFile(
  recipient: AgeRecipient,
  pieces: AsyncIterable<string>,
): Promise<ReadableStream<Uint8Array>> {
  return encrypterFor(recipient).encrypt(ReadableStream.from(utf8Pieces(pieces)))
}

function encrypterFor(recipient: string): Encrypter {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter
}

/** Fewer, larger pieces: a web stream costs microseconds for each. */
async function* utf8Pieces(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = ''
  for await (const piece of pieces) {
    text += piece
    if (text.length < pieceLength) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}
