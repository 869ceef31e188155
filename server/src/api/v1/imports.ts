/** Routes of imports: card files of other systems, what became of their rows, and taking them back. */
import {
  asId,
  fenToJson,
  formatId,
  formatInstant,
  laneOfId,
  ok,
  type Result,
  refused,
} from '@lika/contract'
import { currency } from '../../flows/cards/facts.ts'
import { createImport, jobOfImport, presentImportJob, uploadOf } from '../../flows/import/create.ts'
import {
  jobOfReversal,
  presentReversalJob,
  reversalFrom,
  reverseImport,
} from '../../flows/import/reverse.ts'
import type { KeyCaller } from '../../modules/access/index.ts'
import {
  dropUpload,
  type ErrorRow,
  type ImportRow,
  importStatuses,
  selectErrors,
  selectImport,
  statusOfImport,
} from '../../modules/imports/index.ts'
import type { Executed } from '../../platform/lanes/index.ts'
import type { Deps } from '../deps.ts'
import { executed, okay } from '../http/answers.ts'
import { presentPage, readPage, smallPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  AmountOrZero,
  Currency,
  closed,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  readId,
  shown,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { ImportFields, readImport } from './import-upload.ts'
import { JobBody } from './jobs.ts'

const Count = Type.Integer({ minimum: 0 })

const ImportBody = closed({
  id: idOf('import'),
  job_id: idOf('job'),
  product_id: idOf('product'),
  product_version: Type.Integer({ minimum: 1 }),
  encoding: oneOf(['utf-8', 'gbk']),
  dry_run: Type.Boolean(),
  status: oneOf(importStatuses),
  rows: Count,
  accepted: Count,
  rejected: Count,
  total_amount: AmountOrZero,
  total_bonus: AmountOrZero,
  reversed: Count,
  currency: Currency,
  ...shown,
  created_at: Timestamp,
  reversed_at: nullable(Timestamp),
})

const RowErrorBody = closed({
  line: Type.Integer({ minimum: 1 }),
  column: nullable(Type.String()),
  code: Type.String(),
  message: Type.String(),
})

/** A million rows. */
const mostBytes = 256 * 1024 * 1024

export function register(app: LikaApp, deps: Deps): void {
  registerCreate(app, deps)
  registerReads(app, deps)
  registerReverse(app, deps)
}

function registerCreate(app: LikaApp, deps: Deps): void {
  const { flows, jobs, database } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/imports',
      summary: 'Imports the card file of another system, as a job; a dry run only reports',
      access: 'imports:write',
      idempotent: true,
      upload: ImportFields,
      bodyLimit: mostBytes,
      responses: { 202: JobBody },
      refusals: [
        'import.bad_file',
        'product.not_found',
        'reference.already_used',
        'product.not_published',
      ],
    },
    async (call) => {
      const { caller, request, idempotencyKey } = call
      const read = await readImport(request, deps)
      if (!read.ok) return read
      const { fields, upload } = read.value
      const input = {
        productId: readId('product', fields.product_id),
        encoding: fields.encoding ?? 'utf-8',
        dryRun: fields.dry_run ?? false,
        reference: fields.reference,
        metadata: fields.metadata,
      }
      const command = await createImport(flows, caller, { input, upload }, idempotencyKey)
      const result: Result<Executed> = command.ok ? ok(await call.execute(command.value)) : command
      if (!isNeeded(result, upload.id)) await dropUpload(database.sql, upload.id)
      if (!result.ok) return result
      if (result.value.status === 'done') {
        const id = result.value.commandId
        await jobs.enqueue(jobOfImport({ id, bookId: caller.book }))
      }
      return executed(result.value, 202, presentImportJob)
    },
  )
}

/** Whether the import reads this upload, or may do so: of a command that was not answered nobody knows. */
function isNeeded(result: Result<Executed>, uploadId: string): boolean {
  if (!result.ok) return false
  if (result.value.status === 'refused') return result.value.refusal.code === 'busy'
  return uploadOf(result.value.body) === uploadId
}

function registerReads(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/imports/{id}',
      summary: 'Shows an import',
      access: 'imports:read',
      id: 'import',
      responses: { 200: ImportBody },
      refusals: ['import.not_found'],
    },
    async ({ caller, id }) => {
      const found = await findImport(deps, caller, id)
      return found.ok ? okay(presentImport(found.value)) : found
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/imports/{id}/errors',
      summary: 'Lists what was wrong with rows, in the order of the file',
      access: 'imports:read',
      id: 'import',
      query: closed(paging),
      responses: { 200: pageOf(RowErrorBody) },
      refusals: ['import.not_found', 'cursor.invalid'],
    },
    async ({ caller, id, query }) => {
      const found = await findImport(deps, caller, id)
      if (!found.ok) return found
      const page = readPage('import_errors', [smallPart, smallPart], query)
      if (!page.ok) return page
      const [line = 0, position = 0] = page.value.after ?? []
      const rows = await selectErrors(deps.database.sql, found.value.id, {
        after: { line: Number(line), position: page.value.after ? Number(position) : -1 },
        limit: page.value.limit + 1,
      })
      const positionOf = (row: ErrorRow) => [row.line, row.position]
      return okay(presentPage('import_errors', page.value, rows, positionOf, presentError))
    },
  )
}

function registerReverse(app: LikaApp, { flows, jobs }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/imports/{id}/reverse',
      summary: 'Takes an import back while none of its cards was used, as a job',
      access: 'imports:write',
      idempotent: true,
      id: 'import',
      responses: { 202: JobBody },
      refusals: ['import.not_found', 'import.already_reversed', 'import.not_reversible'],
    },
    async (call) => {
      const { caller, id, idempotencyKey } = call
      const command = await reverseImport(flows, caller, id, idempotencyKey)
      if (!command.ok) return command
      const result = await call.execute(command.value)
      if (result.status === 'done')
        await jobs.enqueue(jobOfReversal({ ...reversalFrom(result.body), bookId: caller.book }))
      return executed(result, 202, presentReversalJob)
    },
  )
}

/** Refusals: `import.not_found`. */
async function findImport(
  { database, flows }: Deps,
  { book, mode }: KeyCaller,
  id: string,
): Promise<Result<ImportRow>> {
  const lane = laneOfId(id)
  const isThere = flows.engine.lanesOf(mode).includes(lane)
  const found = isThere ? await selectImport(database.sql, lane, book, asId(id)) : undefined
  return found === undefined ? refused(notFound('import')) : ok(found)
}

function presentImport(row: ImportRow) {
  return {
    id: formatId('import', row.id),
    job_id: formatId('job', row.id),
    product_id: formatId('product', row.productId),
    product_version: row.productVersion,
    encoding: row.encoding,
    dry_run: row.dryRun,
    status: statusOfImport(row),
    rows: row.rows,
    accepted: row.accepted,
    rejected: row.rejected,
    total_amount: fenToJson(row.totalAmount),
    total_bonus: fenToJson(row.totalBonus),
    reversed: row.reversed,
    currency,
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.createdAt),
    reversed_at: row.reversedAt === null ? null : formatInstant(row.reversedAt),
  }
}

function presentError({ line, column, code, message }: ErrorRow) {
  return { line, column, code, message }
}
