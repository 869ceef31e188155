/** Minted cards as columns that move between threads without being copied one by one. */
import type { MintedCard } from './secrets.ts'

export type PackedCards = {
  ids: MintedCard['id'][]
  numbers: string[]
  digests: Uint8Array<ArrayBuffer>
  seals: Uint8Array<ArrayBuffer>
}

/** All digests have one length, and so have all seals: numbers and secrets of ours never vary in length. */
export function packCards(cards: readonly MintedCard[]): PackedCards {
  return {
    ids: cards.map(({ id }) => id),
    numbers: cards.map(({ number }) => number),
    digests: joined(cards.map(({ secretDigest }) => secretDigest)),
    seals: joined(cards.map(({ sealed }) => sealed)),
  }
}

export function unpackCards({ ids, numbers, digests, seals }: PackedCards): MintedCard[] {
  const digestLength = digests.length / ids.length
  const sealLength = seals.length / ids.length
  return ids.map((id, index) => ({
    id,
    number: numbers[index] ?? '',
    secretDigest: part(digests, index, digestLength),
    sealed: part(seals, index, sealLength),
  }))
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts[0]?.length ?? 0
  const whole = new Uint8Array(length * parts.length)
  for (const [index, bytes] of parts.entries()) {
    if (bytes.length !== length) throw new Error('columns of cards have one width')
    whole.set(bytes, index * length)
  }
  return whole
}

function part(whole: Uint8Array, index: number, length: number): Uint8Array {
  return whole.subarray(index * length, (index + 1) * length)
}
