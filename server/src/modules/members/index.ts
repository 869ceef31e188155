/** Members: people who are known by an OpenID or as guests, their sessions, and who of them is one person. */
export {
  type AboutCard,
  type AppEventRow,
  deletePassingEvents,
  insertAppEvents,
  type WalletCard,
  walletCardsOf,
} from './app-events.ts'
export { memberLinks, memberMerges, wasSetApart } from './links.ts'
export { type Members, openMembers, type ShownMember } from './members.ts'
export {
  type MemberCaller,
  type MergeRow,
  survivorFirst,
} from './model.ts'
export { openSessions, type Sessions } from './sessions.ts'
export { deleteMembers } from './store.ts'
export { type CardMeaning, walletCardStates } from './wallet-cards.ts'
