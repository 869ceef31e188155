/** Routes of where an issuer's cards can be spent, and where they should be. */
import type { Coverage } from '../../modules/merchants/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, Type, text } from '../http/schemas.ts'

const Count = Type.Integer({ minimum: 0 })
const counts = { merchants: Count, stores: Count }
const District = text(64)

const CoverageBody = closed({
  ...counts,
  data: Type.Array(
    closed({
      district: District,
      ...counts,
      categories: Type.Array(closed({ category: text(64), ...counts })),
    }),
  ),
  gaps: Type.Array(District, { description: 'districts that should be covered and have no store' }),
})

/** As long as a district may be called. */
const name = '[^,，、\\u0000-\\u001f\\u007f]{0,64}'

export function register(app: LikaApp, { merchants, bookNow }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/coverage',
      summary:
        "Counts stores of approved merchants by district; gaps are those of the query, or of the issuer's list, without one",
      access: 'merchants:read',
      query: closed({
        districts: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 8_000,
            pattern: `^${name}([,，、]${name})*$`,
            description: 'names, separated by commas: only these are shown',
          }),
        ),
      }),
      responses: { 200: CoverageBody },
      refusals: [],
    },
    async ({ caller, query }) => {
      const asked = namesIn(query.districts)
      const coverage = await merchants.coverage(caller.book)
      if (asked.length > 0) return okay(presentCoverage(coverage, asked, asked))
      return okay(presentCoverage(coverage, await merchants.wantedDistricts(caller.book)))
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/merchants/coverage',
      summary: 'Sets the list of districts that should be covered, in place of the former',
      access: 'merchants:write',
      body: closed({ districts: Type.Array(District, { maxItems: 1_000 }) }),
      responses: { 200: CoverageBody },
      refusals: [],
    },
    async ({ caller, body }) => {
      const districts = [...new Set(body.districts)]
      const by = { keyId: caller.keyId, owner: caller.owner, at: bookNow(caller.mode) }
      await merchants.wantDistricts(caller.book, districts, by)
      return okay(presentCoverage(await merchants.coverage(caller.book), districts))
    },
  )
}

function namesIn(list: string | undefined): string[] {
  const names = (list ?? '').split(/[,，、]/).map((one) => one.trim())
  return [...new Set(names)].filter((one) => one !== '')
}

/** `shown`: only these districts. */
function presentCoverage(
  { merchants, stores, districts }: Coverage,
  wanted: readonly string[],
  shown?: readonly string[],
) {
  const covered = new Set(districts.map(({ district }) => district))
  return {
    merchants,
    stores,
    data: districts
      .filter(({ district }) => shown === undefined || shown.includes(district))
      .map((one) => ({ ...one, categories: one.categories.map((part) => ({ ...part })) })),
    gaps: wanted.filter((district) => !covered.has(district)),
  }
}
