/** `lika policy explain`: which rules bind an issuer at a date, by which text, for somebody who reads law. */
import type { Answer } from '../client.ts'
import { isObject, type Json, type JsonObject, memberAt, objectsAt, textAt } from '../json.ts'
import { fromInstant } from '../option-values.ts'
import type { Say } from '../say.ts'
import { printable } from '../table.ts'
import type { Lika } from '../verbs.ts'

export function addPolicy(lika: Lika): void {
  const { say } = lika
  const policy = lika.noun('policy', '规则', 'the rules that bind an issuer')
  const explain = lika
    .verb(
      policy,
      'explain <issuer>',
      '列出生效的规则及出处',
      'list the rules in force, with sources',
    )
    .option('--at <time>', say('某一日期或时刻', 'on that day, or at that time'), fromInstant)
  explain.action(
    lika.action(async (call, issuer: string, options: { at?: string }) => {
      const query = { issuer_id: issuer, at: options.at }
      const answer = await call.get('/v1/policies/explain', query)
      if (call.options.json) call.showText(answer)
      else for (const line of linesOf(answer, call.say)) call.world.print(line)
    }, 'operator-or-issuer'),
  )
  lika.examples(explain, 'policy explain iss_… --at 2026-12-31')
}

function linesOf({ body }: Answer, say: Say): string[] {
  const packs = objectsAt(body, 'packs').map((pack) => {
    const title = memberAt(pack, 'title')
    return `${text(pack, 'name')} ${say(text(title, 'zh'), text(title, 'en'))}`
  })
  const rules = objectsAt(body, 'rules').flatMap((rule) => ['', ...linesOfRule(rule, say)])
  return [`${say('规则包', 'Packs')}: ${packs.join('; ')}`, ...rules]
}

/** In words with its source; then as data; then what else a reader should know. */
function linesOfRule(rule: JsonObject, say: Say): string[] {
  const words = memberAt(rule, 'text')
  const until = textAt(rule, 'effective_to')
  const period = `${text(rule, 'effective_from')} – ${until ?? ''}`.trim()
  const value = `${text(rule, 'rule')} = ${JSON.stringify(memberAt(rule, 'value'))}`
  const outweighed = objectsAt(rule, 'outweighs').map(
    (one) => `${text(one, 'pack')} ${JSON.stringify(memberAt(one, 'value'))}`,
  )
  const note = textAt(rule, 'note')
  return [
    ...[say(text(words, 'zh'), ''), say('', text(words, 'en'))]
      .map((line) => printable(line.trim()))
      .filter((line) => line !== ''),
    printable(`  ${value}; ${text(rule, 'pack')}; ${period}`),
    ...(textAt(rule, 'read_at') === 'sale'
      ? [`  ${say('以售卡之日的规定为准', 'As it was on the day of the sale')}`]
      : []),
    ...(outweighed.length > 0
      ? [`  ${say('优先于', 'Preferred to')}: ${printable(outweighed.join(', '))}`]
      : []),
    ...(note === undefined ? [] : [`  ${say('说明', 'Note')}: ${printable(note)}`]),
  ]
}

function text(value: Json | undefined, name: string): string {
  return isObject(value) ? (textAt(value, name) ?? '') : ''
}
