import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { connect } from '../server/src/platform/db.ts'
import { findPackage } from '../server/src/platform/postgres/binaries.ts'
import type { StartOptions } from '../server/src/platform/postgres/index.ts'
import { startOfProcess } from '../server/src/platform/postgres/process-identity.ts'
import { closedFolder, userOf } from '../server/src/platform/postgres/server-user.ts'
import type { AppEvent } from './harness/embedded-app.ts'
import { temporaryFolder, throwAwaySettings } from './harness/server.ts'
import { fillDisk, mountDisk, noMount } from './harness/small-disk.ts'

type Ready = Extract<AppEvent, { event: 'ready' }>
type App = {
  process: ChildProcess
  events: AppEvent[]
  /** The first event of the kind, from now or before. Fails when the process ends without. */
  next<K extends AppEvent['event']>(kind: K): Promise<Extract<AppEvent, { event: K }>>
  stop(): Promise<void>
  kill(): Promise<void>
}

const isRoot = process.getuid?.() === 0
const nobody = userOf(65_534, 65_534)
const checkout = resolve(import.meta.dirname, '..')
const needsRoot = isRoot ? false : 'only root can act as several users'
const needsNobody =
  isRoot && closedFolder(checkout, nobody) === undefined
    ? false
    : 'root is needed, and a checkout that the user nobody can read'

