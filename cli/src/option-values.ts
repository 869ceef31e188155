/** How what is typed becomes what is sent: yuan to fen, days and durations to instants and seconds.
 * Everything wrong is a usage error of commander's, which names the option. */
import { readFileSync } from 'node:fs'
import {
  endOfDay,
  fenToJson,
  formatInstant,
  parseBusinessDate,
  parseInstant,
  parseYuan,
  startOfDay,
} from '@lika/contract'
import { InvalidArgumentError } from 'commander'
import { messageOf } from './failures.ts'
import { isObject, type JsonObject, parseJson } from './json.ts'

/** `1,234.50` → 123450. */
export function yuan(text: string): number {
  const fen = parseYuan(text)
  if (fen === undefined) throw invalid('应为金额（元）', 'an amount in yuan', '12, 12.5, 1,234.50')
  return fenToJson(fen)
}

/** `10..1000` → the range in fen. */
export function yuanRange(text: string): { min: number; max: number } {
  const [min, max, ...rest] = text.split('..')
  if (min === undefined || max === undefined || rest.length > 0) {
    throw invalid('应为金额范围（元）', 'a range in yuan', '10..1000')
  }
  return { min: yuan(min), max: yuan(max) }
}

/** `12.5` percent, or points, → 1250 basis points; `-1.8` → -180. */
export function percent(text: string): number {
  const match = /^(-?)(\d{1,3})(?:\.(\d{1,2}))?%?$/.exec(text)
  if (match === null) throw invalid('应为百分数', 'a percentage', '12, 12.5, -1.8')
  const [, sign, whole = '', part = ''] = match
  const size = Number(whole) * 100 + Number(part.padEnd(2, '0'))
  return sign === '-' && size > 0 ? -size : size
}

/** `1900000109,STORE,12.5,name` or `mem_…,STAFF,2`: who gets a share; the name comes last, because it may have commas. */
export function receiver(text: string): JsonObject {
  const [payee = '', relation = '', share = '', ...rest] = text.split(',')
  const name = rest.join(',').trim()
  const isMember = /^mem_\w+$/.test(payee)
  const isMerchant = /^\d{6,32}$/.test(payee) && name !== ''
  if ((!isMember && !isMerchant) || !/^[A-Z_]+$/.test(relation))
    throw invalid(
      '应为 商户号,关系,百分比,全称 或 会员,关系,百分比',
      'number, relation, percentage, name; or member, relation, percentage',
      '1900000109,STORE,12.5,星河餐饮有限公司',
    )
  return {
    ...(isMember ? { member_id: payee } : { mchid: payee }),
    ...(name !== '' && { name }),
    relation,
    share_bp: percent(share),
  }
}

/** `1-5 11:30-14:00`: days of the week from Monday, and a time of day until before another. */
export function hours(text: string): { days: number[]; from: string; to: string } {
  const match = /^([1-7])(?:-([1-7]))? (\d\d:\d\d)-(\d\d:\d\d)$/.exec(text)
  const [, first = '', last = first, from = '', to = ''] = match ?? []
  const days = [1, 2, 3, 4, 5, 6, 7].filter((day) => Number(first) <= day && day <= Number(last))
  if (match === null || days.length === 0)
    throw invalid('应为星期与时段', 'days and a time', '"1-5 11:30-14:00", "6 00:00-24:00"')
  return { days, from, to }
}

/** A whole number that is not negative. */
export function count(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined
  if (value === undefined) throw invalid('应为整数', 'a whole number', '1000')
  return value
}

/** Rows on a page of a list. */
export function pageSize(text: string): number {
  const value = count(text)
  if (value < 1 || value > 200) throw invalid('应为 1–200', 'from 1 to 200', '50')
  return value
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `90`, `90s`, `15m`, `2h`, `3d` → seconds. */
export function duration(text: string): number {
  const match = /^(\d{1,12})([smhd]?)$/.exec(text)
  if (match === null) throw invalid('应为时长', 'a duration', '90s, 15m, 2h, 3d')
  return Number(match[1]) * (secondsOf[match[2] || 's'] ?? 1)
}

/** An instant; a day alone is its first instant in Shanghai. */
export function fromInstant(text: string): string {
  return instantOf(text, startOfDay)
}

/** An instant; a day alone is the first instant after it in Shanghai. */
export function toInstant(text: string): string {
  return instantOf(text, endOfDay)
}

function instantOf(text: string, ofDay: (day: string) => number): string {
  const day = parseBusinessDate(text)
  if (day !== undefined) return formatInstant(ofDay(day))
  if (parseInstant(text) === undefined) {
    throw invalid('应为日期或时刻', 'a day or an instant', '2026-12-31, 2026-12-31T08:00:00+08:00')
  }
  return text
}

/** A day of the calendar, sent as it is. */
export function day(text: string): string {
  if (parseBusinessDate(text) === undefined) throw invalid('应为日期', 'a day', '2026-12-31')
  return text
}

/** Only `-`: what is secret is typed at the prompt or comes on stdin, never from the command line. */
export function onlyStdin(text: string): '-' {
  if (text === '-') return text
  throw new InvalidArgumentError(
    '卡密不能写在命令行里，请用 - 从标准输入读取 A secret is not typed on the command line: use - and stdin.',
  )
}

/** Printable ASCII, 1–255 characters, as a header carries it. */
export function idempotencyKey(text: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(text)) return text
  throw invalid('应为 1–255 个可打印 ASCII 字符', '1–255 printable ASCII characters', 'order-17')
}

/** Collects a repeatable option. */
export function several<T>(parse: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [...before, parse(text)]
}

/** `a,b` or the option repeated. */
export function names(text: string, before: string[] = []): string[] {
  const added = text.split(',').map((name) => name.trim())
  return [...before, ...added.filter((name) => name !== '')]
}

/** `till=3` into the metadata collected so far. */
export function keyValue(
  text: string,
  before: Record<string, string> = {},
): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw invalid('应为 名=值', 'name=value', 'till=3')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** A JSON object in a file, `-` for stdin: personal data stays out of the shell's history. */
export function objectFile(file: string): JsonObject {
  const value = parseJson(readTextFile(file))
  if (!isObject(value))
    throw invalid('应为 JSON 对象文件', 'a file with a JSON object', 'buyer.json')
  return value
}

/** @throws InvalidArgumentError when it cannot be read. */
export function readTextFile(file: string): string {
  return readBytes(file).toString('utf8')
}

/** @throws InvalidArgumentError when it cannot be read. */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (fault) {
    throw new InvalidArgumentError(messageOf(fault))
  }
}

function invalid(zh: string, en: string, example: string): InvalidArgumentError {
  return new InvalidArgumentError(`${zh} It is ${en}: ${example}.`)
}
