/** `lika test …`: the clock and the data of test mode. */
import { Option } from 'commander'
import { UsageError } from '../failures.ts'
import { duration, fromInstant } from '../option-values.ts'
import { body, type Lika } from '../verbs.ts'

export function addTest(lika: Lika): void {
  const { say } = lika
  const test = lika.noun('test', '测试模式：时钟与数据', 'test mode: clock and data')

  const clock = lika
    .verb(test, 'clock', '拨测试时钟', 'move the test clock')
    .addOption(
      new Option('--advance <time>', say('向前拨', 'forward by'))
        .argParser(duration)
        .conflicts('set'),
    )
    .option('--set <time>', say('拨到', 'to'), fromInstant)
    .action(
      lika.action(async (call, { advance, set }: { advance?: number; set?: string }) => {
        if (advance === undefined && set === undefined) {
          throw new UsageError(say('请给出 --advance 或 --set。', 'Give --advance or --set.'))
        }
        const sent = body({ advance_seconds: advance, set_at: set })
        call.show(await call.post('/v1/test/clock', sent))
      }),
    )
  lika.examples(clock, 'test clock --advance 30d', 'test clock --set 2027-12-31T15:59:59Z')

  lika
    .verb(test, 'reset', '测试时钟回到真实时间', 'bring the test clock back to real time')
    .action(lika.action((call) => call.remove('/v1/test/clock')))
  lika
    .verb(test, 'wipe', '删除发卡机构的全部测试数据', 'delete all test data of the issuer')
    .option('--yes', say('不再询问', 'do not ask'))
    .action(
      lika.action(async (call, { yes }: { yes?: true }) => {
        if (yes !== true && !(await isConfirmed(lika))) {
          throw new UsageError(say('未确认，请加 --yes。', 'Not confirmed: say --yes.'))
        }
        await call.remove('/v1/test/data')
      }),
    )
}

async function isConfirmed({ world, say }: Lika): Promise<boolean> {
  if (!world.input.isTerminal) return false
  const answer = await world.input.line(
    say('删除全部测试数据？[y/N]', 'Delete all test data? [y/N] '),
  )
  return /^y(es)?$/i.test(answer?.trim() ?? '')
}
