/**
 * The twin's only source of randomness. With a seed, numbers follow from it: those of payments and refunds from what they
 * are for, all others from the order in which they are drawn, so that a simulation can be run twice.
 */
import { createHash, randomBytes } from 'node:crypto'

export class Random {
  readonly #seed: string | undefined
  readonly #boot: number
  #drawn = 0

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
    if (this.#seed === undefined) return randomBytes(length)
    const blocks: Buffer[] = []
    for (let have = 0; have < length; have += 32) {
      this.#drawn += 1
      blocks.push(createHash('sha256').update(`${this.#seed}|${this.#drawn}`).digest())
    }
    return Buffer.concat(blocks).subarray(0, length)
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
