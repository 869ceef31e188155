/**
 * `node --test --test-global-setup=tests/harness/global.ts`: one PostgreSQL for all test files of a run. Without
 * it, or when a file runs alone, that file starts a server of its own. LIKA_TEST_DATABASE_URL, a superuser's URL,
 * names a server to use instead.
 */
import { startTestServer, type TestServer } from './server.ts'

let server: TestServer | undefined

export async function globalSetup(): Promise<void> {
  if (process.env['LIKA_TEST_DATABASE_URL'] !== undefined) return
  server = await startTestServer()
  process.env['LIKA_TEST_DATABASE_URL'] = server.url
}

export async function globalTeardown(): Promise<void> {
  await server?.stop()
}
