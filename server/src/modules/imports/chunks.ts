/** A card file cut into chunks that are each imported by one command. The cut depends on the file alone. */
import { asId, type CardId, type Lane } from '@lika/contract'
import { newId } from '../../platform/ids.ts'
import { type ImportItem, parseCardFile } from './parse.ts'
import type { FileChunk, ReadCard, ReaderStart } from './reader-messages.ts'
import type { RowError } from './row-errors.ts'

/** Fixed for good, like the number of errors after which a chunk ends too. */
const cardsPerChunk = 500
const errorsPerChunk = 2_000

export interface ChunkOptions extends Pick<ReaderStart, 'encoding' | 'lanes' | 'from'> {
  readonly digestSecret: (cardId: CardId, secret: string) => Uint8Array
  readonly digestNumber: (number: string) => Uint8Array
}

/** The last chunk may be empty; it comes always, for it tells whether the file ended well. */
export async function* fileChunks(
  bytes: AsyncIterable<Uint8Array>,
  options: ChunkOptions,
): AsyncGenerator<FileChunk> {
  const cut = new Cut(options)
  for await (const item of parseCardFile(bytes, options)) {
    cut.add(item)
    if (cut.isFull) yield* cut.end()
  }
  yield* cut.end()
}

/** The chunk that is being filled. */
class Cut {
  readonly #options: ChunkOptions
  #chunk = 0
  #cards: ReadCard[] = []
  #errors: RowError[] = []
  #rows = 0
  #accepted = 0
  #columns: FileChunk['columns'] = { number: null, amount: null, expiresOn: null }
  #hasHeader = false
  #stopped: RowError | undefined

  constructor(options: ChunkOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#accepted >= cardsPerChunk || this.#errors.length >= errorsPerChunk
  }

  add(item: ImportItem): void {
    switch (item.kind) {
      case 'header':
        this.#hasHeader = true
        this.#columns = item.columns
        break
      case 'stopped':
        this.#stopped = item.error
        this.#errors.push(item.error)
        break
      case 'rejected':
        this.#rows += 1
        this.#errors.push(...item.errors)
        break
      case 'accepted':
        this.#rows += 1
        this.#accepted += 1
        if (this.#isWanted) this.#cards.push(this.#card(item))
        break
    }
  }

  *end(): Generator<FileChunk> {
    if (this.#isWanted)
      yield {
        chunk: this.#chunk,
        lane: this.#lane,
        cards: this.#cards,
        errors: this.#errors,
        rows: this.#rows,
        columns: this.#columns,
        stopped: this.#stopped,
        hasHeader: this.#hasHeader,
      }
    this.#chunk += 1
    this.#cards = []
    this.#errors = []
    this.#rows = 0
    this.#accepted = 0
  }

  get #isWanted(): boolean {
    return this.#chunk >= this.#options.from
  }

  get #lane(): Lane {
    const { lanes } = this.#options
    const lane = lanes[this.#chunk % lanes.length]
    if (lane === undefined) throw new Error('an import has lanes')
    return lane
  }

  #card({ line, card }: Extract<ImportItem, { kind: 'accepted' }>): ReadCard {
    const { secret, ...rest } = card
    const id: CardId = asId(newId(this.#lane))
    return {
      ...rest,
      line,
      id,
      secretDigest: secret === null ? null : this.#options.digestSecret(id, secret),
      numberDigest: this.#options.digestNumber(card.number),
    }
  }
}
