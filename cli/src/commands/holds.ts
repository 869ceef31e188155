/** `lika holds …`: money set aside, captured in parts or released. */
import { duration, yuan } from '../option-values.ts'
import { at, body, type Lika } from '../verbs.ts'
import { remarkOnDryRun, type Spend, spendBody, spendOptions } from './payments.ts'

export function addHolds(lika: Lika): void {
  const { say } = lika
  const holds = lika.noun('holds', '预授权', 'holds')

  const create = lika.write(holds, 'create', '预授权：先冻结金额', 'set an amount aside')
  const sources = spendOptions(lika, create)
  create
    .requiredOption(
      '--expires-in <time>',
      say('多久后自动撤销', 'released by itself after'),
      duration,
    )
    .action(
      lika.action(async (call, options: Spend & { expiresIn: number }) => {
        const spend = await spendBody(call, options, sources())
        const sent = body({ ...spend, expires_in: options.expiresIn })
        call.show(await call.make('/v1/holds', sent))
        remarkOnDryRun(call, options)
      }),
    )
  lika.examples(
    create,
    'holds create --amount 100 --merchant merch_… --card card_… --reference H-1 --expires-in 2h',
  )

  lika
    .verb(holds, 'show <hold>', '查看预授权', 'show a hold')
    .action(
      lika.action(async (call, hold: string) => call.show(await call.get(at`/v1/holds/${hold}`))),
    )

  const capture = lika.metadata(
    lika.write(holds, 'capture <hold>', '完成预授权', 'capture an amount'),
  )
  capture
    .requiredOption('--amount <yuan>', say('金额（元）', 'amount in yuan'), yuan)
    .option('--final', say('最后一次：其余撤销', 'the last one: the rest is released'))
    .option('--no-final', say('之后还会再次完成', 'more captures will follow'))
    .action(
      lika.action(
        async (
          call,
          hold: string,
          options: {
            amount: number
            final?: boolean
            metadata?: Record<string, string>
          },
        ) => {
          const { amount, final, metadata } = options
          const sent = body({ amount, final, metadata })
          call.show(await call.make(at`/v1/holds/${hold}/capture`, sent))
        },
      ),
    )
  lika.examples(capture, 'holds capture hold_… --amount 60 --final')

  lika
    .write(holds, 'release <hold>', '撤销预授权', 'release a hold')
    .action(
      lika.action(async (call, hold: string) =>
        call.show(await call.make(at`/v1/holds/${hold}/release`, {})),
      ),
    )
}
