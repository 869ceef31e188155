/** Programs: card products, and the terms under which cards of each of their versions were sold. */
export {
  acceptanceModels,
  acceptedEverywhere,
  carriers,
  checkAcceptance,
  checkFace,
  type FaceValues,
  type Hours,
  type Product,
  productKinds,
  type Terms,
} from './model.ts'
export {
  openPrograms,
  type Programs,
} from './programs.ts'