const folders: string[] = []
const apps: App[] = []
after(async () => {
  await Promise.all(apps.map((app) => app.stop()))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = temporaryFolder('lika-postgres-')
  folders.push(folder)
  return folder
}

function startApp(options: Partial<StartOptions>, as?: { uid: number; gid: number }): App {
  const all = { syncOnInitialise: false, settings: throwAwaySettings, ...options }
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'harness/embedded-app.ts'), JSON.stringify(all)],
    { stdio: ['pipe', 'pipe', 'inherit'], ...as },
  )
  const events: AppEvent[] = []
  const exited = once(child, 'exit')
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line)))
  const app: App = {
    process: child,
    events,
    next: async (kind) => {
      for (;;) {
        const found = events.find((event) => event.event === kind)
        if (found !== undefined) return found as never
        if (child.exitCode !== null && child.stdout.readableEnded)
          throw new Error(`no ${kind} but ${JSON.stringify(events)}`)
        await sleep(10)
      }
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.stdin.write('stop\n')
        await exited
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
  apps.push(app)
  return app
}

async function query<T extends object>(url: string, statement: string): Promise<T[]> {
  const database = await connect(url, { applicationName: 'test', pool: 1 })
  try {
    return [...(await database.sql.unsafe<T[]>(statement))]
  } finally {
    await database.close()
  }
}

function serversIn(folder: string): number[] {
  const listed = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n')
  return listed
    .filter((line) => line.includes(`-D ${join(folder, 'postgres')}`))
    .map((line) => Number.parseInt(line, 10))
}

function childrenOf(parent: number): number[] {
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')
  const pairs = listed.map((line) => line.trim().split(/\s+/).map(Number))
  return pairs.flatMap(([pid, of]) => (pid !== undefined && of === parent ? [pid] : []))
}

const logged = (app: App) =>
  app.events.map((event) => (event.event === 'log' ? event.sentence : '')).join('\n')

const writeBook = (url: string) => query(url, 'create table public.book as select 42 as answer')
const readBook = (url: string) => query<{ answer: number }>(url, 'select answer from public.book')

describe('the embedded PostgreSQL', () => {
  test('makes a book on the first start and finds the same on the second', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    const { ownerUrl, appUrl, port } = await first.next('ready')
    await writeBook(ownerUrl)
    const [server] = await query<Record<string, string>>(
      ownerUrl,
      `select current_setting('server_encoding') as encoding,
         current_setting('listen_addresses') as address,
         current_setting('synchronous_commit') as synchronous,
         current_setting('password_encryption') as passwords,
         (select datlocale from pg_database where datname = current_database()) as locale`,
    )
    assert.deepEqual(server, {
      encoding: 'UTF8',
      address: '127.0.0.1',
      synchronous: 'on',
      passwords: 'scram-sha-256',
      locale: 'C.UTF-8',
    })
    const [app] = await query<{ name: string; owner: boolean }>(
      appUrl,
      'select current_user as name, rolsuper as owner from pg_roles where rolname = current_user',
    )
    assert.deepEqual(app, { name: 'lika_app', owner: false })
    assert.equal(statSync(join(dataDir, 'postgres.json')).mode & 0o777, 0o600)
    await first.stop()
    assert.deepEqual(serversIn(dataDir), [])

    const second = startApp({ dataDir })
    const again = await second.next('ready')
    assert.equal(again.port, port)
    assert.deepEqual(await readBook(again.ownerUrl), [{ answer: 42 }])
    await second.stop()
  })

  test('lets nobody in without the password', async () => {
    const app = startApp({ dataDir: newFolder() })
    const { ownerUrl } = await app.next('ready')
    const wrong = new URL(ownerUrl)
    wrong.password = 'wrong'
    await assert.rejects(query(wrong.href, 'select 1'), { code: 'database.unreachable' })
    await app.stop()
  })

  test('runs for an ordinary user', { skip: needsNobody }, async () => {
    const dataDir = newFolder()
    chownSync(dataDir, nobody.uid, nobody.gid)
    const app = startApp({ dataDir }, nobody)
    const { pid } = await app.next('ready')
    assert.equal(statSync(`/proc/${pid}`).uid, nobody.uid)
    await app.stop()
  })

  test('of an ordinary user keeps that user when root starts it', {
    skip: needsNobody,
  }, async () => {
    const dataDir = newFolder()
    chownSync(dataDir, nobody.uid, nobody.gid)
    const first = startApp({ dataDir }, nobody)
    await writeBook((await first.next('ready')).ownerUrl)
    await first.stop()
    const second = startApp({ dataDir })
    const { pid, ownerUrl } = await second.next('ready')
    assert.equal(statSync(`/proc/${pid}`).uid, nobody.uid)
    assert.deepEqual(await readBook(ownerUrl), [{ answer: 42 }])
    await second.stop()
  })

  test('uses an existing data folder of root', { skip: needsRoot }, async () => {
    const dataDir = newFolder()
    chmodSync(dataDir, 0o755)
    const app = startApp({ dataDir })
    const { folder, pid } = await app.next('ready')
    assert.equal(folder, dataDir)
    assert.notEqual(statSync(`/proc/${pid}`).uid, 0)
    assert.equal(existsSync(join(dataDir, 'where')), false)
    await app.stop()
  })

  test('lies elsewhere when everything is under a folder closed to its user, and says where', {
    skip: needsRoot,
  }, async () => {
    const closed = newFolder()
    const open = newFolder()
    chmodSync(closed, 0o700)
    const packageFolder = join(closed, 'package')
    cpSync(findPackage(), packageFolder, { recursive: true })
    const options = { dataDir: join(closed, 'data'), packageFolder, stagingRoots: [open] }
    const first = startApp(options)
    const { folder, ownerUrl } = await first.next('ready')
    assert.equal(folder.startsWith(open), true)
    assert.equal(readFileSync(join(closed, 'data', 'where'), 'utf8').trim(), folder)
    assert.equal(existsSync(join(folder, 'postgres', 'postmaster.pid')), true)
    assert.match(logged(first), new RegExp(`files lie in ${folder}`))
    await writeBook(ownerUrl)
    await first.stop()

    const second = startApp(options)
    const again = await second.next('ready')
    assert.equal(again.folder, folder)
    assert.deepEqual(await readBook(again.ownerUrl), [{ answer: 42 }])
    await second.stop()

    rmSync(folder, { recursive: true })
    const third = startApp(options)
    assert.equal((await third.next('refused')).code, 'data_folder.book_missing')
  })

  test('a book restored by root is given to the server’s user', { skip: needsRoot }, async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    await writeBook((await first.next('ready')).ownerUrl)
    await first.stop()
    execFileSync('chown', ['-R', '0:0', dataDir])
    const second = startApp({ dataDir })
    assert.deepEqual(await readBook((await second.next('ready')).ownerUrl), [{ answer: 42 }])
    await second.stop()
  })
})

