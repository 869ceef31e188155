/**
 * A statement as PDF, A4 across: the head, every line, the totals, with the header of a table on each page. Set in a
 * subset of Noto Sans SC that lies in `server/assets`; a character that is not in it is shown as 〓.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { startOfDay } from '@lika/contract'
import * as fontkit from 'fontkit'
import PDFDocument from 'pdfkit'
import {
  amountHeader,
  type Block,
  type Cell,
  cellText,
  headBlock,
  lineHeader,
  lineRow,
  type StatementHead,
  type StatementParts,
  totalsBlock,
} from './model.ts'

const fontFile = resolve(import.meta.dirname, '../../../assets/fonts/noto-sans-sc-subset.ttf')
const margin = 36
const rowHeight = 14
const fontSize = 8
const titleSize = 15
const missing = '〓'

/** Where columns begin, in points from the margin; amounts end where the next column begins. */
const lineColumns = [0, 34, 134, 168, 300, 496, 545, 640]
const headColumns = [0, 150, 400, 470, 540, 600, 670]
const totalColumns = [0, 260, 330, 440]
const width = 770

export async function* statementPdf(
  head: StatementHead,
  parts: StatementParts,
): AsyncGenerator<Uint8Array> {
  const font = readFileSync(fontFile)
  const title = `结算单 ${head.merchantName} ${head.fromDay} — ${head.toDay}`
  const pdf = new PDFDocument({
    size: 'A4',
    layout: 'landscape',
    margin,
    font: '',
    info: {
      Title: title,
      Producer: 'Lika',
      Creator: 'Lika',
      // Of the statement and not of the clock: the same statement is the same bytes.
      CreationDate: new Date(startOfDay(head.toDay)),
    },
  })
  const page = new Page(pdf, font)
  page.title(title)
  page.block(headBlock(head), headColumns)
  page.table(lineHeader, lineColumns)
  let number = 0
  for await (const part of parts) {
    if (part.kind === 'end') {
      page.space()
      page.block(totalsBlock(part), totalColumns)
    } else {
      for (const line of part.lines) {
        number += 1
        page.row(lineRow(line, number), lineColumns)
      }
    }
    // Whatever pages are complete by now.
    for (let bytes = read(pdf); bytes !== undefined; bytes = read(pdf)) yield bytes
  }
  pdf.end()
  for await (const bytes of pdf) if (bytes instanceof Uint8Array) yield bytes
}

function read(pdf: PDFKit.PDFDocument): Uint8Array | undefined {
  const bytes: unknown = pdf.read()
  return bytes instanceof Uint8Array ? bytes : undefined
}

/** Rows from the top to the bottom of pages, which it numbers. */
class Page {
  readonly #pdf: PDFKit.PDFDocument
  readonly #has: (character: string) => boolean
  #y = margin
  #number = 1
  #table: { header: readonly string[]; columns: readonly number[] } | undefined

  constructor(pdf: PDFKit.PDFDocument, font: Buffer) {
    this.#pdf = pdf
    this.#has = charactersOf(font)
    pdf.registerFont('han', font)
    pdf.font('han', fontSize)
    this.#foot()
  }

  title(text: string): void {
    this.#pdf.fontSize(titleSize)
    this.#write(text, margin, width)
    this.#pdf.fontSize(fontSize)
    this.#y += titleSize * 2
  }

  block({ header, rows }: Block, columns: readonly number[]): void {
    this.table(header, columns)
    for (const row of rows) this.row(row, columns)
    this.space()
  }

  /** Begins a table whose header stands on every page that it reaches. */
  table(header: readonly string[], columns: readonly number[]): void {
    if (this.#isFull(2)) this.#turn()
    this.#table = { header, columns }
    this.#header()
  }

  row(cells: readonly Cell[], columns: readonly number[]): void {
    if (this.#isFull(1)) {
      this.#turn()
      this.#header()
    }
    this.#cells(cells, columns)
  }

  space(): void {
    this.#y += rowHeight
  }

  #header(): void {
    if (this.#table === undefined) return
    const { header, columns } = this.#table
    this.#cells(header, columns)
    const y = this.#y - 3
    this.#pdf
      .moveTo(margin, y)
      .lineTo(margin + width, y)
      .lineWidth(0.5)
      .stroke()
  }

  #cells(cells: readonly Cell[], columns: readonly number[]): void {
    cells.forEach((cell, index) => {
      const from = columns[index] ?? 0
      const room = (columns[index + 1] ?? width) - from - 6
      const isAmount = typeof cell === 'bigint' || cell === amountHeader
      this.#write(cellText(cell), margin + from, room, isAmount)
    })
    this.#y += rowHeight
  }

  /** On one line: what is too long for its column ends in an ellipsis. */
  #write(text: string, x: number, room: number, isAmount = false): void {
    const shown = this.#shortened(this.#known(text), room)
    const from = isAmount ? x + room - this.#pdf.widthOfString(shown) : x
    this.#pdf.text(shown, from, this.#y, { lineBreak: false })
  }

  #shortened(text: string, room: number): string {
    if (this.#pdf.widthOfString(text) <= room) return text
    let characters = charactersIn(text)
    while (characters.length > 1 && this.#pdf.widthOfString(`${characters.join('')}…`) > room)
      characters = characters.slice(0, -1)
    return `${characters.join('')}…`
  }

  #known(text: string): string {
    const shown = charactersIn(text).map((one) => (this.#has(one) ? one : missing))
    return shown.join('')
  }

  #isFull(rows: number): boolean {
    return this.#y + rows * rowHeight > this.#pdf.page.height - margin - rowHeight
  }

  #turn(): void {
    this.#pdf.addPage()
    this.#number += 1
    this.#y = margin
    this.#foot()
  }

  #foot(): void {
    const y = this.#pdf.page.height - margin - fontSize
    this.#pdf.text(`第 ${this.#number} 页`, margin, y, { lineBreak: false })
  }
}

/** As a font has them: one code point each. */
function charactersIn(text: string): string[] {
  return text.match(/./gsu) ?? []
}

function charactersOf(font: Buffer): (character: string) => boolean {
  const opened = fontkit.create(font)
  if (!('characterSet' in opened)) throw new Error('the file of the font holds several')
  const characters = new Set(opened.characterSet)
  return (character) => characters.has(character.codePointAt(0) ?? 0)
}
