/** What a merchant says and shows of itself to be let in, as callers send and see it. */
import { formatId, formatInstant, merchantStates } from '@lika/contract'
import {
  type Application,
  type Deed,
  documentKinds,
  type KeptDocument,
} from '../../modules/merchants/index.ts'
import {
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  type Static,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

export const Digest = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the file, hex',
})
const documentMembers = { kind: oneOf(documentKinds), name: text(200), digest: Digest }
const applicationMembers = {
  legal_name: text(200),
  credit_code: Type.String({
    pattern: '^[0-9A-HJ-NPQRTUWXY]{18}$',
    description: '统一社会信用代码 (GB 32100-2015)',
  }),
  contact: closed({ name: text(100), phone: text(30, 5) }),
}

export const OnboardingGiven = closed({
  ...applicationMembers,
  documents: Type.Array(closed({ ...documentMembers, expires_on: Type.Optional(DateText) }), {
    maxItems: 50,
  }),
})

const OnboardingShown = closed({
  ...applicationMembers,
  documents: Type.Array(
    closed({
      ...documentMembers,
      expires_on: nullable(DateText),
      document_id: nullable(
        Type.String({ description: 'the file that is kept with this digest, where there is one' }),
      ),
    }),
  ),
})

/** Who did something, told in words and by the key that was used. */
export const By = closed({ key_id: idOf('key'), owner: text(100) })

export const OnboardingBody = closed({
  merchant_id: idOf('merchant'),
  status: oneOf(merchantStates),
  application: Type.Optional(OnboardingShown),
  history: Type.Array(
    closed({
      action: oneOf([
        'created',
        'drafted',
        'changed',
        'submitted',
        'approved',
        'rejected',
        'suspended',
        'resumed',
      ]),
      status: oneOf(merchantStates),
      reason: nullable(Type.String()),
      by: By,
      at: Timestamp,
    }),
  ),
})

export function applicationIn(given: Static<typeof OnboardingGiven>): Application {
  return {
    legalName: given.legal_name,
    creditCode: given.credit_code,
    contact: given.contact,
    documents: given.documents.map(({ kind, name, digest, expires_on: expiresOn }) => ({
      kind,
      name,
      digest,
      expiresOn: expiresOn ?? null,
    })),
  }
}

export function presentApplication(application: Application, files: readonly KeptDocument[]) {
  return {
    legal_name: application.legalName,
    credit_code: application.creditCode,
    contact: { name: application.contact.name, phone: application.contact.phone },
    documents: application.documents.map(({ kind, name, digest, expiresOn }) => ({
      kind,
      name,
      digest,
      expires_on: expiresOn,
      document_id: documentId(files.find((one) => one.digest === digest)),
    })),
  }
}

function documentId(file: KeptDocument | undefined): string | null {
  return file === undefined ? null : formatId('document', file.id)
}

export function presentDeed({ action, status, reason, at, ...by }: Deed) {
  return { action, status, reason, by: presentBy(by), at: formatInstant(at) }
}

export function presentBy({ keyId, owner }: { readonly keyId: string; readonly owner: string }) {
  return { key_id: formatId('key', keyId), owner }
}
