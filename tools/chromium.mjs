// The browser for browser tests: finds Chromium, and where there is none installs Debian's, if it may. Plain
// JavaScript without packages, since the front door (run.mjs) needs it before anything else is there.
// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The smallest font of Debian's that shows Chinese: 1.6 MB. */
const packages = ['chromium', 'fonts-wqy-microhei']

/** Seconds for which another apt-get at work is waited for. */
const longestWait = 600

/** What to do by hand where `npm test` cannot. */
export const byHand = process.env['LIKA_CHROMIUM']
  ? 'let LIKA_CHROMIUM name a Chromium that runs, or leave it out'
  : `as root: apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`

/** The program that LIKA_CHROMIUM names, else `chromium` on PATH; undefined where there is none.
 * @returns {string | undefined} */
export function findChromium() {
  const named = process.env['LIKA_CHROMIUM']
  return named === undefined || named === ''
    ? onPath('chromium')
    : isProgram(named)
      ? named
      : undefined
}

/**
 * Makes sure that there is a Chromium, or says what to run; the tests that need it are then skipped. Where it is there
 * already it is asked for its version and no more. Several at once wait for each other at Debian's locks.
 * @param {(line: string) => void} say
 */
export async function provideChromium(say) {
  const found = findChromium()
  // One that somebody else is just installing is there before it runs.
  if (found !== undefined && spawnSync(found, ['--version']).status === 0) return
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined || process.env['LIKA_CHROMIUM'])
    return say(
      found === undefined
        ? `No Chromium was found: the browser tests are skipped. To run them, ${byHand}`
        : `${found} does not run. To have one that does, ${byHand}`,
    )
  say('Installing Chromium and a Chinese font with apt-get for the browser tests; about 115 MB …')
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  const ticking = setInterval(() => say(`… still installing Chromium, ${seconds()} s`), 10_000)
  const why = await install(() => Date.now() - started > longestWait * 1000)
  clearInterval(ticking)
  if (findChromium() !== undefined) return say(`Chromium installed in ${seconds()} s.`)
  say(`Chromium could not be installed: ${why ?? 'it is not on PATH'}`)
  say(`The browser tests are skipped. To run them, ${byHand}`)
}

/**
 * For the lock of the package lists apt-get does not wait by itself. An old list will do where no new one can be had, so
 * what counts is the second step; who waited there for somebody else finds everything installed.
 * @param {() => boolean} isLate
 */
async function install(isLate) {
  let why = await aptGet('update')
  while (why?.includes('Could not get lock') && !isLate()) {
    await sleep(1_000)
    why = await aptGet('update')
  }
  return aptGet('install', '-y', '--no-install-recommends', ...packages)
}

/** Undefined: done; else the last lines that it said.
 * @param {string[]} words @returns {Promise<string | undefined>} */
function aptGet(...words) {
  const waits = `DPkg::Lock::Timeout=${longestWait}`
  const child = spawn('apt-get', ['-q', '-o', waits, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      said = `${said}${part}`.slice(-2_000)
    })
  return new Promise((settle) => {
    child.on('error', (error) => settle(error.message))
    child.on('close', (code) => {
      settle(code === 0 ? undefined : said.trim().split('\n').slice(-3).join('\n'))
    })
  })
}

/** @param {string} name */
function onPath(name) {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram)
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
