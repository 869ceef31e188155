/**
 * The pages of the phone: the phone itself at `/`, the sheet that confirms one payment (`/_twin/phone`), and the page
 * behind an h5_url. The last two are plain forms and work without a script.
 */
import qrcode from 'qrcode'
import { control } from '../control/control.ts'
import { bareToken, payAndTell, refuseToPay } from '../control/paying.ts'
import type { Prepay, Shown } from '../kernel/prepays.ts'
import { WechatRefusal } from '../kernel/refusal.ts'
import type { Answer, Call } from '../kernel/router.ts'
import { json } from '../kernel/router.ts'
import { formatSpaced } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import { payParameters, readPaySign } from '../v3/pay-sign.ts'
import { chooseUser, fileBeside, type Html, html, onward, page, yuan } from './page.ts'
import { wordsFor } from './words.ts'

const h5Page = '/cgi-bin/mmpayweb-bin/checkmweb'

export function register(twin: Twin): void {
  const { router } = twin
  router.route('GET', '/', fileBeside('phone.html', 'text/html'))
  router.route('GET', '/_twin/phone.css', fileBeside('phone.css', 'text/css'))
  router.route('GET', '/_twin/phone.js', fileBeside('phone.js', 'text/javascript'))
  router.route('GET', '/_twin/phone/state', (call) => json(200, phoneState(twin, call)))
  control(twin, 'GET', '/_twin/phone/invitation', undefined, ({ query }) =>
    invitationOf(twin, query.get('token') ?? ''),
  )
  router.route('GET', '/_twin/qr.svg', async (call) => ({
    status: 200,
    headers: { 'content-type': 'image/svg+xml' },
    body: await qrcode.toString(call.query.get('text') ?? '', { type: 'svg', margin: 1 }),
  }))

  router.route('GET', '/_twin/phone', (call) => confirmSheet(twin, call.query))
  router.route('POST', '/_twin/phone', (call) => decided(twin, call))
  router.route('GET', h5Page, (call) => openH5(twin, call))
}

/** Everything that the phone at `/` shows, in one answer. */
function phoneState(twin: Twin, call: Call) {
  const user = twin.users.table.get(call.query.get('user') ?? '')
  const now = twin.clock.now()
  const open = [...twin.prepays.table.values()].filter(
    ({ dead, expires_at }) => dead !== true && expires_at >= now,
  )
  const invitations = open.flatMap((prepay) => {
    const shown = twin.prepays.show(prepay.token)
    if (shown === undefined || shown.state !== 'NOTPAY') return []
    return [{ ...shown, token: prepay.token, via: prepay.via, merchant: nameOf(twin, shown.mchid) }]
  })
  return {
    profile: twin.profile,
    now: formatSpaced(now),
    offset_seconds: twin.clock.offset / 1000,
    users: [...twin.users.table.values()].map(({ id, name }) => ({ id, name })),
    user: user ?? null,
    invitations: invitations.slice(-50).reverse(),
    messages:
      user === undefined
        ? []
        : twin.users
            .messagesOf(user.id)
            .slice(-100)
            .reverse()
            .map((message) => ({ ...message, at: formatSpaced(message.at) })),
    actions: [...twin.doings.keys()],
  }
}

/** What was scanned, before it is confirmed; what cannot be paid any more is refused in words. */
function invitationOf(twin: Twin, scanned: string) {
  const token = bareToken(scanned)
  const asked = twin.prepays.ask(token)
  if ('why' in asked) return refuseToPay(asked.why)
  const { description, total, mchid } = asked
  return { token, description, total, merchant: nameOf(twin, mchid) }
}

function nameOf(twin: Twin, mchid: string): string {
  return twin.merchants.find(mchid)?.name ?? mchid
}

/** The user of this id or openid; where none is said, the one that the order names. */
function payerOf(twin: Twin, given: string | null, shown: Shown): User | undefined {
  const named = given ?? shown.openid ?? ''
  return twin.users.table.get(named) ?? twin.users.byOpenid(named)?.user
}

/** By `prepay_id`, or by all that a page hands to `getBrandWCPayRequest`, whose signature is then verified. */
function confirmSheet(twin: Twin, query: URLSearchParams): Answer {
  const read = query.has('paySign') ? handedOver(twin, query) : { prepayId: query.get('prepay_id') }
  const why = 'why' in read ? read.why : 'no_such_invitation'
  const token = 'prepayId' in read ? (read.prepayId ?? '') : ''
  const shown = twin.prepays.show(token)
  const back = webAddress(query.get('back'))
  if (shown === undefined) {
    const further = back && new URL(withResult(back, `fail:${why}`))
    return noted('无法支付 · Cannot pay', wordsFor(why), further)
  }
  const payer = payerOf(twin, query.get('user'), shown)
  return asked(twin, { token, shown, payer, back: back?.href ?? '', redirect: '' })
}

function handedOver(twin: Twin, query: URLSearchParams) {
  const own = ['user', 'back', 'prepay_id']
  const given = Object.fromEntries([...query].filter(([name]) => !own.includes(name)))
  try {
    return readPaySign(twin, payParameters.read(given, ''))
  } catch (error) {
    if (error instanceof WechatRefusal) return { why: error.message }
    throw error
  }
}

