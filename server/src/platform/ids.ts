/**
 * Makes identifiers: UUIDv7 (RFC 9562) whose last sixteen bits are an account kind and a lane. Within a process
 * each id is greater than the one before, also when the clock stands still or steps back.
 */
import { randomFillSync } from 'node:crypto'
import { asId, type CommandId, type Instant, type Lane, type Uuid } from '@lika/contract'

const hex = Array.from({ length: 0x10000 }, (_, word) => word.toString(16).padStart(4, '0'))
const counterLimit = 0x1000

/** Random words of 16 bits, drawn in blocks: a draw of its own for each id would cost more than the id. */
const pool = new Uint16Array(4096)
let poolAt = pool.length

let lastMs = 0
let counter = 0
/** `tttttttt-tttt` of `lastMs`. */
let timePart = ''

/**
 * A new id of now: real time in milliseconds (48 bits), a counter (12 bits) that starts in each millisecond at
 * random in its lower half, 46 random bits, `kind` (0–63) and `lane` (0–999).
 */
export function newId(lane: Lane = 0, kind = 0): Uuid {
  tick()
  const version = hex[0x7000 | counter]
  const variant = hex[0x8000 | (randomWord() & 0x3fff)]
  const random = `${hex[randomWord()]}${hex[randomWord()]}`
  return asId(`${timePart}-${version}-${variant}-${random}${hex[(kind << 10) | lane]}`)
}

/** The id of a command whose home is that lane; what the command makes has the same id. */
export function newCommandId(lane: Lane): CommandId {
  return asId(newId(lane))
}

/**
 * The smallest id of that instant: `id >= idAt(from) and id < idAt(until)` are the ids made in [from, until).
 * With a lane, the smallest one of that lane.
 */
export function idAt(instant: Instant, lane: Lane = 0): Uuid {
  return asId(`${timePartOf(instant)}-7000-8000-00000000${hex[lane]}`)
}

/** Moves on to the next pair of time and counter. */
function tick(): void {
  const now = Date.now()
  counter += 1
  if (now > lastMs) begin(now)
  // A millisecond that is used up borrows from the next one.
  else if (counter === counterLimit) begin(lastMs + 1)
}

function begin(ms: Instant): void {
  lastMs = ms
  timePart = timePartOf(ms)
  counter = randomWord() & 0x7ff
}

function randomWord(): number {
  if (poolAt === pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  const word = pool[poolAt] ?? 0
  poolAt += 1
  return word
}

function timePartOf(ms: Instant): string {
  const digits = ms.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}`
}
