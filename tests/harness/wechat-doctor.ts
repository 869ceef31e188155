/** Asks the doctor over HTTP, with what is wrong as what comes back. */
import assert from 'node:assert/strict'
import type { WechatTestApp } from './wechat-app.ts'

interface Step {
  step: string
  ok: boolean
  problem: string | null
  advice: string | null
}

export function doctorOf(app: () => WechatTestApp) {
  /** The steps that fail; each says what is wrong and what to do. */
  async function failing(asked: object, key = app().key): Promise<Step[]> {
    const { status, body } = await app().call('POST', '/v1/wechat/doctor', { key, body: asked })
    assert.equal(status, 200, JSON.stringify(body))
    const steps: Step[] = body.data.flatMap((one: { steps: Step[] }) => one.steps)
    const wrong = steps.filter(({ ok }) => !ok)
    for (const { problem, advice } of wrong) assert.ok(problem && advice)
    assert.equal(body.ok, wrong.length === 0)
    return wrong
  }

  /** That this step fails and no other, in words that fit. */
  async function names(asked: object, step: string, told: RegExp, key?: string): Promise<void> {
    const wrong = await failing(asked, key)
    assert.deepEqual(
      wrong.map((one) => one.step),
      [step],
      JSON.stringify(wrong),
    )
    assert.match(`${wrong[0]?.problem} ${wrong[0]?.advice}`, told)
  }

  async function create(path: string, body: object, key = app().key) {
    const answer = await app().call('POST', path, { key, body })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body
  }

  /** With parts of the server in place of the ordinary ones. */
  async function instead(
    parts: Partial<WechatTestApp['flows']>,
    work: () => Promise<void>,
  ): Promise<void> {
    const { flows } = app()
    const ordinary = { ...flows }
    Object.assign(flows, parts)
    try {
      await work()
    } finally {
      Object.assign(flows, ordinary)
    }
  }

  return { failing, names, create, instead }
}
