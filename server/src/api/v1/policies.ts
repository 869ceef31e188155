/** The route that tells which rules bind an issuer at a date, by which text, and what they were preferred to. */
import { formatId, formatInstant, issuerOfBook, refused } from '@lika/contract'
import { choosePacks, type ExplainedRule, explain } from '../../modules/policy/index.ts'
import { realNow } from '../../platform/clock.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  closed,
  DateText,
  idOf,
  nullable,
  oneOf,
  readId,
  readInstant,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Title = closed({ zh: Type.String(), en: Type.String() })
const Value = Type.Unsafe<number | boolean>({ type: ['integer', 'boolean'] })

const Explained = closed({
  issuer_id: idOf('issuer'),
  at: Timestamp,
  packs: Type.Array(closed({ name: Type.String(), title: Title })),
  rules: Type.Array(
    closed({
      rule: Type.String(),
      title: Title,
      text: Title,
      value: Value,
      unit: Type.String({ description: 'fen, months, days …; switch: true or false' }),
      pack: Type.String(),
      document: Type.String(),
      article: nullable(Type.String()),
      status: oneOf(['confirmed', 'unconfirmed']),
      effective_from: DateText,
      effective_to: nullable(DateText),
      read_at: oneOf(['now', 'sale'], 'sale: what was in force on the day of the sale stays'),
      note: nullable(Type.String()),
      outweighs: Type.Array(closed({ pack: Type.String(), value: Value })),
    }),
  ),
})

export function register(app: LikaApp, { issuers, packs }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/policies/explain',
      summary:
        'Lists the rules that bind an issuer at a date, with their sources; a key sees its own',
      access: { operatorOr: 'issuers:read' },
      query: closed({ issuer_id: idOf('issuer'), at: Type.Optional(Timestamp) }),
      responses: { 200: Explained },
      refusals: ['issuer.not_found', 'policy.unknown_pack'],
    },
    async ({ caller, query }) => {
      const id = readId('issuer', query.issuer_id)
      const isOthers = caller.kind === 'key' && issuerOfBook(caller.book) !== id
      const issuer = isOthers ? undefined : await issuers.find(id)
      if (issuer === undefined) return refused(notFound('issuer'))
      const chosen = choosePacks(packs, issuer.packs)
      if (!chosen.ok) return chosen
      const at = query.at === undefined ? realNow() : readInstant(query.at)
      return okay({
        issuer_id: formatId('issuer', id),
        at: formatInstant(at),
        packs: chosen.value.map(({ name, title }) => ({ name, title: { ...title } })),
        rules: explain(chosen.value, at).map(presentRule),
      })
    },
  )
}

function presentRule(rule: ExplainedRule) {
  return {
    rule: rule.id,
    title: { ...rule.title },
    text: { zh: rule.zh, en: rule.en },
    value: rule.value,
    unit: rule.unit,
    pack: rule.pack,
    document: rule.source.document,
    article: rule.source.article,
    status: rule.status,
    effective_from: rule.effectiveFrom,
    effective_to: rule.effectiveTo,
    read_at: rule.asOf,
    note: rule.note ?? null,
    outweighs: rule.outweighs.map((one) => ({ ...one })),
  }
}
