/**
 * Contracts with merchants: one person proposes, a second one decides, and from its first day on the contract holds
 * until the next one begins. Nothing that was proposed or decided is ever changed.
 */
import {
  type BookId,
  type BusinessDate,
  type ContractId,
  type MerchantId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Database } from '../../platform/db.ts'
import { addDays, type MerchantClass } from '../policy/index.ts'
import {
  type Contract,
  type ContractDecision,
  type Hand,
  type Proposal,
  termsFrom,
} from './contract-model.ts'
import { checkToday, type Proposed, propose, sealContext } from './contract-proposals.ts'
import type { ContractReads, EndingCycle, PayoutAccount } from './contract-reads.ts'
import * as store from './contract-store.ts'
import { type ContractTerms, cycleOf, defaultTerms } from './contract-terms.ts'
import { selectSettled } from './merchant-store.ts'

export interface ContractNeeds {
  readonly database: Database
  readonly keyring: Pick<Keyring, 'seal' | 'open' | 'nameDigest'>
  readonly classes: readonly MerchantClass[]
}

export interface Contracts extends ContractReads {
  /**
   * The next version of the merchant's contract. The same key with the same input answers what it answered first.
   * Refusals: `idempotency.key_reused`, `merchant.not_found` (the merchant, then the split), `contract.terms_invalid`,
   * `date.out_of_range`, `contract.class_not_met`, `contract.rate_out_of_band`, `contract.cycle_out_of_class`, those of
   * `judge`.
   */
  propose(
    proposal: Proposal,
    by: Hand,
    idempotencyKey: string,
    judge: () => Result<void>,
  ): Promise<Result<Proposed>>
  /**
   * Refusals: `contract.not_found`, `contract.already_decided`, those of `judge`; of an approval `date.out_of_range`
   * and those of the class, as they are now.
   */
  decide(
    book: BookId,
    id: ContractId,
    decision: ContractDecision,
    judge: (contract: Contract) => Result<void>,
  ): Promise<Result<Contract>>
  findContract(book: BookId, id: ContractId): Promise<Contract | undefined>
  /** The newest first. */
  contracts(book: BookId, filter: store.ContractFilter): Promise<readonly Contract[]>
}

const merchantsAtOnce = 500

export function openContracts({ database, keyring, classes }: ContractNeeds): Contracts {
  const { sql } = database

  async function termsOf(
    book: BookId,
    ids: readonly MerchantId[],
    day: BusinessDate,
  ): Promise<Map<MerchantId, ContractTerms>> {
    const rows = await store.selectInForce(sql, book, ids, day)
    return new Map(rows.map((row) => [row.merchantId, termsInForce(row)]))
  }

  return {
    termsOf,
    findContract: async (book, id) =>
      (await store.selectContracts(sql, book, { id, limit: 1 })).at(0),
    contracts: (book, filter) => store.selectContracts(sql, book, filter),
    propose: (proposal, by, idempotencyKey, judge) =>
      propose({ sql, keyring, classes }, proposal, by, idempotencyKey, judge),
    decide: (book, id, decision, judge) =>
      database.transaction(async (on) => {
        const [seen] = await store.selectContracts(on, book, { id, limit: 1 })
        if (seen === undefined) return refused(contractNotFound)
        await store.lockMerchant(on, seen.merchantId)
        // Again, as it is under the lock.
        const [contract = seen] = await store.selectContracts(on, book, { id, limit: 1 })
        if (contract.decision !== null) return refused(alreadyDecided(contract.decision))
        const judged = judge(contract)
        if (!judged.ok) return judged
        if (decision.decision === 'approved') {
          const asProposed = { ...contract, ...contract.facts }
          const allowed = await checkToday({ sql: on, classes }, asProposed, decision)
          if (!allowed.ok) return allowed
        }
        await store.insertDecision(on, contract, decision)
        return ok({ ...contract, decision })
      }),
    cyclesEnding: async function* (book, day) {
      let after: MerchantId | undefined
      for (;;) {
        const page = await store.selectSettledPage(sql, book, after, merchantsAtOnce)
        const ids = page.map(({ id }) => id)
        const terms = await termsOf(book, ids, day)
        const ending = page.flatMap((merchant): EndingCycle[] => {
          const held = terms.get(merchant.id)
          if (held === undefined) return []
          const cycle = cycleOf(held, day)
          return cycle.to === day ? [{ merchant, terms: held, cycle }] : []
        })
        if (ending.length > 0) yield ending
        if (page.length < merchantsAtOnce) return
        after = ids.at(-1)
      }
    },
    settledMerchants: async (book, ids) =>
      new Map((await selectSettled(sql, book, ids)).map((merchant) => [merchant.id, merchant])),
    payoutAccountOf: async (book, merchantId, version) => {
      const sealed = await store.selectPayoutAccount(sql, book, merchantId, version)
      if (sealed === undefined || sealed === null) return undefined
      const plain = keyring.open('payout-account', sealContext(merchantId, version), sealed)
      return accountFrom(JSON.parse(plain.toString()))
    },
  }
}

function termsInForce({ merchantId, contract, nextFrom }: store.InForce): ContractTerms {
  const validTo = nextFrom === null ? undefined : addDays(nextFrom, -1)
  if (contract === undefined) return defaultTerms(merchantId, validTo)
  return termsFrom(merchantId, contract.version, contract.text, validTo)
}

const contractNotFound = refusal('contract.not_found', 'No contract has this id here (ctr_…).')

function alreadyDecided({ decision, owner }: ContractDecision) {
  return refusal(
    'contract.already_decided',
    `${owner} ${decision} it already; another contract is another proposal.`,
    { data: { decision } },
  )
}

/** @throws for what `propose` has not sealed. */
function accountFrom(plain: unknown): PayoutAccount {
  const members = new Map<string, unknown>(Object.entries(plain ?? {}))
  const text = (name: keyof PayoutAccount): string => {
    const value = members.get(name)
    if (typeof value !== 'string') throw new Error(`a payout account has no ${name}`)
    return value
  }
  return {
    bankName: text('bankName'),
    bankCode: text('bankCode'),
    accountName: text('accountName'),
    accountNumber: text('accountNumber'),
  }
}
