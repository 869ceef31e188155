/** The frame of the twin's pages: plain HTML with one style sheet, and nothing from elsewhere. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer } from '../kernel/router.ts'
import type { Twin } from '../kernel/twin.ts'

/** HTML that is safe as it stands: only `html` makes it. */
export interface Html {
  readonly html: string
}

/** A template whose values are escaped, unless they are HTML already or a list of it. */
export function html(
  parts: TemplateStringsArray,
  ...values: (string | number | Html | Html[])[]
): Html {
  let text = parts[0] ?? ''
  for (const [place, value] of values.entries()) text += shown(value) + (parts[place + 1] ?? '')
  return { html: text }
}

function shown(value: string | number | Html | Html[]): string {
  if (Array.isArray(value)) return value.map(({ html }) => html).join('')
  if (typeof value === 'object') return value.html
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

const head = {
  'content-security-policy': "default-src 'self'; style-src 'self'; img-src 'self' data:",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

export function page(title: string, body: Html, status = 200): Answer {
  const whole = html`<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="/_twin/phone.css">
${body}
</html>
`
  const headers = { 'content-type': 'text/html; charset=utf-8', ...head }
  return { status, headers, body: whole.html }
}

/** A file that lies beside this one, read once. */
export function fileBeside(name: string, type: string): () => Answer {
  const body = readFileSync(join(import.meta.dirname, name), 'utf8')
  return () => ({
    status: 200,
    headers: { 'content-type': `${type}; charset=utf-8`, ...head },
    body,
  })
}

/** Whose phone it is, within a form; the newest stand last, as on the phone. */
export function chooseUser(twin: Twin, label: string): Html {
  const users = [...twin.users.table.values()].slice(-200)
  if (users.length === 0)
    return html`<p>还没有用户，请先在手机上添加 · No user yet</p>
<a href="/" target="_blank" rel="noopener">打开手机 · Open the phone</a>`
  const options = users.map(({ id, name }) => html`<option value="${id}">${name}</option>`)
  return html`<label>${label} <select name="user">${options}</select></label>`
}

/** On to another address. */
export function onward(url: string): Answer {
  return { status: 303, headers: { location: url, ...head } }
}

export function yuan(fen: number): string {
  return `¥${(fen / 100).toFixed(2)}`
}
