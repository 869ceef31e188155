/**
 * Dated figures that rules count with, as data beside the packs (`policies/tables`): interest rates, and the calendar of
 * days on which nobody works.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BusinessDate, businessDateOf, dayMs, startOfDay } from '@lika/contract'
import { Compile } from 'typebox/schema'

export const rateTableNames = ['lpr-1y', 'deposit-1y'] as const
export type RateTableName = (typeof rateTableNames)[number]

/** A rate and the days from which it held, in hundredths of a percent a year. */
export interface RateTable {
  readonly name: string
  readonly title: { readonly zh: string; readonly en: string }
  readonly source: string
  readonly status: 'confirmed' | 'unconfirmed'
  /** Until when the last value is known to stand; later it is assumed. */
  readonly knownTo: BusinessDate
  /** By how many days a year's interest is divided. */
  readonly daysOfYear: number
  /** In the order of their days. */
  readonly entries: readonly { readonly from: BusinessDate; readonly bp: number }[]
}

interface RestYear {
  readonly year: number
  readonly source: string
  /** First and last day of each holiday. */
  readonly off: readonly (readonly [BusinessDate, BusinessDate])[]
  /** Saturdays and Sundays on which people work. */
  readonly work: readonly BusinessDate[]
}

/** What a contract of that class asks for, from a day on. */
export interface MerchantClass {
  readonly class: string
  readonly from: BusinessDate
  readonly needs: {
    readonly monthlyVolumeFen?: number
    readonly stores?: number
    /** Tenths of a star. */
    readonly ratingTenths?: number
  }
  readonly commissionBp: { readonly min: number; readonly max: number }
  readonly cycle: {
    readonly kind: 't_plus' | 'weekly' | 'half_month' | 'month'
    /** Of `t_plus`. */
    readonly days?: number
  }
}

/** What a point of commission more does to volume and to the merchant's margin, in basis points. */
export interface Elasticity {
  readonly source: string
  readonly volumeBpPerPoint: number
  readonly marginBpPerPoint: number
}

export interface MerchantClasses {
  /** In the order of their days. */
  readonly classes: readonly MerchantClass[]
  readonly elasticity: Elasticity
}

export interface Tables {
  readonly rates: Readonly<Record<RateTableName, RateTable>>
  readonly restYears: readonly RestYear[]
  readonly merchantClasses: MerchantClasses
}

const calendarName = 'rest-days'
const classesName = 'merchant-classes'
const schemaFile = 'schema.json'

/**
 * The tables of a folder.
 * @throws Error with file and place where one is missing, is not as `schema.json` says, or is not in the order of days.
 */
export async function loadTables(dir: string): Promise<Tables> {
  const schema: unknown = await readJson(join(dir, schemaFile))
  if (typeof schema !== 'object' || schema === null) throw new Error(`${dir}: no schema`)
  const validator = Compile(schema)
  const content = new Map<string, unknown>()
  for (const file of (await readdir(dir)).filter((name) => name !== schemaFile)) {
    const table: unknown = await readJson(join(dir, file))
    if (!validator.Check(table)) {
      const [, [first]] = validator.Errors(table)
      throw new Error(`${join(dir, file)}: ${first?.instancePath ?? '/'} ${first?.message ?? ''}`)
    }
    content.set(file.replace(/\.json$/, ''), table)
  }
  const calendar = content.get(calendarName)
  if (!isCalendar(calendar)) throw new Error(`${dir}: there is no ${calendarName}.json`)
  const merchantClasses = content.get(classesName)
  if (!isClasses(merchantClasses)) throw new Error(`${dir}: there is no ${classesName}.json`)
  return {
    rates: { 'lpr-1y': rateTable('lpr-1y'), 'deposit-1y': rateTable('deposit-1y') },
    restYears: calendar.years,
    merchantClasses: {
      ...merchantClasses,
      classes: merchantClasses.classes.toSorted((one, other) => (one.from < other.from ? -1 : 1)),
    },
  }

  function rateTable(name: RateTableName): RateTable {
    const table = content.get(name)
    if (!isRateTable(table)) throw new Error(`${dir}: there is no ${name}.json`)
    if (table.entries.some(({ from }, index) => from <= (table.entries[index - 1]?.from ?? '')))
      throw new Error(`${join(dir, name)}.json: /entries is not in the order of its days`)
    return table
  }
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}

/** What has entries has the rest too: the schema was asked. */
function isRateTable(table: unknown): table is RateTable {
  return typeof table === 'object' && table !== null && 'entries' in table
}

function isCalendar(table: unknown): table is { years: readonly RestYear[] } {
  return typeof table === 'object' && table !== null && 'years' in table
}

function isClasses(table: unknown): table is MerchantClasses {
  return typeof table === 'object' && table !== null && 'classes' in table
}

export interface DatedRate {
  readonly table: RateTable
  readonly bp: number
  readonly from: BusinessDate
  /** Whether somebody read it in the source, and it is not newer than what is known. */
  readonly isConfirmed: boolean
}

/** What held on that day; before the first entry, the first: the table begins with the rate itself. */
export function rateOn(table: RateTable, day: BusinessDate): DatedRate {
  const entry = table.entries.findLast(({ from }) => from <= day) ?? table.entries[0]
  if (entry === undefined) throw new Error(`${table.name} has no entry`)
  const isConfirmed = table.status === 'confirmed' && day <= table.knownTo
  return { table, ...entry, isConfirmed }
}

/** A Saturday or Sunday on which nobody works, or a holiday. Of a year that is not in the table, weekends only. */
export function isRestDay({ restYears }: Pick<Tables, 'restYears'>, day: BusinessDate): boolean {
  const known = restYears.find(({ year }) => year === Number(day.slice(0, 4)))
  if (known?.off.some(([first, last]) => first <= day && day <= last) === true) return true
  if (known?.work.includes(day) === true) return false
  return [0, 6].includes(new Date(`${day}T00:00:00.000Z`).getUTCDay())
}

export function addDays(day: BusinessDate, days: number): BusinessDate {
  return businessDateOf(startOfDay(day) + days * dayMs)
}

/**
 * The last day of a period in days: the day on which it begins is not counted (民法典 201), and an end on a rest day
 * moves to the day after the rest (民法典 203).
 */
export function lastDayOf(
  tables: Pick<Tables, 'restYears'>,
  begin: BusinessDate,
  days: number,
): BusinessDate {
  let last = addDays(begin, days)
  while (isRestDay(tables, last)) last = addDays(last, 1)
  return last
}
