/**
 * As much of a browser as the shop page needs: its elements by id, forms, clicks, cookies and addresses. The page's own
 * scripts run in it as they are; what it lacks is missing loudly.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'

const assets = join(import.meta.dirname, '../../server/assets/h5')

export class PageElement {
  hidden = false
  disabled = false
  checked = false
  required = false
  value = ''
  type = ''
  name = ''
  id = ''
  className = ''
  href = ''
  rel = ''
  target = ''
  readonly tag: string
  readonly attributes = new Map<string, string>()
  children: (PageElement | string)[] = []
  readonly #listeners = new Map<string, ((event: { preventDefault(): void }) => unknown)[]>()

  constructor(tag: string) {
    this.tag = tag
  }

  get textContent(): string {
    return this.children.map((one) => (typeof one === 'string' ? one : one.textContent)).join('')
  }
  set textContent(text: string) {
    this.children = [text]
  }
  append(...children: (PageElement | string)[]): void {
    this.children.push(...children)
  }
  replaceChildren(...children: (PageElement | string)[]): void {
    this.children = children
  }
  focus(): void {}
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value)
  }
  addEventListener(name: string, listener: (event: { preventDefault(): void }) => unknown): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
  }
  get classList() {
    return {
      remove: (name: string) => {
        this.className = this.className.replace(name, '').trim()
      },
    }
  }
  get elements() {
    return { namedItem: (name: string) => this.all().find((one) => one.name === name) }
  }
  /** Itself and what is in it. */
  all(): PageElement[] {
    return [this, ...this.children.flatMap((one) => (typeof one === 'string' ? [] : one.all()))]
  }
  async fire(name: string): Promise<void> {
    for (const listener of this.#listeners.get(name) ?? []) await listener({ preventDefault() {} })
  }
}

export interface Page {
  byId(id: string): PageElement
  /** The button whose words begin so. */
  button(words: string): PageElement
  /** Where the page has sent the browser. */
  readonly left: string[]
  readonly storage: Map<string, string>
  cookie: string
  close(): void
}

/** Opens the page of a shop: `url` is its address, `userAgent` the browser. */
export async function openPage(
  url: string,
  userAgent: string,
  storage = new Map<string, string>(),
  cookie = '',
): Promise<Page> {
  const html = readFileSync(join(assets, 'shop.html'), 'utf8')
  const known = new Map<string, PageElement>()
  for (const [, tag = '', id = ''] of html.matchAll(/<(\w+)[^>]*\bid="([\w-]+)"/g)) {
    const made = Object.assign(new PageElement(tag), { id })
    made.hidden = new RegExp(`id="${id}"[^>]*\\bhidden`).test(html)
    known.set(id, made)
  }
  const byId = (id: string) => known.get(id) ?? missing(id)
  const yuan = Object.assign(new PageElement('input'), { name: 'yuan' })
  byId('own-amount').append(yuan)
  byId('choice').append(byId('products'), byId('amounts'), byId('buy'))
  byId('amounts').append(byId('faces'), byId('own-amount'))
  const intervals: NodeJS.Timeout[] = []
  const page: Page = {
    byId,
    button: (words) =>
      [...known.values()]
        .flatMap((one) => one.all())
        .find((one) => one.tag === 'button' && one.textContent.startsWith(words)) ?? missing(words),
    left: [],
    storage,
    cookie,
    close: () => {
      for (const one of intervals) clearInterval(one)
    },
  }
  const address = new URL(url)
  const globals = {
    document: {
      getElementById: byId,
      createElement: (tag: string) => new PageElement(tag),
      createElementNS: (_: string, tag: string) => new PageElement(tag),
      addEventListener: () => {},
      title: '',
      get cookie() {
        return page.cookie
      },
      set cookie(text: string) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? []
        page.cookie = value === '' ? '' : `${name}=${value}`
      },
    },
    location: {
      pathname: address.pathname,
      search: address.search,
      origin: address.origin,
      assign: (to: string) => void page.left.push(to),
    },
    history: { replaceState: () => {} },
    localStorage: {
      getItem: (name: string) => storage.get(name) ?? null,
      setItem: (name: string, text: string) => void storage.set(name, text),
    },
    navigator: { userAgent },
    fetch: (path: string, options: RequestInit) => fetch(address.origin + path, options),
    crypto: globalThis.crypto,
    setInterval: (work: () => void, ms: number) => {
      const made = setInterval(work, Math.min(ms, 50)).unref()
      intervals.push(made)
      return made
    },
    clearInterval: (one: NodeJS.Timeout) => clearInterval(one),
    FormData: class {
      readonly #form: PageElement
      constructor(form: PageElement) {
        this.#form = form
      }
      get(name: string) {
        const [field] = this.#form
          .all()
          .filter((one) => one.name === name && (one.type !== 'radio' || one.checked))
        return field?.value ?? null
      }
    },
  }
  await run(globals)
  return page
}

function missing(what: string): never {
  throw new Error(`the page has no ${what}`)
}

let pages = 0

/** The page's modules in one, with the browser's names handed in: an import of `/h5/assets/…` has no meaning here. */
async function run(globals: Record<string, unknown>): Promise<void> {
  pages += 1
  const parts = ['qr.js', 'wallet.js', 'words.js', 'view.js', 'cards.js', 'shop.js'].map((name) =>
    readFileSync(join(assets, name), 'utf8')
      .replaceAll(/^import [\s\S]*? from '[^']*'$/gm, '')
      .replaceAll(/^export /gm, ''),
  )
  const names = Object.keys(globals)
  const text = `return (async () => {\n${parts.join('\n')}\n})()`
  const made = compileFunction(text, names, { filename: `shop-page-${pages}.js` })
  await made(...Object.values(globals))
}
