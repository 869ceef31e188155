/** What may stand in `notify_url`: https without a query; under the local profile also http on loopback. */
import { fault } from '../kernel/shape.ts'
import type { Profile } from '../kernel/twin.ts'

const loopback = ['127.0.0.1', 'localhost', '[::1]']

export function checkNotifyUrl(profile: Profile, url: string, path = '/notify_url'): void {
  if (!URL.canParse(url)) fault(path, url, '不是合法的 URL')
  const { protocol, hostname, username, password } = new URL(url)
  const isLocal = profile === 'local' && protocol === 'http:' && loopback.includes(hostname)
  if (protocol !== 'https:' && !isLocal) fault(path, url, '必须为 https')
  if (url.includes('?') || url.includes('#')) fault(path, url, '不能携带参数')
  if (username !== '' || password !== '') fault(path, url, '不能携带用户信息')
}
