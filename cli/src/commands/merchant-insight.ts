/** `lika merchants coverage` and `lika merchants what-if`: merchants as a whole. */
import type { Command } from 'commander'
import type { Call } from '../call.ts'
import type { Answer } from '../client.ts'
import { memberAt, objectsAt } from '../json.ts'
import { names, percent, yuan } from '../option-values.ts'
import { body, type Lika } from '../verbs.ts'

interface WhatIf {
  volume: number
  rate: number
  change: number
  margin?: number
  volumePerPoint?: number
  marginPerPoint?: number
}

export function addCoverage(lika: Lika, merchants: Command): void {
  const coverage = lika
    .verb(merchants, 'coverage', '按区域统计门店，列出空白', 'stores by district, and the gaps')
    .option(
      '--district <names>',
      lika.say('应覆盖的区域，可多次', 'districts that should be covered, repeatable'),
      names,
    )
  coverage.action(
    lika.action(async (call, { district }: { district?: string[] }) =>
      showCoverage(
        call,
        await call.get('/v1/merchants/coverage', { districts: district?.join(',') }),
      ),
    ),
  )
  lika.examples(coverage, 'merchants coverage --district 徐汇区,静安区')

  const cover = lika
    .verb(
      merchants,
      'cover',
      '设定应覆盖的区域（替换原有）',
      'set which districts should be covered',
    )
    .requiredOption('--district <names>', lika.say('区域，可多次', 'districts, repeatable'), names)
  cover.action(
    lika.action(async (call, { district: districts }: { district: string[] }) =>
      showCoverage(call, await call.post('/v1/merchants/coverage', { districts })),
    ),
  )
  lika.examples(cover, 'merchants cover --district 徐汇区,静安区,黄浦区')
}

function showCoverage(call: Call, answer: Answer): void {
  if (call.options.json) {
    call.showText(answer)
    return
  }
  call.showRows(objectsAt(answer.body, 'data'), ['district', 'merchants', 'stores'])
  const gaps = memberAt(answer.body, 'gaps')
  if (Array.isArray(gaps) && gaps.length > 0)
    call.world.note(`${call.say('空白', 'Gaps')}: ${gaps.join(', ')}`)
}

export function addWhatIf(lika: Lika, merchants: Command): void {
  const { say } = lika
  const whatIf = lika
    .verb(merchants, 'what-if', '试算调整佣金的影响', 'compute what another commission would bring')
    .requiredOption('--volume <yuan>', say('交易额（元）', 'volume in yuan'), yuan)
    .requiredOption('--rate <percent>', say('现行佣金', 'commission now'), percent)
    .requiredOption('--change <points>', say('增减的百分点', 'points more or less'), percent)
    .option('--margin <percent>', say('商户毛利率', "the merchant's margin"), percent)
    .option(
      '--volume-per-point <percent>',
      say('每个百分点带来的交易额变化', 'change of volume for each point'),
      percent,
    )
    .option(
      '--margin-per-point <points>',
      say('每个百分点带来的毛利率变化', 'change of margin for each point'),
      percent,
    )
  whatIf.action(
    lika.action(async (call, options: WhatIf) => {
      const { volume, rate, change, margin } = options
      const sent = {
        volume,
        rate_bp: rate,
        change_bp: change,
        margin_bp: margin,
        elasticity: elasticityOf(options),
      }
      call.show(await call.post('/v1/merchants/what_if', body(sent)))
    }),
  )
  lika.examples(
    whatIf,
    'merchants what-if --volume 1,000,000 --rate 10 --change 1 --margin 22',
    'merchants what-if --volume 1,000,000 --rate 10 --change -1 --volume-per-point 3 --margin-per-point -2',
  )
}

/** The platform's own figures hold unless both are given. */
function elasticityOf({ volumePerPoint, marginPerPoint }: WhatIf) {
  return volumePerPoint === undefined || marginPerPoint === undefined
    ? undefined
    : { volume_bp_per_point: volumePerPoint, margin_bp_per_point: marginPerPoint }
}
