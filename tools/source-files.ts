/** Finds the files of the repository that the checks read: what git tracks or would track, else
 * what lies on disk. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const skipped = new Set(['node_modules', '.git', '.lika', 'coverage'])

/** Every file of the tree at `root`, as sorted paths with forward slashes relative to it; never
 * anything installed. */
export function projectFiles(root: string): string[] {
  const files = existsSync(join(root, '.git')) ? gitFiles(root) : filesOnDisk(root, '')
  return files.filter((file) => existsSync(join(root, file))).sort()
}

/** True for code that a person wrote: TypeScript, and the plain JavaScript that starts it. */
export function isCode(file: string): boolean {
  return /\.(ts|mjs)$/.test(file) && !isGenerated(file)
}

export function isGenerated(file: string): boolean {
  return file.includes('/generated/')
}

export function isTest(file: string): boolean {
  return /\.(test|soak)\.ts$/.test(file)
}

function gitFiles(root: string): string[] {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = spawnSync('git', options, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 })
  if (listed.status !== 0) return filesOnDisk(root, '')
  return listed.stdout.split('\0').filter((file) => file !== '')
}

function filesOnDisk(root: string, folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    if (skipped.has(name)) return []
    const path = folder === '' ? name : `${folder}/${name}`
    return statSync(join(root, path)).isDirectory() ? filesOnDisk(root, path) : [path]
  })
}
