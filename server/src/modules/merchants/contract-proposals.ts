/** Proposing a contract: checked as it would be approved today, numbered, sealed, and found again under its key. */
import {
  type BookId,
  businessDateOf,
  type ContractId,
  type MerchantId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { addDays, type MerchantClass } from '../policy/index.ts'
import { checkClass } from './contract-classes.ts'
import { type Contract, checkBegin, checkText, type Hand, type Proposal } from './contract-model.ts'
import * as store from './contract-store.ts'
import { selectMerchants } from './merchant-store.ts'
import { notFound } from './model.ts'
import { countMissing } from './store.ts'

export type Proposed =
  | { readonly proposed: Contract; readonly replayed: boolean }
  | { readonly existing: ContractId }

export interface ProposalNeeds {
  readonly sql: Sql
  readonly keyring: Pick<Keyring, 'seal' | 'nameDigest'>
  readonly classes: readonly MerchantClass[]
}

/** Proposals that came at the same time and want the same version. */
const attempts = 20
/** Apart from the kinds of names in the directory, whose digests are made under the same key. */
const printKind = 1_000

/** See `Contracts.propose`. */
export async function propose(
  needs: ProposalNeeds,
  proposal: Proposal,
  by: Hand,
  idempotencyKey: string,
  judge: () => Result<void>,
): Promise<Result<Proposed>> {
  const { book, merchantId } = proposal
  const fingerprint = needs.keyring.nameDigest(book, printKind, printOf(proposal))
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const earlier = await repeated(needs.sql, book, idempotencyKey, fingerprint)
    if (earlier !== undefined) return earlier
    const checked = await checkProposal(needs, proposal, by)
    if (!checked.ok) return checked
    const judged = judge()
    if (!judged.ok) return judged
    const kept = { stores: checked.value, idempotencyKey, fingerprint, by }
    const made = await insert(needs, proposal, kept)
    if (made !== undefined) return ok(made)
  }
  throw new Error(`merchant ${merchantId} is proposed too many contracts at once`)
}

/** undefined: nothing was proposed under the key yet. */
async function repeated(
  sql: Sql,
  book: BookId,
  idempotencyKey: string,
  fingerprint: Buffer,
): Promise<Result<Proposed> | undefined> {
  const earlier = await store.selectProposed(sql, book, idempotencyKey)
  if (earlier === undefined) return undefined
  if (!fingerprint.equals(earlier.fingerprint)) return refused(keyReused)
  const [contract] = await store.selectContracts(sql, book, { id: earlier.id, limit: 1 })
  if (contract === undefined) throw new Error(`contract ${earlier.id} is gone`)
  // As it was then: nobody had decided.
  return ok({ proposed: { ...contract, decision: null }, replayed: true })
}

const keyReused = refusal(
  'idempotency.key_reused',
  'The Idempotency-Key stands for a contract with another content.',
)

/** The number of the merchant's stores, where the proposal may stand. */
async function checkProposal(
  { sql, classes }: ProposalNeeds,
  proposal: Proposal,
  by: Hand,
): Promise<Result<number>> {
  const { book, merchantId, text } = proposal
  const [merchant] = await selectMerchants(sql, book, { id: merchantId, limit: 1 })
  if (merchant === undefined) return refused(notFound.merchant)
  const named = text.split.map((share) => share.merchantId)
  const missing = await countMissing(sql, book, { merchants: named, stores: [] })
  if (missing.merchants > 0) return refused(notFound.merchant)
  const sound = checkText(text)
  return sound.ok ? checkToday({ sql, classes }, proposal, by) : sound
}

/** What may be otherwise on another day: asked of a proposal, and again when it is approved. */
export async function checkToday(
  { sql, classes }: Pick<ProposalNeeds, 'sql' | 'classes'>,
  {
    merchantId,
    text,
    monthlyVolume,
    ratingTenths,
  }: Pick<Proposal, 'merchantId' | 'text' | 'monthlyVolume' | 'ratingTenths'>,
  { at }: Pick<Hand, 'at'>,
): Promise<Result<number>> {
  const today = businessDateOf(at)
  const isFirst = !(await store.hasApproved(sql, merchantId))
  const begins = checkBegin(text, { today, tomorrow: addDays(today, 1), isFirst })
  if (!begins.ok) return begins
  const stores = await store.countStores(sql, merchantId)
  const classed = checkClass(classes, text, { monthlyVolume, ratingTenths, stores })
  return classed.ok ? ok(stores) : classed
}

/** undefined: the key or the version was taken a moment ago. */
async function insert(
  { sql, keyring }: ProposalNeeds,
  proposal: Proposal,
  kept: Omit<store.Kept, 'version' | 'payoutAccount' | 'payoutLast4'>,
): Promise<Proposed | undefined> {
  const { id, book, reference, merchantId, payoutAccount: account } = proposal
  const version = (await store.highestVersion(sql, merchantId)) + 1
  const sealed = (plain: string) =>
    keyring.seal('payout-account', sealContext(merchantId, version), Buffer.from(plain))
  try {
    const isNew = await store.insertContract(sql, proposal, {
      ...kept,
      version,
      payoutAccount: account === undefined ? null : sealed(JSON.stringify(account)),
      payoutLast4: account === undefined ? null : account.accountNumber.slice(-4),
    })
    const filter = isNew ? { id, limit: 1 } : { reference: reference ?? undefined, limit: 1 }
    const [contract] = await store.selectContracts(sql, book, filter)
    if (contract === undefined) throw new Error(`contract ${id} is gone`)
    return isNew ? { proposed: contract, replayed: false } : { existing: contract.id }
  } catch (error) {
    if (codeOf(error) === uniqueViolation) return undefined
    throw error
  }
}

const uniqueViolation = '23505'

/** A sealed account that is moved to another contract does not open. */
export function sealContext(merchantId: MerchantId, version: number): string {
  return `${merchantId} ${version}`
}

/** What the caller sent, in one form. */
function printOf({ id: _id, book: _book, metadata, ...sent }: Proposal): string {
  const sorted = Object.entries(metadata).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify({ ...sent, metadata: sorted }, (_name, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
