/** The authorisation page in a browser: whose phone it is, and whether they agree. */
import type { Answer, Call } from '../kernel/router.ts'
import { type Authorization, decide, isPageFault, readAuthorization } from './authorize.ts'
import type { World } from './world.ts'

const path = '/connect/oauth2/authorize'

export function registerAuthorizePage(world: World): void {
  const { twin } = world
  twin.router.route('GET', path, (call) => {
    const asked = read(world, call)
    if (isPageFault(asked)) return page(`<p>${plain(asked.words)}</p><p>错误码：${asked.code}</p>`)
    return page(question(world, asked, queryOf(call)))
  })
  twin.router.route('POST', path, (call) => {
    const asked = read(world, call)
    const answer = new URLSearchParams(call.body.toString())
    const user = answer.get('user') ?? ''
    if (isPageFault(asked) || !twin.users.table.has(user)) return page('<p>请重新打开链接</p>')
    const decision = { user, agrees: answer.get('agrees') === 'yes' }
    const isSnapshot = answer.get('agrees') === 'snapshot'
    const location = decide(
      world,
      asked,
      isSnapshot ? { user, agrees: true, isSnapshot } : decision,
    )
    return { status: 302, headers: { location } }
  })
}

function read({ twin }: World, call: Call) {
  return readAuthorization(twin.users.apps, queryOf(call))
}

function queryOf(call: Call): string {
  return call.target.slice(call.path.length + 1)
}

function question({ twin }: World, { app, scope }: Authorization, query: string): string {
  const users = [...twin.users.table.values()].slice(-200)
  if (users.length === 0) return '<p>还没有用户，请先在手机页面添加</p>'
  const options = users.map(({ id, name }) => `<option value="${id}">${plain(name)}</option>`)
  const words = scope === 'snsapi_base' ? '静默授权（不询问用户）' : '申请获取你的昵称、头像'
  const refuse = scope === 'snsapi_base' ? '' : '<button name="agrees" value="no">拒绝</button>'
  return `<h1>${plain(app.appid)}</h1><p>${words}</p>
<form method="post" action="${path}?${plain(query)}">
<label>微信用户 <select name="user">${options.join('')}</select></label>
<p><button name="agrees" value="yes">允许</button> ${refuse}
<button name="agrees" value="snapshot">仅浏览快照页</button></p></form>`
}

function page(body: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>微信授权（本地）</title>
<style>body{font:16px system-ui;max-width:28rem;margin:2rem auto;padding:0 1rem}button{padding:.5rem 1rem}</style>
${body}</html>`,
  }
}

function plain(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (sign) => entities[sign] ?? sign)
}
