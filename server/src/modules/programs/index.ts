/** Programs: card products, and the terms under which cards of each of their versions were sold. */
export {
  type Acceptance,
  carriers,
  checkAcceptance,
  checkFace,
  checkTerms,
  type FaceValues,
  type Product,
  type ProductVersion,
  productKinds,
  type Terms,
} from './model.ts'
export {
  openPrograms,
  type ProductFilter,
  type Programs,
  type RenewingVersion,
} from './programs.ts'
