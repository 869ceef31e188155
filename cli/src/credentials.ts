/** Which key a request carries: LIKA_API_KEY, else the operator's key for what only the operator
 * may do, else the key of the demo issuer. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { messageOf, UsageError } from './failures.ts'
import { parseJson, textAt } from './json.ts'
import type { Say } from './say.ts'

/** What a command needs: no key, an issuer's, the operator's, or either with the operator's first. */
export type Right = 'none' | 'issuer' | 'operator' | 'operator-or-issuer'

export interface Credential {
  readonly token: string | undefined
  /** A remark for stderr about where the key came from. */
  readonly note?: string
}

/** @throws UsageError when there is no key, saying how to come by one. */
export function chooseCredential(
  right: Right,
  config: Config,
  say: Say,
  readText: (file: string) => string | undefined = readIfThere,
): Credential {
  if (right === 'none') return { token: undefined }
  if (config.apiKey !== undefined) return { token: config.apiKey }
  // A key found by accident in the folder at hand is not sent to a machine elsewhere.
  const mayRead = config.isDataFolderNamed || isLoopback(config.url)
  const read = (name: string) =>
    mayRead ? readText(join(config.dataFolder, name))?.trim() : undefined
  const operator = right === 'issuer' ? undefined : read('operator.key')
  if (operator) return { token: operator }
  const demo =
    right === 'operator' ? undefined : textAt(parseJson(read('demo.json') ?? ''), 'api_key')
  if (demo) {
    return {
      token: demo,
      note: say(
        '未设置 LIKA_API_KEY，使用演示发卡机构的测试密钥。',
        'LIKA_API_KEY is not set: using the test key of the demo issuer.',
      ),
    }
  }
  throw new UsageError(missingKey(right, config, say))
}

function missingKey(right: Right, config: Config, say: Say): string {
  const file = join(config.dataFolder, right === 'operator' ? 'operator.key' : 'demo.json')
  return right === 'operator'
    ? say(
        `没有平台运营者密钥：请设置 LIKA_API_KEY，或让 LIKA_DATA 指向含有 operator.key 的数据目录（找过 ${file}）。`,
        `There is no operator key: set LIKA_API_KEY, or let LIKA_DATA name the data folder that holds operator.key (looked for ${file}).`,
      )
    : say(
        `没有 接口密钥：请设置 LIKA_API_KEY（用 lika keys create 创建），或用 npm start 启动演示发卡机构（找过 ${file}）。`,
        `There is no API key: set LIKA_API_KEY (lika keys create makes one), or run npm start, which makes a demo issuer (looked for ${file}).`,
      )
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

/** @throws UsageError for a file that is there and cannot be read. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? fault.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new UsageError(`${file}: ${messageOf(fault)}`)
  }
}
