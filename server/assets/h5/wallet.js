/**
 * What the shop does, without a page around it: calls of `/wallet/v1`, the session and the order that is under way kept in
 * the browser, and the choice of how to pay. A purchase that was cut off goes on where it was: keys are made once and kept.
 */

/** A refusal of the server, by its code. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? 'refused')
    this.code = problem.code
  }
}

/**
 * `browser`: `fetch`, `storage` (get, set), `newKey` () → a text that never comes twice, `takeSession` () → the token that
 * a login has left for the page, once.
 */
export function openWallet(appId, browser) {
  const kept = () => JSON.parse(browser.storage.get(appId) ?? '{}')
  const keep = (change) => browser.storage.set(appId, JSON.stringify({ ...kept(), ...change }))

  async function ask(method, path, { body, key, token } = {}) {
    const response = await browser.fetch(`/wallet/v1${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const answer = text === '' ? undefined : JSON.parse(text)
    if (response.ok) return answer
    throw new Refused(answer)
  }

  /** As a member; a session that is over is forgotten, and one more is begun for a guest. */
  async function asMember(method, path, more = {}) {
    try {
      return await ask(method, path, { ...more, token: kept().token ?? '' })
    } catch (error) {
      if (error instanceof Refused && error.code.startsWith('session.')) keep({ token: undefined })
      throw error
    }
  }

  /**
   * A step of the purchase, under a key that is made once and kept: asked however often, it is done once. What was refused
   * is asked anew the next time.
   */
  async function step(name, path, body = {}) {
    const key = kept().keys?.[name] ?? browser.newKey()
    keep({ keys: { ...kept().keys, [name]: key } })
    try {
      return await asMember('POST', path, { body, key })
    } catch (error) {
      if (error instanceof Refused && !isPassing(error)) {
        const { [name]: _, ...keys } = kept().keys
        keep({ keys })
      }
      throw error
    }
  }

  const orderPath = (rest = '') => `/orders/${kept().order}${rest}`

  return {
    shop: () => ask('GET', `/shops/${appId}`),
    products: async () => (await ask('GET', `/products?app_id=${appId}`)).data,

    isLoggedIn: () => kept().token !== undefined && kept().isGuest === false,
    hasSession: () => kept().token !== undefined,

    /** After coming back from WeChat: takes the session over, and what the guest of before has bought with it. */
    async takeOver() {
      const token = browser.takeSession()
      if (token === undefined) return false
      const before = kept()
      keep({ token, isGuest: false })
      if (before.isGuest === true && before.token !== undefined)
        await asMember('POST', '/me/guest', { body: { token: before.token } }).catch(
          () => undefined,
        )
      return true
    },

    async beGuest() {
      const { token } = await ask('POST', '/guests', { body: { app_id: appId } })
      keep({ token, isGuest: true })
    },

    /** Where to go to log in; called when the buyer does something that needs it, and never by itself. */
    loginPage: (path) =>
      `/wallet/v1/oauth/start?${new URLSearchParams({ app_id: appId, return_to: path })}`,

    /** What is bought; kept until it is paid or left. */
    async order(product, amount) {
      const body = {
        kind: 'purchase',
        product_id: product,
        amount,
        outside_wechat: !browser.isWechat,
      }
      const order = await step(`order ${product} ${amount}`, '/orders', body)
      keep({ order: order.id })
      return order
    },
    underWay: () => kept().order,
    current: () => asMember('GET', orderPath()),

    /**
     * How to pay there: the same invitation however often, until the buyer comes back to it from another way, which the
     * server has closed it for.
     */
    async pay(scene) {
      const invite = () => step(`pay ${kept().order} ${scene}`, orderPath('/pay'), { scene })
      try {
        return await invite()
      } catch (error) {
        if (error instanceof Refused && error.code === 'order.superseded') return invite()
        throw error
      }
    },

    /** The order is not wanted any more; one that was paid meanwhile stays. */
    async leave() {
      await step(`close ${kept().order}`, orderPath('/close'))
      keep({ order: undefined, keys: {} })
    },
    forget: () => keep({ order: undefined, keys: {} }),

    unseal: () => step(`unseal ${kept().order}`, orderPath('/unseal')),
    giveBack: () => step(`refund ${kept().order}`, orderPath('/refunds'), { reason: '买家退货' }),
    card: (id) => asMember('GET', `/cards/${id}`),
    reveal: (id) => step(`reveal ${id}`, `/cards/${id}/reveal`),
  }
}

function isPassing({ code }) {
  return code === 'busy' || code === 'throttled'
}

/**
 * The ways to pay that make sense where the buyer is: within WeChat its own sheet, which needs a login; on a phone its
 * browser; elsewhere a code to scan.
 */
export function waysToPay({ isWechat, isPhone, isLoggedIn }) {
  if (isWechat) return isLoggedIn ? ['jsapi'] : ['login']
  return isPhone ? ['h5', 'native'] : ['native', 'h5']
}

/** Fen of what was typed in yuan; undefined: not an amount. */
export function fenOf(yuan) {
  const [, whole, part = ''] = /^(\d{1,6})(?:\.(\d{1,2}))?$/.exec(yuan.trim()) ?? []
  return whole === undefined ? undefined : Number(whole) * 100 + Number(part.padEnd(2, '0'))
}

export function yuanOf(fen) {
  return `¥${(fen / 100).toFixed(2)}`
}
