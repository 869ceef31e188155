/** Finds free ports on 127.0.0.1 for servers that we start. */
import { createServer } from 'node:net'

/** `wanted` where it is free, else any free one. Another program may still be quicker: the server's start shows. */
export async function freePort(wanted: number | undefined): Promise<number> {
  if (wanted !== undefined && (await tryPort(wanted)) !== undefined) return wanted
  const port = await tryPort(0)
  if (port === undefined) throw new Error('there is no free port on 127.0.0.1')
  return port
}

function tryPort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : undefined
      server.close(() => resolve(port))
    })
  })
}
