/**
 * Which values a keyword of a message takes. A keyword says by its name what it holds (`thing1`, `amount3`), and WeChat
 * refuses the whole message (47003) for one value that does not fit.
 */

const cjk = /\p{Script=Han}/u
const days = String.raw`\d{4}(?:年\d{1,2}月\d{1,2}日|-\d{2}-\d{2}|/\d{2}/\d{2})`
const hours = String.raw`\d{1,2}:\d{2}(?::\d{2})?`
const moment = `(?:${days}(?: ?${hours})?|${hours})`

const rules: Readonly<Record<string, (value: string) => boolean>> = {
  thing: (value) => lengthOf(value) <= 20,
  number: (value) => /^-?\d+(?:\.\d+)?$/.test(value) && value.replace(/\D/g, '').length <= 32,
  letter: (value) => /^[A-Za-z]{1,32}$/.test(value),
  symbol: (value) => /^[\p{P}\p{S}]{1,5}$/u.test(value),
  character_string: (value) => lengthOf(value) <= 32 && !cjk.test(value),
  time: (value) => new RegExp(`^${moment}(?: ?[~～-] ?${moment})?$`).test(value),
  date: (value) =>
    new RegExp(`^${days}(?: ?${hours})?(?: ?[~～] ?${days}(?: ?${hours})?)?$`).test(value),
  amount: (value) => /^\p{Sc}?\d+(?:\.\d+)?元?$/u.test(value) && digitsOf(value) <= 10,
  phone_number: (value) => /^[\d+\-() ]{1,17}$/.test(value),
  car_number: (value) => /^[A-Za-z0-9\p{Script=Han}]{1,8}$/u.test(value),
  name: (value) =>
    cjk.test(value)
      ? /^[\p{Script=Han}·]{1,10}$/u.test(value)
      : lengthOf(value) <= 20 && !/\d/.test(value),
  phrase: (value) => /^\p{Script=Han}{1,5}$/u.test(value),
}

/** Whether `value` may stand under `keyword`; an unknown kind of keyword takes nothing. */
export function fitsKeyword(keyword: string, value: string): boolean {
  const kind = /^([a-z_]+?)\d+$/.exec(keyword)?.[1] ?? ''
  const rule = Object.hasOwn(rules, kind) ? rules[kind] : undefined
  return rule !== undefined && value.trim() !== '' && rule(value)
}

function lengthOf(value: string): number {
  return Array.from(value).length
}

function digitsOf(value: string): number {
  return value.replace(/\D/g, '').length
}
