/**
 * The twin's only source of randomness. With a seed, numbers follow from it: those of payments and refunds from what they
 * are for, all others from the order in which they are drawn, so that a simulation can be run twice.
 */
import { createHash, randomBytes } from 'node:crypto'

const poolBytes = 16_384

export class Random {
  readonly #seed: string | undefined
  readonly #boot: number
  /** Of the pool, bytes; of a seed, blocks. */
  #drawn = 0
  #pool: Buffer = Buffer.alloc(0)

  /** `boot`: how many times the data folder was started before; keeps a seeded twin from repeating itself. */
  constructor(seed: string | undefined, boot: number) {
    this.#boot = boot
    this.#seed = seed === undefined ? undefined : `${seed}|${boot}`
  }

  /** For one thing only, whose numbers are then the same whatever was drawn before. */
  of(thing: string): Random {
    return this.#seed === undefined ? this : new Random(`${this.#seed}|${thing}`, this.#boot)
  }

  bytes(length: number): Buffer {
    if (this.#seed === undefined) return this.#fromPool(length)
    const blocks: Buffer[] = []
    for (let have = 0; have < length; have += 32) {
      this.#drawn += 1
      blocks.push(createHash('sha256').update(`${this.#seed}|${this.#drawn}`).digest())
    }
    return Buffer.concat(blocks).subarray(0, length)
  }

  /** Many draws are small: one call of the system serves hundreds of them. */
  #fromPool(length: number): Buffer {
    if (length > this.#pool.length - this.#drawn) {
      this.#pool = randomBytes(Math.max(length, poolBytes))
      this.#drawn = 0
    }
    this.#drawn += length
    return this.#pool.subarray(this.#drawn - length, this.#drawn)
  }

  /** As many decimal digits as asked. */
  digits(length: number): string {
    let text = ''
    for (const byte of this.bytes(length)) text += byte % 10
    return text
  }

  /** Letters and digits, for nonces and tokens. */
  letters(length: number): string {
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    let text = ''
    for (const byte of this.bytes(length)) text += alphabet[byte % alphabet.length]
    return text
  }

  hex(length: number): string {
    return this.bytes(Math.ceil(length / 2))
      .toString('hex')
      .slice(0, length)
  }

  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number {
    return this.bytes(6).readUIntBE(0, 6) % below
  }
}

/** Never seeded: nonces and the like, which nobody compares and which are drawn when the network says so. */
export const unseeded = new Random(undefined, 0)
