/**
 * Who is there: ids of cards and merchants that follow from their place in the list, so that a load generator in
 * another process names any of ten million cards without having been told of one.
 */
import { asId, type CardId, type Lane, type MerchantId } from '../contract/src/index.ts'

export interface Population {
  /** Milliseconds: the first id is of that instant. */
  readonly bornAt: number
  readonly lanes: readonly Lane[]
  readonly cards: number
  readonly merchants: number
}

function laneOfCard({ lanes }: Population, index: number): Lane {
  return lanes[index % lanes.length] ?? 0
}

export function cardAt(population: Population, index: number): CardId {
  return asId(idOf(population.bornAt, index, 1, laneOfCard(population, index)))
}

export function merchantAt({ bornAt }: Population, index: number): MerchantId {
  return asId(idOf(bornAt, index, 2, 0))
}

/** The id of the command by which a card came into the book. */
export function originAt(population: Population, index: number): string {
  return idOf(population.bornAt, index, 3, laneOfCard(population, index))
}

/** A UUIDv7: eight in each millisecond, the rest as good as random. */
function idOf(bornAt: number, index: number, salt: number, lane: Lane): string {
  const at = bornAt + (index >> 3)
  const high = Math.floor(at / 0x10000)
  const time = `${word(Math.floor(high / 0x10000))}${word(high)}-${word(at)}`
  const version = word(0x7000 | ((index & 7) << 9) | (mixed(index, salt) & 0x1ff))
  const variant = word(0x8000 | (mixed(index, salt + 16) & 0x3fff))
  const random = mixed(index, salt + 32)
  return `${time}-${version}-${variant}-${word(random >>> 16)}${word(random)}${word(lane)}`
}

/** The load shares its processors with what it measures: a table instead of formatting each time. */
const words = Array.from({ length: 0x10000 }, (_, word) => word.toString(16).padStart(4, '0'))

function word(value: number): string {
  return words[value & 0xffff] ?? ''
}

/** 32 bits that look random (the finaliser of MurmurHash3). */
function mixed(index: number, salt: number): number {
  let bits = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** Numbers of a new stretch of load: the same seed, the same load. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let bits = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return ((bits ^ (bits >>> 15)) >>> 0) / 0x1_0000_0000
  }
}
