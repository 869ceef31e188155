/** Routes of filings and licences: kept in the fields of their forms, exported in their order, called to mind in time. */
import { asId, formatId, formatInstant, formatYuan, refused } from '@lika/contract'
import { homeLaneOf } from '../../flows/reserve/desk.ts'
import { groundsNow } from '../../flows/reserve/requirement.ts'
import type { KeyCaller } from '../../modules/access/index.ts'
import {
  coverageOf,
  type FilingForm,
  type FilingRow,
  filingForms,
  formFields,
  insertFiling,
  papersOf,
  requirementOf,
  selectAccounts,
  selectFilings,
  selectGuarantees,
} from '../../modules/reserve/index.ts'
import { newId } from '../../platform/ids.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { csvFile, wantsCsv } from '../http/csv-answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  closed,
  DateText,
  given,
  idOf,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  shown,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const FormName = oneOf(
  filingForms,
  'mofcom_single_purpose 单用途卡发卡企业备案, pboc_payment_licence 支付业务许可',
)
const Fields = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9_]{0,39}$' }),
  Type.String({ maxLength: 500, pattern: '^[^\\u0000]*$' }),
  { maxProperties: 60, additionalProperties: false },
)

const FilingBody = closed({
  id: idOf('filing'),
  form: FormName,
  number: text(64),
  authority: text(100),
  filed_on: DateText,
  valid_to: nullable(DateText),
  fields: Fields,
  ...shown,
  filed_by: Type.String(),
  created_at: Timestamp,
})

const NewFiling = closed({
  form: FormName,
  number: text(64),
  authority: text(100),
  filed_on: DateText,
  valid_to: Type.Optional(DateText),
  fields: Type.Optional(Fields),
  ...given,
})

const FormBody = closed({
  form: FormName,
  number: text(64),
  authority: text(100),
  filed_on: DateText,
  valid_to: nullable(DateText),
  fields: Type.Array(
    closed({
      name: Type.String(),
      zh: Type.String(),
      value: nullable(Type.String()),
      filled_by: nullable(oneOf(['filer', 'lika'])),
    }),
  ),
  papers: Type.Array(Type.String()),
})

