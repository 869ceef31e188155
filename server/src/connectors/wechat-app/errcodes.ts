/** What WeChat's error codes mean, in words that say what to do; for refusals and for the doctor. */

const words: Readonly<Record<number, string>> = {
  40001: 'the app secret or the access token is not valid',
  40003: 'the OpenID is not one of this app',
  40013: 'there is no such appid',
  40014: 'the access token is not valid',
  40029: 'the code is not valid',
  40037: 'the template is not one of this app',
  40053: 'the action of the card is not valid',
  40056: 'the code of the card is not valid',
  40078: 'the card is not in a state for this',
  40099: 'the code was consumed before',
  40125: 'the app secret is not valid',
  40127: 'the code was deleted or given away',
  40163: 'the code was used before',
  40164: 'the address of this server is not on the allow list of the app',
  40226: 'WeChat holds the user for a high risk',
  41002: 'the appid is missing',
  41004: 'the app secret is missing',
  41008: 'the code is missing',
  41030: 'the page is not one of the mini-program',
  42001: 'the access token has run out',
  42003: 'the code has run out',
  42007: 'the user has changed the password: a new login is needed',
  43101: 'the user has not agreed to this message',
  45009: 'the quota of the day is used up',
  45011: 'too many calls',
  47003: 'a value does not fit its kind in the template',
  48001: 'the app may not use this interface',
  48004: 'WeChat has banned the interface for this app',
}

export function wordsOf(errcode: number): string | undefined {
  return words[errcode]
}

/** The token that was sent is not one any more. */
export const tokenRefusals: ReadonlySet<number> = new Set([40001, 40014, 42001])

/** The whole day's calls are used up. */
export const quotaUsedUp = 45009
export const tooFrequent = 45011

/** WeChat is busy and has done nothing, or so it says. */
export const busy = -1
