/**
 * The same payment as one transaction each, as one would write it by hand: the same rows with the same indexes, in
 * tables of its own so that the book stays what Lika made of it. Each statement waits for the one before.
 */
import { createHash } from 'node:crypto'
import { asId, laneOfId, monthOfId } from '../contract/src/index.ts'
import { accountId } from '../server/src/modules/ledger/index.ts'
import type { Database } from '../server/src/platform/db.ts'
import { newCommandId } from '../server/src/platform/ids.ts'
import type { Pay } from './engine-load.ts'
import type { World } from './world.ts'

const tables = ['account', 'claim', 'directory', 'payment', 'transfer', 'journal']

/** The accounts as they are now, everything else empty. */
export async function prepareRowByRow({ sql }: Database): Promise<void> {
  await sql`create schema by_hand`
  for (const table of tables)
    await sql.unsafe(`create table by_hand.${table} (like lika.${table} including all)`)
  await sql`insert into by_hand.account select * from lika.account`
  await sql`create sequence by_hand.seq`
  await sql`vacuum analyze by_hand.account`
}

/** False: refused. */
export function payRowByRow(database: Database, { book }: World): Pay {
  return ({ cardId, merchantId, amount, key }) => {
    const lane = laneOfId(cardId)
    const id = newCommandId(lane)
    const month = monthOfId(id)
    const account = accountId(cardId, 'card_principal', lane)
    const merchant = accountId(merchantId, 'merchant_unsettled', lane)
    const claimed = digest(`payment\0${key}`)
    const print = digest(`${cardId} ${merchantId} ${amount}`)
    const named = digest(`${merchantId} ${key}`)
    const bucket = (of: Buffer) => of.readUInt16BE() % 1024
    return database.transaction(async (sql) => {
      const claim = await sql`
        insert into by_hand.claim (bucket, book_id, key_digest, command_id, fingerprint)
        values (${bucket(claimed)}, ${book}, ${claimed}, ${id}, ${print})
        on conflict do nothing`
      const name = await sql`
        insert into by_hand.directory (bucket, book_id, kind, name_digest, id)
        values (${bucket(named)}, ${book}, 1, ${named}, ${id})
        on conflict do nothing`
      if (claim.count + name.count < 2) return false
      const [card] = await sql<Found[]>`
        select
          account.balance - account.held as balance, card.state, card.expires_at as "expiresAt",
          nextval('by_hand.seq') as seq
        from lika.card
        join by_hand.account on account.lane = card.lane and account.id = ${account}
        where card.lane = ${lane}
          and card.id = ${cardId}
        for update of account`
      const now = Date.now()
      if (card?.state !== 'active' || card.expiresAt <= now || card.balance < BigInt(amount))
        return false
      const { seq } = card
      const [left] = await sql<{ balance: bigint }[]>`
        update by_hand.account
        set balance = balance - ${amount}, seq = ${seq}
        where lane = ${lane}
          and id = ${account}
        returning balance`
      const balance = left?.balance ?? 0n
      const share = {
        card: cardId,
        kind: 'principal',
        amount,
        refunded: 0,
        balance: Number(balance),
      }
      const at = new Date(now)
      await sql`
        insert into by_hand.payment
          (lane, month, id, book_id, merchant_id, reference, amount, status, allocations, receipt_number,
            created_at)
        values (
          ${lane}, ${month}, ${id}, ${book}, ${merchantId}, ${key}, ${amount}, 'succeeded',
          ${JSON.stringify([share])}::text::jsonb, ${id.slice(0, 18)}, ${at}
        )`
      await sql`
        insert into by_hand.transfer
          (lane, seq, line, month, book_id, debit_account, credit_account, amount, debit_balance)
        values (${lane}, ${seq}, 0, ${month}, ${book}, ${account}, ${merchant}, ${amount}, ${balance})`
      const body = JSON.stringify({
        paymentId: id,
        amountFen: String(amount),
        merchantId,
        allocations: [
          {
            cardId,
            subBalance: 'principal',
            amountFen: String(amount),
            balanceAfterFen: String(balance),
          },
        ],
        receiptNumber: id.slice(0, 18),
      })
      await sql`
        insert into by_hand.journal
          (lane, seq, month, command_id, book_id, kind, version, refused, at, body, digest)
        values (
          ${lane}, ${seq}, ${month}, ${asId(id)}, ${book}, 'payment.created', 1, false, ${at}, ${body},
          ${createHash('sha256').update(body).digest()}
        )`
      return true
    })
  }
}

type Found = { balance: bigint; state: string; expiresAt: number; seq: bigint }

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16)
}
