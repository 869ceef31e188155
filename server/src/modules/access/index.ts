/** Access: who may call, by keys of issuers and of the operator. */

export { type Access, openAccess } from './access.ts'
export {
  type Caller,
  type KeyCaller,
  mayMakeKey,
  type OperatorCaller,
  type StoredKey,
} from './model.ts'
export { ensureOperatorKey } from './operator-key.ts'
export { type Person, secondPerson } from './second-person.ts'
