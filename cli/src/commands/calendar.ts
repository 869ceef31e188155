/** `lika calendar …`: the years of which the business days are known, and those that the operator lays down. */

import type { JsonObject } from '../json.ts'
import { objectFile } from '../option-values.ts'
import type { Lika } from '../verbs.ts'

export function addCalendar(lika: Lika): void {
  const { say } = lika
  const calendar = lika.noun('calendar', '营业日历', 'the calendar of business days')
  lika
    .verb(calendar, 'show', '查看已有的年份', 'show the years that it has')
    .action(lika.action(async (call) => call.show(await call.get('/v1/calendar'))))
  const layDown = lika
    .verb(calendar, 'lay-down', '登记官方日历尚缺的年份', 'lay down a year that it lacks')
    .requiredOption(
      '--file <file>',
      say(
        'JSON：year、off、work、reason；- 为标准输入',
        'JSON with year, off, work, reason; - is stdin',
      ),
      objectFile,
    )
    .action(
      lika.action(
        async (call, { file }: { file: JsonObject }) =>
          call.show(await call.post('/v1/calendar', file)),
        'operator',
      ),
    )
  lika.examples(layDown, 'calendar lay-down --file 2027.json')
}