interface Sheet {
  token: string
  shown: Shown
  /** Undefined: whoever holds the phone chooses. */
  payer: User | undefined
  /** Where a page of the merchant waits for the answer, which is told to it; `redirect` is told nothing. */
  back: string
  redirect: string
}

function asked(twin: Twin, sheet: Sheet): Answer {
  const { token, shown, payer, back, redirect } = sheet
  const chosen: Html =
    payer === undefined
      ? chooseUser(twin, '付款人 · Payer')
      : html`<p class="quiet">${payer.name}</p><input type="hidden" name="user" value="${payer.id}">`
  const body = html`<main class="sheet">
<p class="quiet">${nameOf(twin, shown.mchid)}</p>
<p class="amount">${yuan(shown.total)}</p>
<p>${shown.description}</p>
<form method="post" action="/_twin/phone" class="decision">
${chosen}
<input type="hidden" name="token" value="${token}">
<input type="hidden" name="back" value="${back}">
<input type="hidden" name="redirect" value="${redirect}">
<button name="decision" value="pay">确认付款 · Pay</button>
<button name="decision" value="cancel" class="second">取消 · Cancel</button>
</form>
<p class="quiet">本地微信（${twin.profile}）· Local WeChat, no real money · ${formatSpaced(twin.clock.now())}</p>
</main>`
  return page('微信支付 · WeChat Pay', body)
}

/** Paid or not, the browser goes back to where it came from, if that is said. */
function decided(twin: Twin, call: Call): Answer {
  const form = new URLSearchParams(call.body.toString('utf8'))
  const token = form.get('token') ?? ''
  const user = twin.users.table.get(form.get('user') ?? '')
  const [back, redirect] = [webAddress(form.get('back')), webAddress(form.get('redirect'))]
  if (form.get('decision') !== 'pay') {
    if (back !== undefined) return onward(withResult(back, 'cancel'))
    if (redirect !== undefined) return onward(redirect.href)
    return noted('已取消 · Cancelled', '未付款，可返回商户 · Nothing was paid')
  }
  if (user === undefined) return noted('无法支付 · Cannot pay', '请选择付款人 · Choose who pays')
  const done = payAndTell(twin, token, user)
  if (!done.paid) {
    if (back !== undefined) return onward(withResult(back, `fail:${done.why}`))
    return noted('无法支付 · Cannot pay', wordsFor(done.why), redirect)
  }
  if (back !== undefined) return onward(withResult(back, 'ok'))
  if (redirect !== undefined) return onward(redirect.href)
  return noted('支付成功 · Paid', done.transaction_id)
}

function noted(title: string, text: string, on?: URL): Answer {
  const further = on === undefined ? html`` : html`<p><a href="${on.href}">返回商户 · Back</a></p>`
  return page(title, html`<main class="sheet"><h1>${title}</h1><p>${text}</p>${further}</main>`)
}

/** `wxpay_result` tells the page what WeChat's own callback would: ok, cancel, or fail with a reason. */
function withResult(back: URL, result: string): string {
  back.searchParams.set('wxpay_result', result)
  return back.href
}

/** Nothing but web addresses: a `javascript:` one would run in the page of the twin. */
function webAddress(text: string | null): URL | undefined {
  if (text === null || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}

/** What a browser outside WeChat comes to by an h5_url: checked as WeChat checks it, then the same sheet. */
function openH5(twin: Twin, call: Call): Answer {
  const redirect = call.query.get('redirect_url') ?? ''
  const token = `${twin.url}${call.target.replace(/&redirect_url=.*$/, '')}`
  const prepay = twin.prepays.table.get(token)
  const shown = prepay === undefined ? undefined : twin.prepays.show(token)
  if (prepay === undefined || shown === undefined)
    return noted('支付请求已失效 · Invalid', '请重新发起支付 · Start the payment again')
  const why = whyNotH5(twin, prepay, call, redirect)
  if (why !== undefined) return noted('无法发起支付 · Cannot pay', why)
  return asked(twin, { token, shown, payer: undefined, back: '', redirect })
}

function whyNotH5(twin: Twin, prepay: Prepay, call: Call, redirect: string): string | undefined {
  const domains = twin.merchants.find(prepay.mchid)?.h5_domains ?? []
  const from = URL.canParse(call.headers.referer ?? '') ? new URL(call.headers.referer ?? '') : null
  if (domains.length > 0 && (from === null || !domains.includes(from.hostname)))
    return '商家参数格式有误，请联系商家解决 · The page that led here is of no registered domain'
  const onto = URL.canParse(redirect) ? new URL(redirect).hostname : undefined
  if (domains.length > 0 && redirect !== '' && (onto === undefined || !domains.includes(onto)))
    return '回跳地址不是已登记的域名 · redirect_url is of no registered domain'
  if (twin.clock.now() > prepay.expires_at) return wordsFor('invitation_expired')
  const { checkH5Address } = twin.settings.now
  if (checkH5Address && prepay.address !== undefined && prepay.address !== call.address)
    return '网络环境未能通过安全验证，请稍后再试 · Opened from another address than the order names'
  return undefined
}
