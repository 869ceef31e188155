/** Money of one command over several lanes: each lane balances alone, value crosses over transit accounts. */
import {
  type AccountId,
  type BookId,
  type Fen,
  issuerOfBook,
  type Lane,
  laneOfId,
  type MerchantId,
} from '@lika/contract'
import { accountId, type HoldRecord, LedgerDesk } from '../../modules/ledger/index.ts'
import type { View } from '../../platform/lanes/index.ts'

export class Desks {
  readonly #view: View
  readonly #desks = new Map<Lane, LedgerDesk>()

  constructor(view: View) {
    this.#view = view
  }

  in(lane: Lane): LedgerDesk {
    let desk = this.#desks.get(lane)
    if (desk === undefined) {
      desk = new LedgerDesk(this.#view, lane)
      this.#desks.set(lane, desk)
    }
    return desk
  }

  /** What the outcome's body keeps of changes to holds; nothing where there were none. */
  records(): { readonly _holds?: readonly HoldRecord[] } {
    const records = [...this.#desks.values()].flatMap((desk) => desk.records)
    return records.length === 0 ? {} : { _holds: records }
  }
}

export interface Parties {
  readonly book: BookId
  readonly merchantId: MerchantId
  /** The lane in which the merchant is owed. */
  readonly home: Lane
}

/** From a card's account to the merchant; answers the balance of the account after it. */
export function takeFromAccount(
  desks: Desks,
  { book, merchantId, home }: Parties,
  account: AccountId,
  amount: Fen,
): Fen {
  const lane = laneOfId(account)
  const merchant = accountId(merchantId, 'merchant_unsettled', home)
  const desk = desks.in(lane)
  if (lane === home) desk.transfer({ debit: account, credit: merchant, amount })
  else {
    desk.transfer({ debit: account, credit: transit(book, lane), amount })
    desks.in(home).transfer({ debit: transit(book, home), credit: merchant, amount })
  }
  return desk.account(account).balance
}

/** From the merchant back to an account of a card, or to one of the issuer in a lane. */
export function giveToAccount(
  desks: Desks,
  { book, merchantId, home }: Parties,
  account: AccountId,
  amount: Fen,
): void {
  const lane = laneOfId(account)
  const merchant = accountId(merchantId, 'merchant_unsettled', home)
  if (lane === home) desks.in(lane).transfer({ debit: merchant, credit: account, amount })
  else {
    desks.in(home).transfer({ debit: merchant, credit: transit(book, home), amount })
    desks.in(lane).transfer({ debit: transit(book, lane), credit: account, amount })
  }
}

function transit(book: BookId, lane: Lane): AccountId {
  return accountId(issuerOfBook(book), 'transit', lane)
}