describe('after a hard end', () => {
  test('the server left behind by a killed app is taken over', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    const { pid, ownerUrl } = await first.next('ready')
    await writeBook(ownerUrl)
    await first.kill()
    assert.deepEqual(serversIn(dataDir), [pid])

    const second = startApp({ dataDir })
    const again = await second.next('ready')
    assert.equal(again.pid, pid)
    assert.deepEqual(serversIn(dataDir), [pid])
    assert.deepEqual(await readBook(again.ownerUrl), [{ answer: 42 }])

    process.kill(pid, 'SIGKILL')
    const { pid: revived } = await second.next('up')
    assert.notEqual(revived, pid)
    await second.stop()
    assert.deepEqual(serversIn(dataDir), [])
  })

  test('a server left behind that runs with other settings is stopped first', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    const { pid } = await first.next('ready')
    await first.kill()
    const second = startApp({ dataDir, settings: { ...throwAwaySettings, work_mem: '5MB' } })
    const again = await second.next('ready')
    assert.notEqual(again.pid, pid)
    assert.deepEqual(serversIn(dataDir), [again.pid])
    assert.deepEqual(await query(again.ownerUrl, 'show work_mem'), [{ work_mem: '5MB' }])
    await second.stop()
  })

  test('a killed server is brought back on the same port with everything committed', async () => {
    const dataDir = newFolder()
    const app = startApp({ dataDir })
    const { pid, ownerUrl } = await app.next('ready')
    await writeBook(ownerUrl)
    process.kill(pid, 'SIGKILL')
    await app.next('down')
    await app.next('up')
    assert.deepEqual(await readBook(ownerUrl), [{ answer: 42 }])
    assert.match(logged(app), /ended: signal SIGKILL. Bringing it back.[\s\S]*PostgreSQL is back/)
    await app.stop()
  })

  test('a server killed along with the app is waited for until the last of its processes is gone', {
    skip: process.platform !== 'linux' && 'it looks into /proc',
  }, async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    const { pid, ownerUrl } = await first.next('ready')
    await writeBook(ownerUrl)
    await first.kill()
    const [helper] = childrenOf(pid)
    assert.ok(helper !== undefined)
    process.kill(helper, 'SIGSTOP')
    process.kill(pid, 'SIGKILL')
    while (startOfProcess(pid) !== undefined) await sleep(10)

    const second = startApp({ dataDir })
    const log = join(dataDir, 'postgres.log')
    while (!/pre-existing shared memory/.test(readFileSync(log, 'utf8'))) {
      assert.equal(second.process.exitCode, null, 'it waits')
      await sleep(10)
    }
    process.kill(helper, 'SIGCONT')
    assert.deepEqual(await readBook((await second.next('ready')).ownerUrl), [{ answer: 42 }])
    await second.stop()
  })

  test('a recorded pid that is dead but not yet buried does not keep the server away', {
    skip: process.platform !== 'linux' && 'it looks into /proc',
  }, async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    const { pid } = await first.next('ready')
    const { uid, gid } = statSync(`/proc/${pid}`)
    await first.kill()
    process.kill(pid, 'SIGKILL')
    while (startOfProcess(pid) !== undefined) await sleep(10)
    // A parent that does not look after its dead: it has become another program before its child ends.
    const script = 'exec 3<&0; (read -r _ <&3) & echo $!; exec sleep 1000'
    const parent = spawn('sh', ['-c', script], { uid, gid, cwd: '/' })
    const [line] = await once(createInterface(parent.stdout), 'line')
    const dead = Number(line)
    const name = `/proc/${parent.pid}/comm`
    while (readFileSync(name, 'utf8').trim() !== 'sleep') await sleep(10)
    parent.stdin.end('\n')
    while (startOfProcess(dead) !== undefined) await sleep(10)
    assert.ok(existsSync(`/proc/${dead}`), 'it is not buried')
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid')
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(dead)))
    const second = startApp({ dataDir })
    await second.next('ready')
    await second.stop()
    parent.kill('SIGKILL')
  })

  test('an app that exits without stopping takes its server along', async () => {
    const dataDir = newFolder()
    const app = startApp({ dataDir })
    const { pid } = await app.next('ready')
    app.process.stdin?.write('exit\n')
    await once(app.process, 'exit')
    while (startOfProcess(pid) !== undefined) await sleep(10)
    assert.deepEqual(serversIn(dataDir), [])
  })

  test('a recorded pid that meanwhile is another program does not keep the server away', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    const { pid } = await first.next('ready')
    await first.kill()
    process.kill(pid, 'SIGKILL')
    while (startOfProcess(pid) !== undefined) await sleep(10)
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid')
    const content = readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.pid))
    writeFileSync(pidFile, content)
    const second = startApp({ dataDir })
    await second.next('ready')
    await second.stop()
  })
})

