/** What a buyer reads of an order in WeChat: the name of the product, in the characters that WeChat takes. */

/** At WeChat at most 127 characters, none outside the basic plane. */
const longest = 127

export function descriptionOf(name: string, quantity: number): string {
  const plain = name.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '').trim()
  const count = quantity > 1 ? ` × ${quantity}` : ''
  return `${(plain === '' ? '礼品卡' : plain).slice(0, longest - count.length)}${count}`
}
