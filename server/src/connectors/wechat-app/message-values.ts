/**
 * What WeChat takes as values of subscribe messages: the kind stands in the name of the key (`thing1`). Looked at before
 * a message is sent, because one that is refused may cost the user's consent.
 */

const cjk = /[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/
/** In code points, as WeChat counts. */
const length = (value: string) => Array.from(value).length
const cjkOnly = (value: string) => Array.from(value).every((character) => cjk.test(character))

const kinds: Readonly<Record<string, (value: string) => boolean>> = {
  thing: (value) => length(value) <= 20,
  number: (value) => /^-?\d{1,32}(?:\.\d{1,32})?$/.test(value) && value.length <= 32,
  letter: (value) => /^[A-Za-z]{1,32}$/.test(value),
  symbol: (value) => length(value) <= 5 && !/[\p{L}\p{N}\s]/u.test(value),
  character_string: (value) => length(value) <= 32 && !cjk.test(value),
  time: (value) =>
    /^(?:\d{4}年\d{1,2}月\d{1,2}日 ?|\d{4}-\d{1,2}-\d{1,2} )?\d{1,2}:\d{2}(?::\d{2})?$/.test(value),
  date: (value) =>
    /^(?:\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{1,2}-\d{1,2})(?: \d{1,2}:\d{2}(?::\d{2})?)?$/.test(
      value,
    ),
  amount: (value) => /^[¥￥$€£]?\d{1,10}(?:\.\d{1,2})?元?$/.test(value),
  phone_number: (value) => /^[\d+() -]{1,17}$/.test(value),
  car_number: (value) => length(value) <= 8,
  name: (value) => (cjkOnly(value) ? length(value) <= 10 : /^[\p{L} .·'-]{1,20}$/u.test(value)),
  phrase: (value) => length(value) <= 5 && cjkOnly(value),
}

/** The first key whose value does not fit its kind; undefined: all do. Keys of unknown kinds are left to WeChat. */
export function unfitting(data: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(data).find((key) => {
    const value = data[key] ?? ''
    const fits = kinds[key.replace(/\d+$/, '')]
    return value === '' || (fits !== undefined && !fits(value))
  })
}
