/**
 * What a change of commission would bring, before anybody signs it: more commission pays for more promotion, so the
 * merchant sells more and keeps less of it. Linear in the change, by the elasticity that is given; all of it integers.
 */
import type { Fen } from '@lika/contract'
import type { Elasticity } from '../policy/index.ts'
import { basisPointsOf, wholeBp } from './contract-terms.ts'

export interface WhatIf {
  /** Of the merchant in a period, in fen. */
  readonly volume: Fen
  readonly rateBp: number
  /** Of the commission; 100 is one point. */
  readonly changeBp: number
  /** Of the merchant, before the change: what it keeps of its volume. */
  readonly marginBp: number
  readonly elasticity: Pick<Elasticity, 'volumeBpPerPoint' | 'marginBpPerPoint'>
}

export interface Side {
  readonly volume: Fen
  readonly rateBp: number
  readonly commission: Fen
  readonly marginBp: number
  readonly margin: Fen
}

export interface WhatIfResult {
  readonly before: Side
  readonly after: Side
  /** In basis points: of the volume, and points of the margin. */
  readonly volumeChangeBp: number
  readonly marginChangeBp: number
}

const pointBp = 100

/** Changes in basis points and amounts in fen are each rounded half up, once. */
export function whatIf(asked: WhatIf): WhatIfResult {
  const { volume, rateBp, changeBp, marginBp, elasticity } = asked
  const volumeChangeBp = perPoint(elasticity.volumeBpPerPoint, changeBp)
  const marginChangeBp = perPoint(elasticity.marginBpPerPoint, changeBp)
  const before = sideOf(volume, rateBp, marginBp)
  const after = sideOf(
    basisPointsOf(volume, wholeBp + volumeChangeBp),
    rateBp + changeBp,
    marginBp + marginChangeBp,
  )
  return { before, after, volumeChangeBp, marginChangeBp }
}

/** Half up, and the mirror image below zero. */
function perPoint(bp: number, changeBp: number): number {
  const product = bp * changeBp
  const size = Math.floor((Math.abs(product) + pointBp / 2) / pointBp)
  return product < 0 ? -size : size
}

function sideOf(volume: Fen, rateBp: number, marginBp: number): Side {
  return {
    volume,
    rateBp,
    commission: basisPointsOf(volume, rateBp),
    marginBp,
    margin: basisPointsOf(volume, marginBp),
  }
}
