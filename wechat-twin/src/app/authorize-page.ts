/** The authorisation page in a browser: whose phone it is, and whether they agree. */
import type { Answer, Call } from '../kernel/router.ts'
import { chooseUser, type Html, html, page } from '../phone/page.ts'
import { type Authorization, decide, isPageFault, readAuthorization } from './authorize.ts'
import type { World } from './world.ts'

const path = '/connect/oauth2/authorize'

export function registerAuthorizePage(world: World): void {
  const { twin } = world
  twin.router.route('GET', path, (call) => {
    const asked = read(world, call)
    if (isPageFault(asked)) return shown(html`<p>${asked.words}</p><p>错误码：${asked.code}</p>`)
    return shown(question(world, asked, queryOf(call)))
  })
  twin.router.route('POST', path, (call) => {
    const asked = read(world, call)
    const answer = new URLSearchParams(call.body.toString())
    const user = answer.get('user') ?? ''
    if (isPageFault(asked) || !twin.users.table.has(user)) return shown(html`<p>请重新打开链接</p>`)
    const agrees = answer.get('agrees')
    const decision = { user, agrees: agrees !== 'no', isSnapshot: agrees === 'snapshot' }
    const location = decide(world, asked, decision)
    return { status: 302, headers: { location } }
  })
}

function read({ twin }: World, call: Call) {
  return readAuthorization(twin.users.apps, queryOf(call))
}

function queryOf(call: Call): string {
  return call.target.slice(call.path.length + 1)
}

function question({ twin }: World, { app, scope }: Authorization, query: string): Html {
  const isSilent = scope === 'snsapi_base'
  const refusal = html`<button name="agrees" value="no" class="second">拒绝</button>`
  return html`<h1>${app.appid}</h1>
<p>${isSilent ? '静默授权（不询问用户）' : '申请获取你的昵称、头像'}</p>
<form method="post" action="${path}?${query}" class="decision">
${chooseUser(twin, '微信用户')}
<button name="agrees" value="yes">允许</button>
${isSilent ? '' : refusal}
<button name="agrees" value="snapshot" class="second">仅浏览快照页</button>
</form>`
}

function shown(body: Html): Answer {
  return page('微信授权', html`<main class="sheet">${body}</main>`)
}
