/** The settings that come from the environment: where Lika is, whose key is used, where its data
 * folder lies, which language is spoken. The only file that reads the environment. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from './failures.ts'
import type { Language } from './say.ts'

export interface Config {
  /** Without a slash at the end. */
  readonly url: string
  readonly apiKey: string | undefined
  readonly dataFolder: string
  /** Whether LIKA_DATA named the folder; otherwise its keys serve only a server on this machine. */
  readonly isDataFolderNamed: boolean
  readonly language: Language
}

const defaultUrl = 'http://127.0.0.1:8080'

/** @throws UsageError for a LIKA_URL or LIKA_LANG that is none. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const named = env['LIKA_DATA'] || undefined
  return {
    url: checkUrl(env['LIKA_URL'] || defaultUrl),
    apiKey: env['LIKA_API_KEY']?.trim() || undefined,
    dataFolder: named === undefined ? defaultDataFolder() : resolve(named),
    isDataFolderNamed: named !== undefined,
    language: checkLanguage(env['LIKA_LANG'] || undefined),
  }
}

/** The settings of this process. */
export function configOfProcess(): Config {
  return readConfig(process.env)
}

/** @throws UsageError unless it is an http or https URL without query and fragment. */
export function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && url.search === '' && url.hash === ''
  if (!isPlain || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(
      `LIKA_URL 应为 http 或 https 地址 LIKA_URL must be an http or https URL: ${text}`,
    )
  }
  return text.replace(/\/+$/, '')
}

function checkLanguage(text: string | undefined): Language {
  if (text === undefined) return 'both'
  if (text === 'zh' || text === 'en') return text
  throw new UsageError(`LIKA_LANG 只能是 zh 或 en LIKA_LANG is zh or en: ${text}`)
}

/** `.lika` here when there is one, else that of the checkout, where `npm start` keeps it. */
function defaultDataFolder(): string {
  const here = resolve('.lika')
  return existsSync(here) ? here : join(import.meta.dirname, '..', '..', '.lika')
}
