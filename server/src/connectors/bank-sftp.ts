/**
 * One SFTP connection, in promises: the few things that are done with files at a bank. The host key is pinned: a server
 * that shows another one is not spoken to. Every step has a time limit, after which the connection is given up.
 */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import ssh2, { type SFTPWrapper } from 'ssh2'

export interface SftpAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Of the client, in PEM or OpenSSH's form. */
  readonly privateKey: string
  /** `SHA256:` and 43 characters, as OpenSSH shows it. */
  readonly hostKey: string
}

export interface SftpOptions {
  /** For the connection, and for each step. */
  readonly timeoutMs?: number
}

export class Sftp {
  readonly #client: InstanceType<typeof ssh2.Client>
  readonly #sftp: SFTPWrapper
  readonly #timeoutMs: number
  readonly #lost: Promise<never>

  private constructor(
    client: InstanceType<typeof ssh2.Client>,
    sftp: SFTPWrapper,
    { timeoutMs, lost }: { timeoutMs: number; lost: Promise<never> },
  ) {
    this.#client = client
    this.#sftp = sftp
    this.#timeoutMs = timeoutMs
    this.#lost = lost
  }

  /** @throws when the bank cannot be reached, shows another host key or does not let us in. */
  static async open(address: SftpAddress, { timeoutMs = 20_000 }: SftpOptions = {}): Promise<Sftp> {
    const client = new ssh2.Client()
    let refusedKey: string | undefined
    const lost = new Promise<never>((_, reject) => {
      client.on('error', (error) =>
        reject(
          refusedKey === undefined ? error : new Error(wrongKey(refusedKey), { cause: error }),
        ),
      )
      client.on('close', () => reject(new Error('the connection to the bank was lost')))
    })
    // Whoever waits for a step hears of it; between two steps nobody does.
    lost.catch(() => undefined)
    const ready = new Promise<void>((resolve) => {
      client.on('ready', () => resolve())
    })
    client.connect({
      // Questions and answers of some bytes: nothing is gained by waiting for more.
      sock: connect({ host: address.host, port: address.port, noDelay: true }),
      username: address.user,
      privateKey: address.privateKey,
      readyTimeout: timeoutMs,
      keepaliveInterval: 5_000,
      keepaliveCountMax: 3,
      hostVerifier: (key: Buffer) => {
        const shown = fingerprintOf(key)
        if (shown !== address.hostKey) refusedKey = shown
        return refusedKey === undefined
      },
    })
    try {
      await Promise.race([ready, lost])
      const opening = new Promise<SFTPWrapper>((resolve, reject) => {
        client.sftp((error, opened) => (error ? reject(error) : resolve(opened)))
      })
      return new Sftp(client, await Promise.race([opening, lost]), { timeoutMs, lost })
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  close(): void {
    this.#client.end()
  }

  /** The file, whole, in place of one that is there. */
  write(path: string, bytes: Buffer): Promise<void> {
    return this.#step((done, fail) => this.#sftp.writeFile(path, bytes, ended(done, fail)))
  }

  read(path: string): Promise<Buffer> {
    return this.#step((done, fail) =>
      this.#sftp.readFile(path, (error, bytes) => (error ? fail(error) : done(bytes))),
    )
  }

  /** @throws also when there is something of the new name. */
  rename(from: string, to: string): Promise<void> {
    return this.#step((done, fail) => this.#sftp.rename(from, to, ended(done, fail)))
  }

  /** The names in the folder, sorted. */
  list(path: string): Promise<string[]> {
    return this.#step((done, fail) =>
      this.#sftp.readdir(path, (error, found) =>
        error ? fail(error) : done(found.map(({ filename }) => filename).sort()),
      ),
    )
  }

  async #step<T>(begin: (done: (value: T) => void, fail: Fail) => void): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the bank did not answer in ${this.#timeoutMs} ms`))
        this.#client.destroy()
      }, this.#timeoutMs)
    })
    try {
      return await Promise.race([new Promise<T>(begin), this.#lost, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

type Fail = (error: Error) => void

/** A callback for what has no value to give. */
function ended(done: () => void, fail: Fail): (error?: Error | null) => void {
  return (error) => (error ? fail(error) : done())
}

/** As OpenSSH shows it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

function wrongKey(shown: string): string {
  return `the bank's server showed the host key ${shown}, which is not the one that is pinned`
}
