// The front door of every npm script: makes sure the dependencies of the lock file are installed,
// finds the pinned Node 24, and runs one job with it. It is itself plain JavaScript and needs no
// package, so that Node 20 can run it. The scripts of package.json say `exec node …` so that a
// signal to npm reaches us and not only a shell in between.
// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { constants, totalmem } from 'node:os'
import { basename, delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { provideChromium } from './chromium.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const oldestNode = 24
const usage = `usage: npm start                       run Lika
       npm test [-- <path>…]           check, then every test; with paths only these tests
       npm run soak [-- <path>…]       the long runs
       npm run bench [-- --quick --json]
       npm run check                   format, lint, types, import rules, dead code, tidiness
       npm run format                  write the format and the order of imports`

/** @type {Record<string, (node: string, rest: string[]) => Promise<number>>} */
const jobs = {
  start: (node, rest) => run(node, [youngSpace(), join('server', 'src', 'main.ts'), ...rest]),
  bench: (node, rest) => run(node, [youngSpace(), join('bench', 'main.ts'), ...rest]),
  check: (node, rest) => run(node, [join('tools', 'check.ts'), ...rest]),
  format: (node) =>
    run(node, [
      join('node_modules', '@biomejs', 'biome', 'bin', 'biome'),
      'check',
      '--write',
      '--linter-enabled=false',
    ]),
  test: runTests,
  soak: runSoak,
}

/**
 * What a payment needs while it waits dies young where there is room: with 128 MB a payment over HTTP costs a tenth less of a
 * processor than with the 16 that Node takes. A hundred-and-twenty-eighth of the memory, three times of which it may
 * come to hold.
 */
function youngSpace() {
  const share = Math.floor(totalmem() / 2 ** 20 / 128)
  return `--max-semi-space-size=${Math.max(16, Math.min(128, share))}`
}

/** One PostgreSQL for all test files of a run. */
const oneServer = [`--test-global-setup=${join(root, 'tests', 'harness', 'global.ts')}`]

/** @param {string} node @param {string[]} rest */
async function runTests(node, rest) {
  const { paths, flags } = splitArguments(rest)
  const checked = paths.length > 0 ? 0 : await run(node, [join('tools', 'check.ts')])
  const folders = ['contract', 'server', 'wechat-twin', 'cli', 'tests', 'tools']
  const files = filesEnding('.test.ts', paths.length > 0 ? paths : folders)
  if (files.some((file) => basename(file).startsWith('browser-'))) await provideChromium(say)
  const tested = await testRunner(node, files, [
    '--test-concurrency=3',
    '--test-timeout=900000',
    ...oneServer,
    ...flags,
  ])
  if (checked !== 0) say('npm run check did not pass: see its lines above.')
  return tested || checked
}

/** @param {string} node @param {string[]} rest */
function runSoak(node, rest) {
  const { paths, flags } = splitArguments(rest)
  const files = filesEnding('.soak.ts', paths.length > 0 ? paths : [join('tests', 'soak')])
  const limits = ['--test-concurrency=1', '--test-timeout=43200000']
  return testRunner(node, files, [...limits, ...oneServer, ...flags])
}

/** @param {string} node @param {string[]} files @param {string[]} flags */
function testRunner(node, files, flags) {
  if (files.length === 0) {
    say('No test file was found there.')
    return Promise.resolve(1)
  }
  return run(node, ['--test', '--test-reporter=spec', ...flags, ...files])
}

/** Paths are what does not begin with a dash; everything else goes to Node's test runner.
 * @param {string[]} rest */
function splitArguments(rest) {
  return {
    paths: rest.filter((argument) => !argument.startsWith('-')),
    flags: rest.filter((argument) => argument.startsWith('-')),
  }
}

/** The named files, and what ends in `ending` in the named folders.
 * @param {string} ending @param {string[]} paths @returns {string[]} */
function filesEnding(ending, paths) {
  return paths.flatMap((path) => {
    const absolute = resolve(root, path)
    if (!existsSync(absolute)) return []
    if (!statSync(absolute).isDirectory()) return [relative(root, absolute)]
    const inside = readdirSync(absolute)
      .filter((name) => name !== 'node_modules' && !name.startsWith('.'))
      .sort()
    return inside.flatMap((name) => {
      const child = join(absolute, name)
      if (statSync(child).isDirectory()) return filesEnding(ending, [child])
      return name.endsWith(ending) ? [relative(root, child)] : []
    })
  })
}

/** True when node_modules holds what package-lock.json asks for: npm notes what it installed in a
 * hidden lock file, written last, so an interrupted installation counts as none. Packages for other
 * platforms may be missing. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const wanted = readLock(join(root, 'package-lock.json'))
  const found = readLock(hidden)
  return Object.entries(wanted).every(([path, entry]) => {
    const there = found[path]
    if (path === '' || (there === undefined && (entry.optional || entry.devOptional))) return true
    return there !== undefined && there.version === entry.version
  })
}

/** @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean }>} */
function readLock(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

/** Installs with the npm that started us, or the first on PATH. No package of ours needs an install
 * script. */
async function install() {
  say('Installing the packages of package-lock.json with npm ci; about 500 MB, a minute or two …')
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  const ticking = setInterval(() => say(`… still installing, ${seconds()} s`), 10_000)
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env['npm_execpath']
  const code =
    npm !== undefined && /npm-cli\.c?js$/.test(npm)
      ? await run(process.execPath, [npm, ...options], 2)
      : await run('npm', options, 2)
  clearInterval(ticking)
  if (code === 0) return say(`Packages installed in ${seconds()} s.`)
  say(`npm ci ended with code ${code}; the lines above say why. Mostly it is one of these:`)
  say('no way to the package registry (npm ping tells), a full disk,')
  say(`or a folder this user may not write to: ${root}`)
  process.exit(code)
}

/** The Node that runs the job: the pinned one from node_modules, else the one running this, if it
 * is new enough. */
function findNode() {
  const packageName = `node-${process.platform}-${process.arch}`
  const pinned = join(root, 'node_modules', packageName, 'bin', 'node')
  if (existsSync(pinned) && spawnSync(pinned, ['--version']).status === 0) return pinned
  if (Number.parseInt(process.versions.node, 10) >= oldestNode) return process.execPath
  const here = `${process.platform} ${process.arch}`
  say(`Lika runs on Node ${oldestNode} or newer. This is ${process.version}, and no Node that came`)
  say(`with the packages works on ${here}: install one from https://nodejs.org and try again.`)
  return process.exit(1)
}

/** Runs a command in the repository with our stdio, its stdout going to that descriptor. Asked to
 * stop, it passes the request on and waits for the child to end in its own way; nothing is run
 * after that. Resolves to the exit code, 128 + n for an end by signal n.
 * @param {string} command @param {string[]} args @param {number} [stdout]
 * @returns {Promise<number>} */
function run(command, args, stdout = 1) {
  const bin = join(root, 'node_modules', '.bin')
  const path = [dirname(command), bin, process.env['PATH']].filter((part) => part !== '.')
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['inherit', stdout, 'inherit'],
    env: { ...process.env, PATH: path.join(delimiter) },
  })
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  let stopping = false
  const forwards = signals.map((signal) => {
    // On a terminal Ctrl-C reaches the child by itself; told twice, it might take that for
    // impatience.
    const forward = () => {
      stopping = true
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    process.on(signal, forward)
    return () => process.off(signal, forward)
  })
  return new Promise((settle) => {
    const finish = (/** @type {number} */ code) => {
      for (const undo of forwards) undo()
      if (stopping) process.exit(code)
      settle(code)
    }
    child.on('error', (error) => {
      say(`${command} cannot be run: ${error.message}`)
      finish(127)
    })
    child.on('exit', (code, signal) => {
      finish(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

/** Our own words go to stderr: stdout belongs to the job (`npm run bench -- --json`).
 * @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`)
}

const [name = '', ...rest] = process.argv.slice(2)
const job = jobs[name]
if (job === undefined) {
  say(usage)
  process.exit(2)
}
if (!isInstalled()) await install()
process.exitCode = await job(findNode(), rest)
