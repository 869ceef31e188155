/** The route of a statement as a file: CSV, a workbook or a PDF. */
import { Readable } from 'node:stream'
import { statementFile } from '../../flows/settle/statement-file.ts'
import { type DocumentFormat, documentFormats } from '../../modules/documents/index.ts'
import type { Deps } from '../deps.ts'
import { file } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, oneOf } from '../http/schemas.ts'

const mediaTypes: Readonly<Record<DocumentFormat, string>> = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pdf: 'application/pdf',
}

export function register(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/settlements/{id}/file',
      summary: 'A statement as CSV, XLSX or PDF: every line with its payment and its journal entry',
      access: 'settlements:read',
      id: 'settlement',
      query: closed({ format: oneOf(documentFormats) }),
      responses: {},
      files: Object.values(mediaTypes),
      refusals: ['settlement.not_found', 'settlement.too_long'],
      // Each is a thread and its memory for as long as it is read.
      rate: { calls: 60, perSeconds: 60 },
    },
    async ({ caller, id, query: { format } }) => {
      const made = await statementFile(flows, caller.book, id, format)
      if (!made.ok) return made
      const { name, content } = made.value
      return file(
        `${mediaTypes[format]}${format === 'csv' ? '; charset=utf-8' : ''}`,
        Readable.from(content),
        {
          'content-disposition': `attachment; filename="${name}.${format}"`,
        },
      )
    },
  )
}
