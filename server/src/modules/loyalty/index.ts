/** Loyalty: campaigns that give, the money set aside for them, and what they gave. */
export { rebateCheck } from './audit.ts'
export {
  type Campaign,
  type CampaignVersion,
  insertCampaign,
  insertRun,
  insertVersion,
  markEnded,
  markPublished,
  type Person as Proposer,
  selectCampaigns,
  selectDays,
  selectVersions,
} from './campaign-store.ts'
export { type Loyalty, lineKey, ofTrigger, openLoyalty } from './loyalty.ts'
export {
  campaignKinds,
  checkTerms,
  entitlement,
  excessOf,
  isAboutMerchant,
  isAboutProduct,
  isRunning,
  mondayOf,
  type Promised,
  type Rule,
  type Terms,
  type Trigger,
  triggerOf,
  wholeRun,
} from './model.ts'
export {
  loadPresales,
  type PresaleRow,
  presales,
} from './presale-store.ts'
export { selectBudget, selectPresales, selectRebates, selectToCallHome } from './read.ts'
export {
  type BudgetLineRow,
  budgetLines,
  debts,
  findBudgetLines,
  findRebatesOfSources,
  linesOfCampaign,
  loadDebts,
  type RebateRow,
  rebateKey,
  rebates,
  rebatesOfCard,
  rebatesOfSource,
} from './rebate-store.ts'