export function register(app: LikaApp, deps: Deps): void {
  const { database, bookNow, flows } = deps
  const { sql } = database

  app.route(
    {
      method: 'POST',
      path: '/v1/filings',
      summary: 'Puts a filing or a licence on record; its renewal is another one',
      access: 'reserve:write',
      body: NewFiling,
      responses: { 201: FilingBody },
      refusals: ['reference.already_used'],
    },
    async ({ caller, body }) => {
      const row: FilingRow = {
        id: asId(newId()),
        bookId: caller.book,
        form: body.form,
        number: body.number,
        authority: body.authority,
        filedOn: body.filed_on,
        validTo: body.valid_to ?? null,
        fields: body.fields ?? {},
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
        keyId: caller.keyId,
        owner: caller.owner,
        at: bookNow(caller.mode),
      }
      const existing = await insertFiling(sql, row)
      return existing === undefined
        ? created(presentFiling(row))
        : refused(referenceTaken('filing', existing))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/filings',
      summary: 'Lists filings and licences, the newest first',
      access: 'reserve:read',
      query: closed({ ...paging, reference: Type.Optional(Reference) }),
      responses: { 200: pageOf(FilingBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('filings', [uuidPart], query)
      if (!asked.ok) return asked
      const rows = await selectFilings(sql, caller.book, {
        reference: query.reference,
        before: asked.value.afterId,
        limit: asked.value.limit + 1,
      })
      return okay(presentPage('filings', asked.value, rows, ({ id }) => [id], presentFiling))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/filings/{id}',
      summary: 'Shows a filing',
      access: 'reserve:read',
      id: 'filing',
      responses: { 200: FilingBody },
      refusals: ['filing.not_found'],
    },
    async ({ caller, id }) => {
      const [row] = await selectFilings(sql, caller.book, { id, limit: 1 })
      return row === undefined ? refused(notFound('filing')) : okay(presentFiling(row))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/filings/{id}/form',
      summary: 'The filing in the fields of its form, with what the platform knows filled in',
      access: 'reserve:read',
      id: 'filing',
      query: closed({ format: Type.Optional(oneOf(['json', 'csv'])) }),
      responses: { 200: FormBody },
      files: ['text/csv'],
      refusals: ['filing.not_found'],
    },
    async ({ caller, id, query, request }) => {
      const [row] = await selectFilings(sql, caller.book, { id, limit: 1 })
      if (row === undefined) return refused(notFound('filing'))
      const { known, issuerClass } = await knownFields(caller, row.form)
      const fields = fieldsOf(row, known)
      if (wantsCsv(query.format, request.headers.accept)) {
        const rows = fields.map(({ zh, name, value }) => [zh, name, value])
        return csvFile(`filing-${row.filedOn}.csv`, ['栏目', '名称', '内容'], rows)
      }
      return okay({
        form: row.form,
        number: row.number,
        authority: row.authority,
        filed_on: row.filedOn,
        valid_to: row.validTo,
        fields,
        papers: [...papersOf(row.form, issuerClass)],
      })
    },
  )

  /** What the platform can fill in today. */
  async function knownFields(caller: KeyCaller, form: FilingForm) {
    const lane = homeLaneOf(flows, caller.mode)
    const asked = { books: [caller.book] }
    const [issuer, accounts, guarantees, grounds] = await Promise.all([
      deps.issuers.find(caller.issuerId),
      selectAccounts(sql, lane, asked),
      selectGuarantees(sql, lane, asked),
      groundsNow(flows, caller.book),
    ])
    const known = new Map<string, string>()
    if (issuer !== undefined) known.set('enterprise_name', issuer.legalName)
    if (accounts.length > 0) {
      known.set('custody_bank', accounts.map(({ bankName }) => bankName).join('、'))
      known.set('custody_account', accounts.map(({ accountNumber }) => accountNumber).join('、'))
    }
    if (!grounds.ok) return { known, issuerClass: undefined }
    const { policy, profile, bases, day } = grounds.value
    const custody = accounts.reduce((sum, { balance }) => sum + balance, 0n)
    const { required, binding } = requirementOf(policy, profile, bases)
    const { guaranteed } = coverageOf(policy, required, custody, guarantees, day)
    const { quarterEnd, daily } = bases
    const prepaid = form === 'pboc_payment_licence' ? daily.customers : quarterEnd.prepaid
    known.set('prepaid_balance', formatYuan(prepaid))
    known.set('guarantees', formatYuan(guaranteed))
    if (binding !== undefined) known.set('custody_ratio', percentOf(binding.ratioBp))
    if (profile !== undefined) {
      known.set('issuer_class', classNames[profile.issuerClass])
      if (profile.lastYearRevenue !== null)
        known.set('last_year_revenue', formatYuan(profile.lastYearRevenue))
      if (profile.businessBegan !== null) known.set('business_began', profile.businessBegan)
    }
    return { known, issuerClass: profile?.issuerClass }
  }
}

const classNames = {
  scale: '规模发卡企业',
  group: '集团发卡企业',
  brand: '品牌发卡企业',
  other: '其他发卡企业',
} as const

/** The fields of the form in its order, then what was given under other names. */
function fieldsOf({ form, fields }: FilingRow, known: ReadonlyMap<string, string>) {
  const ofForm = formFields[form]
  const names = new Set(ofForm.map(({ name }) => name))
  const more = Object.keys(fields)
    .filter((name) => !names.has(name))
    .toSorted()
    .map((name) => ({ name, zh: name, isKnown: false }))
  return [...ofForm, ...more].map(({ name, zh, isKnown }) => {
    const given = fields[name]
    const value = given ?? (isKnown ? known.get(name) : undefined)
    const by = given === undefined ? ('lika' as const) : ('filer' as const)
    return { name, zh, value: value ?? null, filled_by: value === undefined ? null : by }
  })
}

/** 2000 → `20%`, 2050 → `20.50%` */
function percentOf(bp: number): string {
  const rest = bp % 100
  return `${Math.floor(bp / 100)}${rest === 0 ? '' : `.${String(rest).padStart(2, '0')}`}%`
}

function presentFiling(row: FilingRow) {
  return {
    id: formatId('filing', row.id),
    form: row.form,
    number: row.number,
    authority: row.authority,
    filed_on: row.filedOn,
    valid_to: row.validTo,
    fields: { ...row.fields },
    reference: row.reference,
    metadata: { ...row.metadata },
    filed_by: row.owner,
    created_at: formatInstant(row.at),
  }
}
