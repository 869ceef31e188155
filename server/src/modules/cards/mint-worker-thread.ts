/** The thread of mint-worker.ts: mints what it is asked for, in order, with the two keys that it was given. */
import { parentPort, workerData } from 'node:worker_threads'
import { type CardKeyMaterial, cardKeysOf } from '../../platform/crypto/card-keys.ts'
import { packCards } from './mint-worker-pack.ts'
import { type MintRequest, mintCards } from './secrets.ts'

const material: CardKeyMaterial = workerData
const keys = cardKeysOf(material)

parentPort?.on('message', (request: MintRequest) => {
  const packed = packCards(mintCards(request, keys))
  parentPort?.postMessage(packed, [packed.digests.buffer, packed.seals.buffer])
})
