/** Numbers under which WeChat knows red packets: letters and digits; the same id gives the same number for ever. */
import { asId, type RedPacketId } from '@lika/contract'

export function outBillNoOf(id: RedPacketId): string {
  const digits = BigInt(`0x${id.replaceAll('-', '')}`).toString(36)
  return `LRP${digits.padStart(25, '0')}`
}

/** undefined: it is not a number of ours. */
export function idOfOutBillNo(text: string): RedPacketId | undefined {
  const [, rest] = /^LRP([0-9a-z]{25})$/.exec(text) ?? []
  if (rest === undefined) return undefined
  let number = 0n
  for (const digit of rest) number = number * 36n + BigInt(Number.parseInt(digit, 36))
  const hex = number.toString(16).padStart(32, '0')
  const parts = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex)
  return parts === null ? undefined : asId(parts.slice(1).join('-'))
}
