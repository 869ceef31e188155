/** What a buyer reads of an order and its refund in WeChat, in the characters that WeChat takes. */

/** At WeChat at most so many characters, none outside the basic plane. */
const longest = { description: 127, reason: 80 }

export function descriptionOf(name: string, quantity: number): string {
  const plain = plainOf(name)
  const count = quantity > 1 ? ` × ${quantity}` : ''
  const most = longest.description - count.length
  return `${(plain === '' ? '礼品卡' : plain).slice(0, most)}${count}`
}

/** undefined: nothing is left of it. */
export function reasonOf(reason: string | null): string | undefined {
  const plain = plainOf(reason ?? '').slice(0, longest.reason)
  return plain === '' ? undefined : plain
}

function plainOf(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\u{10000}-\u{10ffff}]/gu, '').trim()
}
