/** What changes the state of a card: activate, freeze, report lost, replace, close, extend. */
import type { Command } from 'commander'
import { day } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'
import { buyerOption, type Funded, fundingOf, fundingOptions } from './funding.ts'

export function addCardLife(lika: Lika, cards: Command): void {
  const { say } = lika
  const reason = say('原因', 'why')

  const activate = lika.write(cards, 'activate <card>', '激活', 'activate a card')
  buyerOption(lika, fundingOptions(lika, activate)).action(
    lika.action(async (call, card: string, options: Funded) => {
      const { buyer, agent } = options
      const sent = body({ funding: fundingOf(options), buyer, agent })
      call.show(await call.make(at`/v1/cards/${card}/activate`, sent))
    }),
  )

  for (const [name, zh, en] of [
    ['freeze', '冻结：暂停使用', 'freeze: no use for now'],
    ['unfreeze', '解冻', 'unfreeze'],
    ['close', '销卡：余额必须为零', 'close for good: it must be empty'],
  ] as const) {
    lika
      .write(cards, `${name} <card>`, zh, en)
      .requiredOption('--reason <text>', reason)
      .action(
        lika.action(async (call, card: string, options: { reason: string }) =>
          call.show(
            await call.make(`${at`/v1/cards/${card}`}/${name}`, { reason: options.reason }),
          ),
        ),
      )
  }

  lika
    .write(
      cards,
      'report-lost <card>',
      '挂失：立即停止扣款',
      'report lost: stops every debit at once',
    )
    .action(
      lika.action(async (call, card: string) =>
        call.show(await call.make(at`/v1/cards/${card}/report_lost`, {})),
      ),
    )
  lika
    .labels(
      lika.write(
        cards,
        'replace <card>',
        '补卡：余额转入新卡',
        'replace: a new card carries the balance on',
      ),
    )
    .action(
      lika.action(async (call, card: string, { reference, metadata }: Labels) =>
        call.show(await call.make(at`/v1/cards/${card}/replace`, body({ reference, metadata }))),
      ),
    )

  lika
    .write(cards, 'extend <card>', '延期', 'extend the validity')
    .requiredOption('--until <day>', say('有效至该日（含）', 'last day on which it pays'), day)
    .action(
      lika.action(async (call, card: string, { until }: { until: string }) =>
        call.show(await call.make(at`/v1/cards/${card}/extend`, { until })),
      ),
    )
}