describe('what the operator has to change', () => {
  test('a second instance on the same data folder is refused', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    await first.next('ready')
    const { code, message } = await startApp({ dataDir }).next('refused')
    assert.equal(code, 'data_folder.in_use')
    assert.match(message, new RegExp(`process ${first.process.pid}.*set LIKA_DATA`))
    await first.stop()
    assert.equal(existsSync(join(dataDir, 'lika.lock')), false)
  })

  test('of two instances started at once exactly one runs', async () => {
    const dataDir = newFolder()
    const pair = [startApp({ dataDir }), startApp({ dataDir })]
    const outcomes = await Promise.all(
      pair.map(async (app): Promise<string> => {
        const first = await Promise.race([app.next('ready'), app.next('refused')])
        return first.event
      }),
    )
    assert.deepEqual(outcomes.toSorted(), ['ready', 'refused'])
    assert.equal(serversIn(dataDir).length, 1)
  })

  test('a port that was asked for and is taken is named', async () => {
    const [squatter, port] = await takePort()
    const app = startApp({ dataDir: newFolder(), port })
    const { code, message } = await app.next('refused')
    assert.equal(code, 'port.taken')
    assert.match(message, new RegExp(`Port ${port} .* is taken.*\\n.*could not bind`, 's'))
    squatter.close()
  })

  test('a port of last time that is taken is replaced', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    await first.next('ready')
    await first.stop()
    const [squatter, port] = await takePort()
    const file = join(dataDir, 'postgres.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), port }))
    const second = startApp({ dataDir })
    const ready: Ready = await second.next('ready')
    assert.notEqual(ready.port, port)
    assert.match(logged(second), new RegExp(`Port ${port} is taken`))
    await second.stop()
    squatter.close()
  })

  test('a data folder that cannot be written, or is a file', { skip: needsNobody }, async () => {
    const dataDir = newFolder()
    const unwritable = await startApp({ dataDir }, nobody).next('refused')
    assert.equal(unwritable.code, 'data_folder.unusable')
    assert.match(unwritable.message, /may not be read and written by this user. Set LIKA_DATA/)
    writeFileSync(join(dataDir, 'file'), '')
    const file = await startApp({ dataDir: join(dataDir, 'file') }).next('refused')
    assert.match(file.message, /is not a folder/)
  })

  test('a book of another user', { skip: needsNobody }, async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    await first.next('ready')
    await first.stop()
    chownSync(dataDir, nobody.uid, nobody.gid)
    const { code, message } = await startApp({ dataDir }, nobody).next('refused')
    assert.equal(code, 'data_folder.foreign')
    assert.match(message, /belongs to the user (postgres|nobody)/)
  })

  test('a book whose passwords are lost', async () => {
    const dataDir = newFolder()
    const first = startApp({ dataDir })
    await first.next('ready')
    await first.stop()
    rmSync(join(dataDir, 'postgres.json'))
    assert.equal((await startApp({ dataDir }).next('refused')).code, 'credentials.missing')
  })

  const small = mountDisk('20m')
  test('a full disk', { skip: small === undefined && noMount }, async () => {
    const { code, message } = await startApp({ dataDir: join(small ?? '', 'data') }).next('refused')
    assert.equal(code, 'disk.full', message)
    assert.match(
      message,
      /is full. Free some space and start again.*\n.*(No space left|Check free disk space)/s,
    )
  })

  const full = mountDisk('20m')
  test('a disk with no byte left', { skip: full === undefined && noMount }, async () => {
    fillDisk(full ?? '')
    const { code, message } = await startApp({ dataDir: join(full ?? '', 'data') }).next('refused')
    assert.match(code, /^(disk.full|data_folder.unusable)$/)
    assert.match(message, /is (on a )?full/)
  })

  const filling = mountDisk('160m')
  test('a disk that fills up and is freed', {
    skip: filling === undefined && noMount,
  }, async () => {
    const app = startApp({
      dataDir: join(filling ?? '', 'data'),
      settings: { ...throwAwaySettings, min_wal_size: '32MB' },
    })
    const { ownerUrl } = await app.next('ready')
    await writeBook(ownerUrl)
    const junk = fillDisk(filling ?? '')
    const large =
      'create table public.large as select repeat(md5(n::text), 9) from generate_series(1, 50000) n'
    await assert.rejects(query(ownerUrl, large))
    rmSync(junk)
    const until = Date.now() + 60_000
    let failure: unknown = 'none yet'
    while (failure !== undefined) {
      assert.ok(Date.now() < until, inspect(failure))
      failure = await query(ownerUrl, large).then(
        () => undefined,
        (error: unknown) => error,
      )
      await sleep(50)
    }
    assert.deepEqual(await readBook(ownerUrl), [{ answer: 42 }])
    await app.stop()
  })
})

async function takePort() {
  const squatter = createServer()
  squatter.listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  const address = squatter.address()
  assert.ok(typeof address === 'object' && address !== null)
  return [squatter, address.port] as const
}
