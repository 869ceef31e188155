/** What changes the money on a card other than payments: loads, adjustments, splits. */
import { subBalances } from '@lika/contract'
import { type Command, Option } from 'commander'
import { several, yuan } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'
import { showCards } from './card-table.ts'
import { buyerOption, type Funded, fundingOf, fundingOptions } from './funding.ts'

type Load = Labels & Funded & { amount: number; bonus?: number }
type Adjust = Labels & { amount: number; subBalance: string; reason: string }

export function addCardMoney(lika: Lika, cards: Command): void {
  const { say } = lika

  const load = lika.labels(lika.write(cards, 'load <card>', '充值', 'load money onto a card'))
  load
    .requiredOption('--amount <yuan>', say('金额（元）', 'amount in yuan'), yuan)
    .option('--bonus <yuan>', say('赠送金（元）', 'bonus in yuan'), yuan)
    .action(
      lika.action(async (call, card: string, options: Load) => {
        const { amount, bonus, buyer, agent, reference, metadata } = options
        const funding = fundingOf(options)
        const sent = { amount, bonus_amount: bonus, funding, buyer, agent, reference, metadata }
        call.show(await call.make(at`/v1/cards/${card}/loads`, body(sent)))
      }),
    )
  buyerOption(lika, fundingOptions(lika, load))
  lika.examples(load, 'cards load card_… --amount 200 --bonus 10 --funding cash')

  const adjust = lika.labels(lika.write(cards, 'adjust <card>', '调账', 'adjust the balance'))
  adjust
    .requiredOption(
      '--amount <±yuan>',
      say('金额（元），可为负', 'amount in yuan, may be negative'),
      yuan,
    )
    .addOption(
      new Option('--sub-balance <name>', say('子余额', 'which part of the balance'))
        .choices(subBalances)
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', say('原因', 'why'))
    .action(
      lika.action(async (call, card: string, options: Adjust) => {
        const { amount, subBalance, reason, reference, metadata } = options
        const sent = { amount, sub_balance: subBalance, reason, reference, metadata }
        call.show(await call.make(at`/v1/cards/${card}/adjustments`, body(sent)))
      }),
    )
  lika.examples(adjust, 'cards adjust card_… --amount -5 --sub-balance bonus --reason 多送')

  const split = lika.write(cards, 'split <card>', '拆分成多张卡', 'split into several cards')
  split
    .requiredOption(
      '--amount <yuan>',
      say('每张新卡的金额（元），多次', 'of each new card in yuan, repeated'),
      several(yuan),
    )
    .action(
      lika.action(async (call, card: string, { amount }: { amount: number[] }) =>
        showCards(call, await call.make(at`/v1/cards/${card}/split`, { amounts: amount })),
      ),
    )
  lika.examples(split, 'cards split card_… --amount 30 --amount 20')
}
