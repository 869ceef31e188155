/** Batch files over SFTP, against the bank simulator: a real SFTP server in a process of its own. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { sshKeys } from '../bank-simulator/src/keys.ts'
import { bankFiles } from '../server/src/connectors/bank-file.ts'
import type { BankAnswer, PayoutOrder } from '../server/src/modules/payouts/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import { type Bank, startBank } from './harness/bank.ts'

const name = '三味面馆（上海）有限公司'
const reference = () => newId().replaceAll('-', '')

function orderOf(...amounts: bigint[]): PayoutOrder {
  const payee = {
    accountName: name,
    accountNumber: '6222021001012345678',
    bankName: '中国工商银行',
    bankCode: '102290000000',
  }
  return {
    batch: reference(),
    instructions: amounts.map((amount) => ({ ...payee, reference: reference(), amount })),
  }
}

for (const encoding of ['utf-8', 'gbk'] as const)
  describe(`a bank that speaks ${encoding}`, () => {
    let bank: Bank
    before(async () => {
      bank = await startBank(encoding)
    })
    after(() => bank.stop())

    const answersNow = async () => {
      const all: BankAnswer[] = []
      await bank.channel().visit((visit) =>
        visit.poll(async ({ answers }) => {
          all.push(...answers)
          return true
        }),
      )
      return all
    }

    test('pays what it is ordered to, and says so', async () => {
      const order = orderOf(150_207n, 7n)
      const delivery = await bank.channel().visit((visit) => visit.send(order))
      assert.equal(delivery, 'delivered')
      const answers = await answersNow()
      assert.deepEqual(
        answers.map(({ batch, reference: of, state, amount }) => [batch, of, state, amount]),
        order.instructions.map((one) => [order.batch, one.reference, 'success', one.amount]),
      )
      assert.deepEqual(
        (await bank.paid()).map((paid) => [paid.reference, paid.name, paid.amount]),
        order.instructions.map((one, index) => [
          one.reference,
          name,
          ['1502.07', '0.07'][index] ?? '',
        ]),
      )
    })

    test('gives out an answer again until it was taken', async () => {
      await bank.channel().visit((visit) => visit.send(orderOf(100n)))
      let times = 0
      const take = (isTaken: boolean) =>
        bank.channel().visit((visit) =>
          visit.poll(async () => {
            times += 1
            return isTaken
          }),
        )
      await take(false)
      await take(true)
      await take(true)
      assert.equal(times, 2)
    })

    test('says why it does not pay', async () => {
      await bank.next('failure')
      await bank.channel().visit((visit) => visit.send(orderOf(100n)))
      const [answer] = await answersNow()
      assert.deepEqual(
        [answer?.state, answer?.serial, answer?.reason],
        ['failed', undefined, '户名不符'],
      )
    })
  })

describe('an order', () => {
  let bank: Bank
  before(async () => {
    bank = await startBank()
  })
  after(() => bank.stop())

  test('that the bank has not read is seen waiting', async () => {
    const order = orderOf(100n)
    await bank.next('unattended')
    await bank.channel().visit(async (visit) => {
      await visit.send(order)
      assert.equal(await visit.isWaiting(order.batch), true)
      // Version 3 of SFTP does not rename onto a name that is there.
      await assert.rejects(visit.send(order), /already/)
      await bank.deliver()
      assert.equal(await visit.isWaiting(order.batch), false)
    })
    assert.deepEqual(await bank.duplicates(), [])
  })

  test('that the bank has is not paid a second time, and the bank tells of it', async () => {
    const order = orderOf(200n)
    await bank.channel().visit(async (visit) => {
      await visit.send(order)
      await visit.send(order)
    })
    const paid = await bank.paid()
    const [instruction] = order.instructions
    assert.equal(paid.filter((one) => one.reference === instruction?.reference).length, 1)
    assert.deepEqual(await bank.duplicates(), [order.batch])
  })

  test('is asked about: the bank knows it, or does not', async () => {
    const [known, unknown] = [orderOf(300n), orderOf(400n)]
    await bank.next('lost_answer', 'lost_file')
    const seen: [string, string, string | undefined][] = []
    await bank.channel().visit(async (visit) => {
      await visit.send(known)
      await visit.send(unknown)
      for (const { batch, instructions } of [known, unknown])
        await visit.ask({
          number: `${batch}-Q1`,
          batch,
          references: instructions.map((one) => one.reference),
        })
      await visit.poll(async ({ answers }) => {
        for (const { batch, state, question } of answers)
          if ([known.batch, unknown.batch].includes(batch)) seen.push([batch, state, question])
        return true
      })
    })
    assert.deepEqual(seen, [
      [known.batch, 'success', `${known.batch}-Q1`],
      [unknown.batch, 'not_found', `${unknown.batch}-Q1`],
    ])
  })
})

describe('answers', () => {
  let bank: Bank
  before(async () => {
    bank = await startBank()
  })
  after(() => bank.stop())

  test('that are not whole stay where they are, the others are taken', async () => {
    const header = '批次号,流水号,状态,金额,银行流水号,原因,查询号'
    const whole = `${header}\r\nb,c,PROCESSING,,,,\r\n合计,1,,,,,\r\n`
    await bank.put('/out/A-HALF.csv', Buffer.from(whole.slice(0, -6)))
    await bank.put('/out/B-WHOLE.csv', Buffer.from(whole))
    await bank.put('/out/.C-HIDDEN.csv', Buffer.from(whole))
    await bank.put('/out/D-NOTE.txt', Buffer.from('hello'))
    const taken: string[] = []
    const told: object[] = []
    const log = { warn: (details: object) => void told.push(details) }
    const channel = bankFiles(bank.address, { encoding: 'utf-8', log })
    const poll = () =>
      channel.visit((visit) =>
        visit.poll(async (file) => {
          taken.push(file.name)
          return true
        }),
      )
    await poll()
    await poll()
    assert.deepEqual(taken, ['B-WHOLE.csv'])
    assert.deepEqual(told, [{ name: 'A-HALF.csv', length: Buffer.byteLength(whole.slice(0, -6)) }])
    await bank.put('/out/A-HALF.csv', Buffer.from(whole))
    await poll()
    assert.deepEqual(taken, ['B-WHOLE.csv', 'A-HALF.csv'])
    assert.deepEqual(await bank.list('/taken'), ['A-HALF.csv', 'B-WHOLE.csv'])
  })

  test('given out twice under one name are read twice, and both put away', async () => {
    const file = '批次号,流水号,状态,金额,银行流水号,原因,查询号\r\n合计,0,,,,,\r\n'
    let times = 0
    for (const _ of [1, 2]) {
      await bank.put('/out/TWICE.csv', Buffer.from(file))
      await bank.channel().visit((visit) =>
        visit.poll(async ({ name: of }) => {
          if (of === 'TWICE.csv') times += 1
          return true
        }),
      )
    }
    assert.equal(times, 2)
    assert.equal((await bank.list('/out')).includes('TWICE.csv'), false)
    const taken = (await bank.list('/taken')).filter((one) => one.startsWith('TWICE.csv'))
    assert.deepEqual([taken.length, taken[0]], [2, 'TWICE.csv'])
  })
})

describe('a connection', () => {
  let bank: Bank
  const log = { warn: () => {} }
  before(async () => {
    bank = await startBank()
  })
  after(() => bank.stop())

  test('to a server with another host key is not made', async () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`
    const channel = bankFiles({ ...bank.address, hostKey }, { encoding: 'utf-8', log })
    let begun = false
    await assert.rejects(
      channel.visit(async () => {
        begun = true
      }),
      new RegExp(`host key ${bank.address.hostKey.replace(/[+/]/g, '\\$&')}`),
    )
    assert.equal(begun, false)
  })

  test('with a key that the bank does not know is refused', async () => {
    const { private: privateKey } = sshKeys()
    const channel = bankFiles({ ...bank.address, privateKey }, { encoding: 'utf-8', log })
    await assert.rejects(
      channel.visit(async () => {}),
      /authentication/,
    )
  })

  test('to a server that says nothing is given up', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as AddressInfo
    const channel = bankFiles({ ...bank.address, port }, { encoding: 'utf-8', log, timeoutMs: 200 })
    await assert.rejects(
      channel.visit(async () => {}),
      /[Tt]imed out/,
    )
    silent.close()
  })
})
