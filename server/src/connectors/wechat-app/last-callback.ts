/** What the last call to an app's callbacks tells about token and key: both sides of a secret that WeChat never shows. */
import { formatInstant } from '@lika/contract'
import type { AppCredentials, CallbackNote, CheckStep } from '../../modules/wechat/index.ts'
import type { CallbackDoubt } from './callbacks.ts'
import { good, wrong } from './steps.ts'

interface Words {
  readonly step: string
  readonly problem: string
  readonly advice: string
}

const words: Readonly<Record<CallbackDoubt, Words>> = {
  no_token: {
    step: 'callback_token',
    problem: 'something calls back, but no token is set here',
    advice: 'Give the Token that is set beside the URL in the console of the app.',
  },
  signature: {
    step: 'callback_token',
    problem: 'its signature does not hold under the token that is set here',
    advice: 'Give the very Token that is set beside the URL in the console of the app.',
  },
  not_encrypted: {
    step: 'callback_mode',
    problem: 'it came in plain text although an EncodingAESKey is set here',
    advice: 'Choose safe mode in the console of the app, or take the key away here.',
  },
  key: {
    step: 'callback_key',
    problem: 'its signature holds, but it does not open under the EncodingAESKey that is set here',
    advice: 'Give the very EncodingAESKey that is set in the console of the app.',
  },
  appid: {
    step: 'callback_appid',
    problem: 'it is meant for another app',
    advice: 'The URL of this app is set in the console of another one: each has its own.',
  },
  stale: {
    step: 'clock',
    problem: 'its time is more than five minutes away from ours',
    advice: 'Set the clock of this server by NTP; or use safe mode, which needs no clock.',
  },
  unreadable: {
    step: 'callback_body',
    problem: 'it was no message of WeChat',
    advice: 'See whether a proxy changes what is posted, or who else calls this address.',
  },
}

/** Of the last call that was not believed, where none was since. */
export function lastCallback(
  { token }: AppCredentials,
  { acceptedAt, refusedAt, refusedWhy }: CallbackNote,
): CheckStep {
  const said = Object.entries(words).find(([doubt]) => doubt === refusedWhy)?.[1]
  const isOver = refusedAt === null || (acceptedAt !== null && acceptedAt > refusedAt)
  if (isOver || said === undefined || (token === null && refusedWhy !== 'no_token'))
    return good('callbacks')
  const { step, problem, advice } = said
  return wrong(
    step,
    `The last callback, at ${formatInstant(refusedAt)}, was refused: ${problem}.`,
    advice,
  )
}
