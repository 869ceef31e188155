/**
 * Why a line of an imported card file, or the whole file, was not taken: every code with the
 * sentence that people read, in one place. Messages never repeat a cell: it may be a secret.
 */

const messages = {
  // the file: nothing is read from this line on
  'import.not_text':
    '不是 CSV 文本文件；Excel 文件请另存为 CSV / not a text file; save a workbook as CSV',
  'import.encoding_mismatch':
    '文件按 {declared} 声明，但内容是 {actual} / the file was declared as {declared}, but is {actual}',
  'import.header_missing': '表头缺少必需的列：{names} / the header lacks: {names}',
  'import.header_duplicate': '表头中此列出现两次 / the header names this column twice',
  'import.quote_unclosed':
    '引号未闭合，从此行起未读取 / a quote is never closed; nothing was read from this line on',
  'import.record_too_long':
    '此行过长，从此行起未读取 / the line is too long; nothing was read from this line on',
  'import.too_many_rows':
    '最多 {max} 行，从此行起未读取 / at most {max} rows; nothing was read from this line on',
  // the row
  'import.quote_broken': '引号不成对 / a quote stands where none may be, or text follows one',
  'import.rows_in_quotes':
    '引号内含有整行数据，至第 {last} 行均未读取 / whole rows stand inside a quoted cell; nothing was read down to line {last}',
  'import.column_count': '列数与表头不符 / the number of cells differs from the header',
  // the cell
  'import.encoding_invalid':
    '含有无法按 {declared} 识别的字节，文件可能是 {actual} / bytes that are not {declared}; is the file {actual}?',
  'import.number_missing': '卡号为空 / the card number is empty',
  'import.number_format': '卡号须为 6–32 位数字或字母 / a card number is 6–32 digits or letters',
  'import.number_scientific':
    '卡号被表格软件改成了科学计数法 / a spreadsheet rewrote the number in scientific notation',
  'import.number_duplicate': '卡号与第 {first} 行重复 / the same card number as on line {first}',
  'import.number_taken': '卡号已属于另一张卡 / another card of this issuer has this number already',
  'import.number_reserved':
    '卡号属于本发行方新卡的号段 / the number lies in the range that new cards of this issuer get',
  'import.secret_missing': '密码为空 / the secret is empty',
  'import.secret_format':
    '密码须为 4–64 位可见字符，不含空格 / a secret is 4–64 visible ASCII characters without spaces',
  'import.amount_missing': '金额为空 / the amount is empty',
  'import.amount_negative': '金额不能为负 / the amount is negative',
  'import.amount_decimals': '金额最多两位小数 / at most two decimals',
  'import.amount_scientific': '金额不能用科学计数法 / no scientific notation in an amount',
  'import.amount_format': '不是金额 / not an amount, such as 1234.50 or 1,234.50',
  'import.amount_too_large': '金额过大 / the amount is too large',
  'import.date_format':
    '日期格式应为 2027-12-31、2027/12/31、20271231 或 2027年12月31日 / not a date in one of these forms',
  'import.date_not_in_calendar': '日期不存在 / there is no such day',
} as const satisfies Record<string, string>

export type RowErrorCode = keyof typeof messages

/** What the law says of a row, in the words of its refusal. */
export type PolicyErrorCode = 'policy.card_limit' | 'policy.expiry_not_allowed'

/** One thing that is wrong; `column` is the header's own text, null where no one cell is to blame. */
export interface RowError {
  readonly line: number
  readonly column: string | null
  readonly code: RowErrorCode | PolicyErrorCode
  readonly message: string
}

/** Builds an error; `values` fill the places in braces of its message. */
export function rowError(
  code: RowErrorCode,
  line: number,
  column: string | null = null,
  values: Readonly<Record<string, string | number>> = {},
): RowError {
  const message = messages[code].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name]))
  return { line, column, code, message }
}
