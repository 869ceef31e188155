/** Closes vouchers whose time is over: what is left of them comes back to the issuer. They pay no more since then anyway. */
import { issuerOfBook, laneOfId, refusal } from '@lika/contract'
import { accountId, accounts } from '../../modules/ledger/index.ts'
import { accountOfVoucher, dueVouchers, vouchers } from '../../modules/vouchers/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'

const atOnce = 100

/** Answers how many it closed. */
export async function expireVouchers(
  context: Pick<FlowContext, 'engine' | 'database'>,
): Promise<number> {
  const { engine, database } = context
  let closed = 0
  for (const { lane, pool } of engine.lanes) {
    for (let due = atOnce; due === atOnce; ) {
      const some = await dueVouchers(database.sql, lane, engine.now(pool), atOnce)
      const done = await Promise.all(some.map((one) => engine.execute(expireOne(one))))
      const count = done.filter(({ status }) => status === 'done').length
      closed += count
      due = count === 0 ? 0 : some.length
    }
  }
  return closed
}

const notDue = refusal('voucher.not_found', 'The voucher is not due.')

function expireOne({ id, bookId }: Awaited<ReturnType<typeof dueVouchers>>[number]): Command {
  const lane = laneOfId(id)
  const account = accountOfVoucher(id)
  return {
    book: bookId,
    operation: 'voucher.expired',
    key: id,
    input: {},
    weight: 'bulk',
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(vouchers, lane, id), read(accounts, lane, account)],
      decide: (view, now) => {
        const voucher = view.get(vouchers, id)
        if (voucher?.status !== 'open' || now < voucher.expiresAt)
          return { ok: false, final: false, refusal: notDue }
        const desk = new Desks(view).in(lane)
        const lapsed = desk.available(account)
        const credit = accountId(issuerOfBook(bookId), 'rebate_expense', lane)
        if (lapsed > 0n) desk.transfer({ debit: account, credit, amount: lapsed })
        view.put(vouchers, lane, { ...voucher, status: 'expired', lapsed })
        const { campaignId, cardId } = voucher
        const body = { voucherId: id, campaignId, cardId, lapsedFen: String(lapsed) }
        return { ok: true, value: { kind: 'voucher.expired', version: 1, body } }
      },
    }),
  }
}
