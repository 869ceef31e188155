/**
 * Contracts with merchants: one person proposes, a second one decides, and from its first day on the contract holds
 * until the next one begins. Nothing that was proposed or decided is ever changed.
 */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type ContractId,
  type MerchantId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Database, Sql } from '../../platform/db.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { addDays, type MerchantClass } from '../policy/index.ts'
import { checkClass } from './contract-classes.ts'
import {
  type Contract,
  type ContractDecision,
  checkBegin,
  checkText,
  type Hand,
  type Proposal,
  termsFrom,
} from './contract-model.ts'
import type { ContractReads, EndingCycle, PayoutAccount } from './contract-reads.ts'
import * as store from './contract-store.ts'
import { type ContractTerms, cycleOf, defaultTerms } from './contract-terms.ts'
import { selectMerchants, selectSettled } from './merchant-store.ts'
import { notFound } from './model.ts'
import { countMissing } from './store.ts'

export interface ContractNeeds {
  readonly database: Database
  readonly keyring: Pick<Keyring, 'seal' | 'open' | 'nameDigest'>
  readonly classes: readonly MerchantClass[]
}

export type Proposed =
  | { readonly proposed: Contract; readonly replayed: boolean }
  | { readonly existing: ContractId }

export interface Contracts extends ContractReads {
  /**
   * The next version of the merchant's contract. The same key with the same input answers what it answered first.
   * Refusals: `idempotency.key_reused`, `merchant.not_found` (the merchant, then the split), `contract.terms_invalid`,
   * `date.out_of_range`, `contract.class_not_met`, `contract.rate_out_of_band`, `contract.cycle_out_of_class`.
   */
  propose(proposal: Proposal, by: Hand, idempotencyKey: string): Promise<Result<Proposed>>
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

/** Proposals that came at the same time and want the same version. */
const attempts = 20
const merchantsAtOnce = 500
/** Apart from the kinds of names in the directory, whose digests are made under the same key. */
const printKind = 1_000

export function openContracts({ database, keyring, classes }: ContractNeeds): Contracts {
  const { sql } = database

  async function findContract(book: BookId, id: ContractId): Promise<Contract | undefined> {
    const [contract] = await store.selectContracts(sql, book, { id, limit: 1 })
    return contract
  }

  async function termsOf(
    book: BookId,
    ids: readonly MerchantId[],
    day: BusinessDate,
  ): Promise<Map<MerchantId, ContractTerms>> {
    const rows = await store.selectInForce(sql, book, ids, day)
    return new Map(
      rows.map(({ merchantId, contract, nextFrom }) => {
        const validTo = nextFrom === null ? undefined : addDays(nextFrom, -1)
        const terms =
          contract === undefined
            ? defaultTerms(merchantId, validTo)
            : termsFrom(merchantId, contract.version, contract.text, validTo)
        return [merchantId, terms]
      }),
    )
  }

  /** undefined: nothing was proposed under the key yet. */
  async function repeated(
    { book }: Proposal,
    idempotencyKey: string,
    fingerprint: Buffer,
  ): Promise<Result<Proposed> | undefined> {
    const earlier = await store.selectProposed(sql, book, idempotencyKey)
    if (earlier === undefined) return undefined
    if (!fingerprint.equals(earlier.fingerprint)) return refused(keyReused)
    const contract = await findContract(book, earlier.id)
    if (contract === undefined) throw new Error(`contract ${earlier.id} is gone`)
    // As it was then: nobody had decided.
    return ok({ proposed: { ...contract, decision: null }, replayed: true })
  }

  /** The stores of its merchant, where the proposal may stand. */
  async function checkProposal(proposal: Proposal, by: Hand): Promise<Result<number>> {
    const { book, merchantId, text } = proposal
    const [merchant] = await selectMerchants(sql, book, { id: merchantId, limit: 1 })
    if (merchant === undefined) return refused(notFound.merchant)
    const named = text.split.map((share) => share.merchantId)
    const missing = await countMissing(sql, book, { merchants: named, stores: [] })
    if (missing.merchants > 0) return refused(notFound.merchant)
    const sound = checkText(text)
    return sound.ok ? checkToday(sql, proposal, by) : sound
  }

  /** What may be otherwise on another day: asked of a proposal, and again when it is approved. */
  async function checkToday(
    on: Sql,
    { merchantId, text, monthlyVolume, ratingTenths }: Omit<Proposal, 'id' | 'payoutAccount'>,
    { at }: Pick<Hand, 'at'>,
  ): Promise<Result<number>> {
    const today = businessDateOf(at)
    const isFirst = !(await store.hasApproved(on, merchantId))
    const begins = checkBegin(text, { today, tomorrow: addDays(today, 1), isFirst })
    if (!begins.ok) return begins
    const stores = await store.countStores(on, merchantId)
    const classed = checkClass(classes, text, { monthlyVolume, ratingTenths, stores })
    return classed.ok ? ok(stores) : classed
  }

  /** False: its reference is taken. */
  async function insert(
    proposal: Proposal,
    kept: Omit<store.Kept, 'version' | 'payoutAccount' | 'payoutLast4'>,
  ): Promise<boolean> {
    const { merchantId, payoutAccount: account } = proposal
    const version = (await store.highestVersion(sql, merchantId)) + 1
    const context = sealContext(merchantId, version)
    return store.insertContract(sql, proposal, {
      ...kept,
      version,
      payoutAccount:
        account === undefined
          ? null
          : keyring.seal('payout-account', context, Buffer.from(JSON.stringify(account))),
      payoutLast4: account === undefined ? null : account.accountNumber.slice(-4),
    })
  }

  return {
    findContract,
    termsOf,
    contracts: (book, filter) => store.selectContracts(sql, book, filter),
    propose: async (proposal, by, idempotencyKey) => {
      const { book, reference } = proposal
      const fingerprint = keyring.nameDigest(book, printKind, printOf(proposal))
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const earlier = await repeated(proposal, idempotencyKey, fingerprint)
        if (earlier !== undefined) return earlier
        const checked = await checkProposal(proposal, by)
        if (!checked.ok) return checked
        try {
          const kept = { stores: checked.value, idempotencyKey, fingerprint, by }
          const isNew = await insert(proposal, kept)
          const filter = isNew
            ? { id: proposal.id, limit: 1 }
            : { reference: reference ?? undefined, limit: 1 }
          const [contract] = await store.selectContracts(sql, book, filter)
          if (contract !== undefined)
            return ok(isNew ? { proposed: contract, replayed: false } : { existing: contract.id })
        } catch (error) {
          // The key or the version was taken a moment ago.
          if (codeOf(error) !== uniqueViolation) throw error
        }
      }
      throw new Error(`merchant ${proposal.merchantId} is proposed too many contracts at once`)
    },
    decide: (book, id, decision, judge) =>
      database.transaction(async (on) => {
        const [seen] = await store.selectContracts(on, book, { id, limit: 1 })
        if (seen === undefined) return refused(contractNotFound)
        await store.lockMerchant(on, seen.merchantId)
        const [contract = seen] = await store.selectContracts(on, book, { id, limit: 1 })
        if (contract.decision !== null) return refused(alreadyDecided(contract.decision))
        const judged = judge(contract)
        if (!judged.ok) return judged
        if (decision.decision === 'approved') {
          const allowed = await checkToday(on, { ...contract, ...contract.facts }, decision)
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

/** A sealed account that is moved to another contract does not open. */
function sealContext(merchantId: MerchantId, version: number): string {
  return `${merchantId} ${version}`
}

const uniqueViolation = '23505'

const contractNotFound = refusal('contract.not_found', 'No contract has this id here (ctr_…).')
const keyReused = refusal(
  'idempotency.key_reused',
  'The Idempotency-Key stands for a contract with another content.',
)

function alreadyDecided({ decision, owner }: ContractDecision) {
  return refusal(
    'contract.already_decided',
    `${owner} ${decision} it already; another contract is another proposal.`,
    { data: { decision } },
  )
}

/** What the caller sent, in one form. */
function printOf({ id: _id, book: _book, metadata, ...sent }: Proposal): string {
  const sorted = Object.entries(metadata).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify({ ...sent, metadata: sorted }, (_name, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
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
