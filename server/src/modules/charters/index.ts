/** Charters: the texts under which an issuer's cards are sold, as buyers were shown them. */
export { modelCharter } from './model-charter.ts'
export {
  type Charter,
  latestCharter,
  publishCharter,
  selectCharter,
  selectCharters,
} from './store.ts'
