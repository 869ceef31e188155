/** `lika products limit|stock`: how much of a scarce product may be sold by orders, and is. */
import type { Command } from 'commander'
import type { Call } from '../call.ts'
import type { Answer } from '../client.ts'
import { isObject } from '../json.ts'
import { count } from '../option-values.ts'
import { at, body, type Lika } from '../verbs.ts'

type Limit = { count: number; perMember?: number; unpaidMinutes: number }

export function addStock(lika: Lika, products: Command): void {
  const { say } = lika
  const limit = lika
    .write(
      products,
      'limit <product>',
      '限量发售：总数与每人限购',
      'limit how many are sold by orders',
    )
    .requiredOption('--count <n>', say('总数，含已售', 'in all, what is sold included'), count)
    .option('--per-member <n>', say('每位会员限购', 'at most so many to one member'), count)
    .option(
      '--unpaid-minutes <n>',
      say('未付款订单占用的分钟数', 'minutes for which an order that is not paid keeps its part'),
      count,
      15,
    )
  limit.action(
    lika.action(async (call, product: string, options: Limit) => {
      const { count: all, perMember, unpaidMinutes } = options
      const sent = body({ count: all, per_member: perMember, unpaid_minutes: unpaidMinutes })
      showStock(call, await call.make(at`/v1/products/${product}/stock`, sent))
    }),
  )
  lika.examples(limit, 'products limit prod_… --count 1000 --per-member 2')
  lika
    .verb(products, 'stock <product>', '查看剩余数量', 'show how many are left')
    .action(
      lika.action(async (call, product: string) =>
        showStock(call, await call.get(at`/v1/products/${product}/stock`)),
      ),
    )
}

/** Pieces stand under `stock`, because what is `left` elsewhere is money. */
function showStock(call: Call, answer: Answer): void {
  if (call.options.json || !isObject(answer.body)) {
    call.show(answer)
    return
  }
  const { count: all, reserved, sold, left, ...rest } = answer.body
  call.showObject(body({ ...rest, stock: body({ count: all, reserved, sold, left }) }))
}
