/** Two people: what one asked for, another agrees to. Until staff exist a person is the owner of an API key. */
import { ok, type Result, refusal, refused } from '@lika/contract'

/** Who acted: the key that was used, and the owner it was made for. Rows that record a deed keep both. */
export interface Person {
  readonly keyId: string
  readonly owner: string
}

/**
 * Whether `second` is somebody else than `first`. A person with several keys is one person, however the name was
 * typed into them: width, case, spaces and invisible characters do not make another.
 * Refusals: `approval.same_person`.
 */
export function secondPerson(first: Person, second: Person): Result<void> {
  const isOther = first.keyId !== second.keyId && nameOf(first) !== nameOf(second)
  if (isOther) return ok(undefined)
  return refused(
    refusal(
      'approval.same_person',
      `This takes two people, and ${first.owner} was the first: use a key with another owner.`,
      { data: { first_owner: first.owner } },
    ),
  )
}

function nameOf({ owner }: Person): string {
  return owner
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Cf}\p{Z}]/gu, '')
    .toLowerCase()
}
