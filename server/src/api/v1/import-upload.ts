/** Reads the multipart body of an import: fields in any order, and the file, which goes where it is kept as it comes in. */
import type { MultipartFile } from '@fastify/multipart'
import { ok, type Result, refusal, refused, type Uuid } from '@lika/contract'
import type { FastifyRequest } from 'fastify'
import type { Upload } from '../../flows/import/create.ts'
import { dropUpload, keepUpload } from '../../modules/imports/index.ts'
import type { Deps } from '../deps.ts'
import { readJson } from '../http/json-body.ts'
import { closed, given, idOf, oneOf, type Static, Type } from '../http/schemas.ts'
import { compileCheck, shapeRefusal } from '../http/shapes.ts'

/** Beside `file`. `metadata` is an object of strings, as JSON. */
export const ImportFields = closed({
  product_id: idOf('product'),
  encoding: Type.Optional(oneOf(['utf-8', 'gbk'])),
  dry_run: Type.Optional(Type.Boolean()),
  ...given,
})

const checkFields = compileCheck(ImportFields)

export interface ReadImport {
  readonly fields: Static<typeof ImportFields>
  readonly upload: Upload
}

/**
 * The fields, and the upload that is kept from now on. Refusals, of which none leaves an upload behind:
 * `request.invalid`, `request.too_large`, `import.bad_file` (none, or an empty one).
 */
export async function readImport(
  request: FastifyRequest,
  { database: { sql }, flows }: Pick<Deps, 'database' | 'flows'>,
): Promise<Result<ReadImport>> {
  const id = flows.newId()
  const drop = () => dropUpload(sql, id)
  try {
    const read = await readParts(request, (file) => keepUpload(sql, flows.keyring, id, file.file))
    const result = read.ok ? checked(read.value, id) : read
    if (!result.ok) await drop()
    return result
  } catch (error) {
    await drop()
    throw error
  }
}

interface Parts {
  readonly fields: Readonly<Record<string, unknown>>
  readonly kept: { readonly length: number; readonly digest: string } | undefined
}

async function readParts(
  request: FastifyRequest,
  keep: (file: MultipartFile) => Promise<NonNullable<Parts['kept']>>,
): Promise<Result<Parts>> {
  const fields: Record<string, unknown> = {}
  let kept: Parts['kept']
  for await (const part of request.parts()) {
    if (part.type === 'field') {
      const name = part.fieldname
      if (Object.hasOwn(fields, name)) return invalid(name, 'stands here twice')
      fields[name] = readField(name, part.value)
    } else if (part.fieldname === 'file') {
      kept = await keep(part)
      if (part.file.truncated)
        return refused(refusal('request.too_large', 'The file is larger than an import takes.'))
    } else {
      return invalid(part.fieldname, 'is not a member here')
    }
  }
  return ok({ fields, kept })
}

function checked({ fields, kept }: Parts, id: Uuid): Result<ReadImport> {
  const errors = checkFields(fields)
  if (errors !== undefined) return refused(shapeRefusal(errors))
  if (kept === undefined || kept.length === 0)
    return refused(refusal('import.bad_file', 'Send the file as the part "file"; it is not empty.'))
  if (!isChecked(fields)) throw new Error('the fields were checked by their schema')
  return ok({ fields, upload: { id, digest: kept.digest } })
}

function isChecked(fields: unknown): fields is Static<typeof ImportFields> {
  return checkFields(fields) === undefined
}

/** Multipart fields are texts; what is none becomes what it stands for, or stays to be refused. */
function readField(name: string, value: unknown): unknown {
  if (name === 'dry_run') return value === 'true' ? true : value === 'false' ? false : value
  if (name !== 'metadata' || typeof value !== 'string') return value
  const read = readJson(Buffer.from(value))
  return read.ok ? read.value : value
}

function invalid(path: string, message: string): Result<never> {
  return refused(shapeRefusal([{ path, message }]))
}
