#!/usr/bin/env node
// The command `lika`: runs cli/src/main.ts with a Node that runs TypeScript directly. It is plain
// JavaScript without packages, so that an older Node can run it and say what is missing.
// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = 24
const checkout = resolve(dirname(realpathSync(fileURLToPath(import.meta.url))), '..', '..')
const main = join(checkout, 'cli', 'src', 'main.ts')

/** @param {string} version `v24.1.0` @returns {boolean} */
function isNewEnough(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10) >= oldestNode
}

/** The pinned Node of the checkout, else the first new enough on PATH; undefined when there is
 * none. */
function findNode() {
  const packageName = `node-${process.platform}-${process.arch}`
  const pinned = join(checkout, 'node_modules', packageName, 'bin', 'node')
  return [pinned, 'node'].find((command) => {
    if (command === pinned && !existsSync(pinned)) return false
    const asked = spawnSync(command, ['--version'], { encoding: 'utf8' })
    return asked.status === 0 && isNewEnough(asked.stdout)
  })
}

/** Says what to do, in the two languages of the interface.
 * @param {string[]} lines */
function giveUp(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exit(1)
}

/** Runs the command in a process of its own with our stdio and ends as it ends: same code, same
 * signal.
 * @param {string} node */
function runWith(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) {
    process.on(signal, () => {
      // On a terminal Ctrl-C reaches the child by itself.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => giveUp(`${node}: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
    // Where the signal does not end us: the code that a shell would show.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
  })
}

if (!existsSync(join(checkout, 'node_modules', 'commander'))) {
  giveUp(
    `尚未安装依赖：请在 ${checkout} 中运行 npm ci --ignore-scripts，然后重试。`,
    `The packages are not installed: run npm ci --ignore-scripts in ${checkout} and try again.`,
  )
} else if (isNewEnough(process.version)) {
  await import('../src/main.ts')
} else {
  const node = findNode()
  if (node === undefined) {
    giveUp(
      `Lika 需要 Node ${oldestNode} 或更新的版本，当前是 ${process.version}。请在 ${checkout} 中运行 npm install，`,
      '它会带来固定版本的 Node；或从 https://nodejs.org 安装，然后重试。',
      `Lika runs on Node ${oldestNode} or newer; this is ${process.version}. Run npm install in ${checkout}, which`,
      'brings the pinned Node, or install one from https://nodejs.org, and try again.',
    )
  } else {
    runWith(node)
  }
}
