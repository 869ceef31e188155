/** Card files of other systems, as small as they can be, and the forms in which they are uploaded. */
let files = 0

/** A file of two new cards, and a third row that is wrong. */
export function cardFile(): string {
  files += 1
  const number = (row: number) =>
    `8${String(process.pid).padStart(7, '0')}${String(files * 10 + row).padStart(8, '0')}`
  const rows = [1, 2].map((row) => `${number(row)},LEGACYSECRET${files}${row},12.50`)
  return ['number,secret,amount', ...rows, `${number(3)},LEGACYSECRET${files}3,12.505`].join('\n')
}

export function formOf(fields: Record<string, string>, file: string): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob([file]), 'cards.csv')
  return form
}
