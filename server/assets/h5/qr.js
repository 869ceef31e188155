/**
 * Draws a text as a QR code (ISO/IEC 18004): byte mode, error correction M, versions 1 to 10, which is up to 213 bytes.
 * Always under mask 0, which every reader takes from the code itself.
 */

/** Error correction M by version: codewords in all, of correction in each block, blocks. */
const shapes = [
  [26, 10, 1],
  [44, 16, 1],
  [70, 26, 1],
  [100, 18, 2],
  [134, 24, 2],
  [172, 16, 4],
  [196, 18, 4],
  [242, 22, 4],
  [292, 22, 5],
  [346, 26, 5],
]
/** Centres of the alignment patterns, by version. */
const alignments = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
]

/** Rows of booleans, dark is true. @throws RangeError for a text that is too long. */
export function qrModules(text) {
  const bytes = new TextEncoder().encode(text)
  const version = 1 + shapes.findIndex((_, index) => bytes.length <= roomOf(index + 1))
  if (version === 0) throw new RangeError('too long for a code')
  const grid = newGrid(version)
  place(grid, codewordsOf(bytes, version))
  drawFormat(grid)
  return grid.dark
}

/** How many bytes of text a version takes. */
function roomOf(version) {
  const [all, correction, blocks] = shapes[version - 1]
  return all - correction * blocks - (version < 10 ? 2 : 3)
}

function codewordsOf(bytes, version) {
  const [all, correction, blocks] = shapes[version - 1]
  const data = dataOf(bytes, version, all - correction * blocks)
  const short = Math.floor(data.length / blocks)
  const longer = data.length % blocks
  const parts = []
  for (let block = 0, from = 0; block < blocks; block += 1) {
    const length = short + (block < blocks - longer ? 0 : 1)
    const part = data.slice(from, from + length)
    parts.push({ part, check: correctionOf(part, correction) })
    from += length
  }
  const woven = []
  for (let at = 0; at <= short; at += 1)
    for (const { part } of parts) if (at < part.length) woven.push(part[at])
  for (let at = 0; at < correction; at += 1) for (const { check } of parts) woven.push(check[at])
  return woven
}

/** Mode, length, text, and padding up to the size of the version. */
function dataOf(bytes, version, size) {
  const bits = []
  const push = (value, count) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1)
  }
  push(4, 4)
  push(bytes.length, version < 10 ? 8 : 16)
  for (const byte of bytes) push(byte, 8)
  push(0, Math.min(4, size * 8 - bits.length))
  while (bits.length % 8 !== 0) bits.push(0)
  const data = []
  for (let at = 0; at < bits.length; at += 8)
    data.push(bits.slice(at, at + 8).reduce((value, bit) => value * 2 + bit, 0))
  for (let pad = 0xec; data.length < size; pad ^= 0xec ^ 0x11) data.push(pad)
  return data
}

/** Product in GF(256) under x^8 + x^4 + x^3 + x^2 + 1. */
function product(left, right) {
  let value = 0
  for (let bit = 7; bit >= 0; bit -= 1) {
    value = (value << 1) ^ ((value >> 7) * 0x11d)
    value ^= ((right >> bit) & 1) * left
  }
  return value
}

function correctionOf(data, count) {
  let generator = [1]
  for (let power = 0, root = 1; power < count; power += 1, root = product(root, 2)) {
    const longer = [...generator, 0]
    for (const [at, factor] of generator.entries()) longer[at + 1] ^= product(factor, root)
    generator = longer
  }
  const rest = Array.from({ length: count }, () => 0)
  for (const byte of data) {
    const lead = byte ^ rest.shift()
    rest.push(0)
    for (let at = 0; at < count; at += 1) rest[at] ^= product(generator[at + 1], lead)
  }
  return rest
}

function newGrid(version) {
  const size = version * 4 + 17
  const square = () => Array.from({ length: size }, () => Array.from({ length: size }, () => false))
  const grid = { size, dark: square(), fixed: square() }
  for (let at = 0; at < size; at += 1) {
    set(grid, 6, at, at % 2 === 0)
    set(grid, at, 6, at % 2 === 0)
  }
  for (const [x, y] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ])
    drawFinder(grid, x, y)
  const centres = alignments[version - 1]
  const last = centres.length - 1
  for (const [row, y] of centres.entries())
    for (const [column, x] of centres.entries()) {
      const isFinder =
        (row === 0 && (column === 0 || column === last)) || (row === last && column === 0)
      if (!isFinder) drawAlignment(grid, x, y)
    }
  drawFormat(grid)
  if (version >= 7) drawVersion(grid, version)
  return grid
}

function set(grid, x, y, dark) {
  if (x < 0 || y < 0 || x >= grid.size || y >= grid.size) return
  grid.dark[y][x] = dark
  grid.fixed[y][x] = true
}

function drawFinder(grid, x, y) {
  for (let dy = -4; dy <= 4; dy += 1)
    for (let dx = -4; dx <= 4; dx += 1) {
      const ring = Math.max(Math.abs(dx), Math.abs(dy))
      set(grid, x + dx, y + dy, ring !== 2 && ring !== 4)
    }
}

function drawAlignment(grid, x, y) {
  for (let dy = -2; dy <= 2; dy += 1)
    for (let dx = -2; dx <= 2; dx += 1)
      set(grid, x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1)
}

/** Level M and mask 0: the fifteen bits are always the same. */
const format = 0b101010000010010

function drawFormat(grid) {
  const { size } = grid
  const bit = (at) => ((format >> at) & 1) === 1
  for (let at = 0; at <= 5; at += 1) set(grid, 8, at, bit(at))
  set(grid, 8, 7, bit(6))
  set(grid, 8, 8, bit(7))
  set(grid, 7, 8, bit(8))
  for (let at = 9; at < 15; at += 1) set(grid, 14 - at, 8, bit(at))
  for (let at = 0; at < 8; at += 1) set(grid, size - 1 - at, 8, bit(at))
  for (let at = 8; at < 15; at += 1) set(grid, 8, size - 15 + at, bit(at))
  set(grid, 8, size - 8, true)
}

function drawVersion(grid, version) {
  let rest = version
  for (let step = 0; step < 12; step += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25)
  const bits = (version << 12) | rest
  for (let at = 0; at < 18; at += 1) {
    const dark = ((bits >> at) & 1) === 1
    const [far, near] = [grid.size - 11 + (at % 3), Math.floor(at / 3)]
    set(grid, far, near, dark)
    set(grid, near, far, dark)
  }
}

/** Two columns at a time from the right, up and down in turn; mask 0 turns every other module. */
function place(grid, codewords) {
  const { size, dark, fixed } = grid
  let at = 0
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step += 1) {
      const isUp = ((right + 1) & 2) === 0
      const y = isUp ? size - 1 - step : step
      for (const x of [right, right - 1]) {
        if (fixed[y][x]) continue
        const bit = at < codewords.length * 8 && ((codewords[at >> 3] >> (7 - (at & 7))) & 1) === 1
        dark[y][x] = bit !== ((x + y) % 2 === 0)
        at += 1
      }
    }
  }
}
