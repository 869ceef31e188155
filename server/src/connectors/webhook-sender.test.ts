import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { webhookSender } from './webhook-sender.ts'
import { type Reach, reachOf } from './webhook-sender-addresses.ts'

const reaches: Record<Reach, string[]> = {
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:4860:4860::8888',
    '2606:4700::1111',
  ],
  inside: [
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'febf::1',
  ],
  never: [
    '0.0.0.0',
    '0.1.2.3',
    '192.0.0.8',
    '192.0.2.1',
    '192.88.99.1',
    '198.51.100.7',
    '203.0.113.7',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:1.1.1.1',
    '::ffff:7f00:1',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '3fff::1',
    'fec0::1',
    'ff02::1',
    'fe80::1%eth0',
    'localhost',
    '',
  ],
}

describe('an address', () => {
  for (const [reach, addresses] of Object.entries(reaches))
    for (const address of addresses)
      test(`${address || '(empty)'} is ${reach}`, () => assert.equal(reachOf(address), reach))
})

const names: Record<string, string[]> = {
  'public.example': ['1.1.1.1', '2606:4700::1111'],
  'inside.example': ['10.0.0.1'],
  'mixed.example': ['1.1.1.1', '127.0.0.1'],
}
const resolve = async (host: string) => {
  const addresses = names[host]
  if (addresses === undefined) throw new Error('not found')
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}

describe('a URL', () => {
  const strict = webhookSender({ allowPrivate: false, resolve })
  const open = webhookSender({ allowPrivate: true, resolve })
  const table: [url: string, strict: RegExp | undefined, open: RegExp | undefined][] = [
    ['https://public.example/hook', undefined, undefined],
    ['https://public.example:8443/hook?a=b', undefined, undefined],
    ['http://public.example/hook', /only https/, undefined],
    ['ftp://public.example/', /only https/, /only https/],
    ['public.example', /not a URL/, /not a URL/],
    ['https://public.example:0/', /port 0/, /port 0/],
    ['https://public.example:65536/', /not a URL/, /not a URL/],
    ['https://me:word@public.example/', /credentials/, /credentials/],
    ['https://public.example/#part', /fragment/, /fragment/],
    ['https://nowhere.example/', /does not lead/, /does not lead/],
    ['https://inside.example/', /does not lead/, undefined],
    ['https://mixed.example/', /does not lead/, undefined],
    ['https://127.0.0.1/', /does not lead/, undefined],
    ['https://2130706433/', /does not lead/, undefined],
    ['https://0x7f.1/', /does not lead/, undefined],
    ['https://[::1]/', /does not lead/, undefined],
    ['https://[::ffff:127.0.0.1]/', /does not lead/, /does not lead/],
    ['https://0.0.0.0/', /does not lead/, /does not lead/],
  ]
  for (const [url, refusedStrictly, refusedOpenly] of table)
    test(`${url} ${refusedStrictly === undefined ? 'is allowed' : 'is refused'}`, async () => {
      assert.match((await strict.objection(url)) ?? 'allowed', refusedStrictly ?? /^allowed$/)
      assert.match((await open.objection(url)) ?? 'allowed', refusedOpenly ?? /^allowed$/)
    })
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function withServer(answer: Answer, work: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('a POST', () => {
  const local = async () => [{ address: '127.0.0.1', family: 4 }]

  test('reaches the host that was resolved, under its own name, with body and headers', async () => {
    const seen: unknown[] = []
    await withServer(
      (request, response) => {
        let body = ''
        request.on('data', (chunk) => {
          body += chunk
        })
        request.on('end', () => {
          seen.push([
            request.method,
            request.url,
            request.headers.host,
            request.headers['x-a'],
            body,
          ])
          response.writeHead(204).end()
        })
      },
      async (port) => {
        const sender = webhookSender({ allowPrivate: true, resolve: local })
        const posted = await sender.post(`http://hook.example:${port}/in?x=1`, { 'x-a': 'b' }, '卡')
        assert.deepEqual(posted, { status: 204 })
        assert.deepEqual(seen, [['POST', '/in?x=1', `hook.example:${port}`, 'b', '卡']])
      },
    )
  })

  test('resolves the name once: what it points to a moment later is never connected to', async () => {
    let asked = 0
    const rebinding = async () => {
      asked += 1
      return [{ address: asked === 1 ? '1.1.1.1' : '127.0.0.1', family: 4 }]
    }
    const sender = webhookSender({ allowPrivate: false, resolve: rebinding, timeoutMs: 300 })
    assert.ok('error' in (await sender.post('https://rebinding.example:1/', {}, '{}')))
    assert.equal(asked, 1)
    assert.deepEqual(await sender.post('https://rebinding.example:1/', {}, '{}'), {
      error: 'not allowed: rebinding.example does not lead to addresses that may be reached',
    })
  })

  test('does not follow a redirect', async () => {
    let requests = 0
    await withServer(
      (_, response) => {
        requests += 1
        response.writeHead(307, { location: '/elsewhere' }).end()
      },
      async (port) => {
        const sender = webhookSender({ allowPrivate: true })
        assert.deepEqual(await sender.post(`http://127.0.0.1:${port}/`, {}, '{}'), { status: 307 })
        assert.equal(requests, 1)
      },
    )
  })

  test('waits for an answer as long as it may', async () => {
    await withServer(
      () => {},
      async (port) => {
        const sender = webhookSender({ allowPrivate: true, timeoutMs: 100 })
        assert.deepEqual(await sender.post(`http://127.0.0.1:${port}/`, {}, '{}'), {
          error: 'no answer in 100 ms',
        })
      },
    )
  })

  test('does not read an answer without end', async () => {
    let written = 0
    let closed = false
    await withServer(
      (_, response) => {
        response.writeHead(200)
        const chunk = Buffer.alloc(64 * 1024)
        const write = () => {
          while (!closed && response.write(chunk)) written += chunk.length
        }
        response.on('drain', write).on('close', () => {
          closed = true
        })
        write()
      },
      async (port) => {
        const sender = webhookSender({ allowPrivate: true })
        assert.deepEqual(await sender.post(`http://127.0.0.1:${port}/`, {}, '{}'), { status: 200 })
        while (!closed) await sleep(5)
        assert.ok(written < 32 << 20)
      },
    )
  })

  test('says why there is no connection', async () => {
    let free = 0
    await withServer(
      () => {},
      async (port) => {
        free = port
      },
    )
    const sender = webhookSender({ allowPrivate: true })
    assert.deepEqual(await sender.post(`http://127.0.0.1:${free}/`, {}, '{}'), {
      error: 'no connection: ECONNREFUSED',
    })
  })
})
