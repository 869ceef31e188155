/** What the authorisation page refuses, each by its own number, and where it sends a browser on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../kernel/users.ts'
import { isPageFault, readAuthorization, redirectOf } from './authorize.ts'

const account: App = {
  appid: 'wx1',
  secret: 's',
  kind: 'official_account',
  subject: 'open1',
  redirect_hosts: ['shop.example.cn', '127.0.0.1:8080'],
  more: {},
}
const apps = new Map<string, App>([
  ['wx1', account],
  ['wx2', { ...account, appid: 'wx2', kind: 'mini_program' }],
  ['wx3', { ...account, appid: 'wx3', more: { oauth_scopes: ['snsapi_base'] } }],
])
const home = encodeURIComponent('https://shop.example.cn/login?from=menu')
const rest = `redirect_uri=${home}&response_type=code&scope=snsapi_userinfo&state=s1`

test('a link in order is read, and its state comes back with the code', () => {
  const asked = readAuthorization(apps, `appid=wx1&${rest}`)
  assert.equal(isPageFault(asked), false)
  if (isPageFault(asked)) return
  assert.equal(asked.scope, 'snsapi_userinfo')
  assert.equal(redirectOf(asked, 'c1'), 'https://shop.example.cn/login?from=menu&code=c1&state=s1')
  assert.equal(redirectOf(asked, undefined), 'https://shop.example.cn/login?from=menu&state=s1')
})

test('state may be left out, and a port is part of a registered host', () => {
  const local = encodeURIComponent('http://127.0.0.1:8080/login')
  const query = `appid=wx1&redirect_uri=${local}&response_type=code&scope=snsapi_base`
  const asked = readAuthorization(apps, query)
  assert.equal(isPageFault(asked), false)
})

const table: readonly [why: string, query: string, code: number][] = [
  [
    'scope before response_type',
    `appid=wx1&redirect_uri=${home}&scope=snsapi_base&response_type=code`,
    10002,
  ],
  [
    'state first',
    `state=1&appid=wx1&redirect_uri=${home}&response_type=code&scope=snsapi_base`,
    10002,
  ],
  ['something else first', `x=1&appid=wx1&${rest}`, 10002],
  [
    'another response type',
    `appid=wx1&redirect_uri=${home}&response_type=token&scope=snsapi_base`,
    10002,
  ],
  ['an unknown appid', `appid=wx9&${rest}`, 10012],
  ['a mini-program', `appid=wx2&${rest}`, 10016],
  ['no address', 'appid=wx1&redirect_uri=&response_type=code&scope=snsapi_base', 10011],
  [
    'an address that is none of a page',
    'appid=wx1&redirect_uri=javascript%3A1&response_type=code&scope=snsapi_base',
    10011,
  ],
  [
    'another host',
    `appid=wx1&redirect_uri=https%3A%2F%2Fevil.example.cn&response_type=code&scope=snsapi_base`,
    10003,
  ],
  [
    'another port',
    `appid=wx1&redirect_uri=http%3A%2F%2F127.0.0.1%3A81&response_type=code&scope=snsapi_base`,
    10003,
  ],
  [
    'a host that ends alike',
    `appid=wx1&redirect_uri=https%3A%2F%2Fxshop.example.cn&response_type=code&scope=snsapi_base`,
    10003,
  ],
  [
    'an unknown scope',
    `appid=wx1&redirect_uri=${home}&response_type=code&scope=snsapi_login`,
    10010,
  ],
  ['a scope that the account has not', `appid=wx3&${rest}`, 10005],
  [
    'a state of 129 bytes',
    `appid=wx1&redirect_uri=${home}&response_type=code&scope=snsapi_base&state=${'s'.repeat(129)}`,
    10013,
  ],
]
for (const [why, query, code] of table)
  test(`the page shows ${code} for ${why}`, () => {
    const asked = readAuthorization(apps, query)
    assert.equal(isPageFault(asked) ? asked.code : 0, code)
  })
