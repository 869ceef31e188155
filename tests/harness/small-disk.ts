/** Disks that are small enough to be filled, where one may be mounted: as root on Linux. Gone when the tests end. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { temporaryFolder } from './server.ts'

export const noMount = 'a tmpfs cannot be mounted here'

const folders: string[] = []
after(() => {
  for (const folder of folders) {
    execFileSync('umount', ['-l', join(folder, 'disk')])
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Its folder; undefined where it cannot be. `size` as mount takes it: `20m`. */
export function mountDisk(size: string): string | undefined {
  if (process.getuid?.() !== 0) return undefined
  const folder = temporaryFolder('lika-disk-')
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  try {
    const options = `size=${size},mode=0755`
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { stdio: 'ignore' })
    folders.push(folder)
    return disk
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
}

/** Returns the file that takes all the space. */
export function fillDisk(disk: string): string {
  const junk = join(disk, 'junk')
  for (const block of ['64k', '1k'])
    spawnSync('dd', ['if=/dev/zero', `of=${junk}`, `bs=${block}`, 'oflag=append', 'conv=notrunc'], {
      stdio: 'ignore',
    })
  return junk
}
