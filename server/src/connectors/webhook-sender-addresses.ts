/**
 * Which IP addresses a webhook may reach. Customers choose the URL, the server sends: whatever is not plainly on the
 * public internet (IANA special-purpose registries) could be something inside our own network.
 */
import { BlockList, isIP } from 'node:net'

/** `inside`: a network of somebody's own. `never`: nothing that a request could sensibly go to. */
export type Reach = 'public' | 'inside' | 'never'

const inside = listOf([
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, metadata services of clouds
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '::1/128',
  'fc00::/7', // unique local
  'fe80::/10', // link-local
])

const never = listOf([
  '0.0.0.0/8', // this host
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.175.48.0/24', // AS112
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '2001::/23', // protocol assignments, Teredo
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: carries an IPv4 address
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
])

/** All that is public in IPv6; mapped, translated and compatible IPv4 addresses lie outside. */
const globalUnicast = listOf(['2000::/3'])

export function reachOf(address: string): Reach {
  const version = isIP(address)
  if (version === 0 || address.includes('%')) return 'never'
  const family = version === 4 ? 'ipv4' : 'ipv6'
  // A mapped address is checked against the rules of IPv4 by BlockList; it is refused whatever it holds.
  if (family === 'ipv6' && isMapped(address)) return 'never'
  if (inside.check(address, family)) return 'inside'
  if (never.check(address, family)) return 'never'
  return family === 'ipv4' || globalUnicast.check(address, family) ? 'public' : 'never'
}

const mapped = listOf(['::ffff:0:0/96'])

function isMapped(address: string): boolean {
  return address.includes('.') || mapped.check(address, 'ipv6')
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
