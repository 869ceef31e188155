/**
 * The bank as a PayoutChannel: batch files over SFTP. Orders go to `in/`, questions to `query/`, answers are fetched from
 * `out/` and put away in `taken/`. An order is written under a hidden name and then renamed, so that the bank sees it
 * whole or not at all.
 */
import type {
  AnswerFile,
  BankVisit,
  Delivery,
  PayoutChannel,
  PayoutOrder,
} from '../modules/payouts/index.ts'
import { newId } from '../platform/ids.ts'
import {
  type BankEncoding,
  objectionTo,
  readAnswers,
  writeOrder,
  writeQuestion,
} from './bank-file-format.ts'
import { Sftp, type SftpAddress, type SftpOptions } from './bank-sftp.ts'

export interface BankFileOptions extends SftpOptions {
  readonly encoding: BankEncoding
  /** The folder at the bank that has the four in it; `/` unless said. */
  readonly folder?: string
  readonly log: { warn(details: object, sentence: string): void }
}

export function bankFiles(address: SftpAddress, options: BankFileOptions): PayoutChannel {
  const { encoding, folder = '', log } = options
  const base = folder.replace(/\/+$/, '')
  /** Answers that cannot be read are told of once for each state in which they lie there. */
  const unreadable = new Map<string, number>()

  async function send(sftp: Sftp, order: PayoutOrder): Promise<Delivery> {
    // Of its own, so that a process that was thought dead does not write into ours.
    const hidden = `${base}/in/.${order.batch}-${newId().slice(-12)}.part`
    try {
      await sftp.write(hidden, writeOrder(order, encoding))
    } catch (error) {
      log.warn({ err: error, batch: order.batch }, 'an order could not be written at the bank')
      return 'nothing_there'
    }
    await sftp.rename(hidden, `${base}/in/${order.batch}.csv`)
    return 'delivered'
  }

  async function poll(sftp: Sftp, take: (file: AnswerFile) => Promise<boolean>): Promise<void> {
    const names = await sftp.list(`${base}/out`)
    for (const name of names.filter((one) => /^[^.].*\.csv$/i.test(one))) {
      const bytes = await sftp.read(`${base}/out/${name}`)
      const answers = readAnswers(bytes, encoding)
      if (answers === undefined) complain(name, bytes.length)
      else if (await take({ name, answers })) await putAway(sftp, name)
    }
  }

  function complain(name: string, length: number): void {
    if (unreadable.get(name) === length) return
    unreadable.set(name, length)
    log.warn({ name, length }, 'a file of the bank is not whole, or not one of answers: left there')
  }

  /** A name that the bank has used before gets an ending of its own. */
  async function putAway(sftp: Sftp, name: string): Promise<void> {
    const taken = await sftp.list(`${base}/taken`)
    const free = taken.includes(name) ? `${name}.${newId().slice(-12)}` : name
    await sftp.rename(`${base}/out/${name}`, `${base}/taken/${free}`)
  }

  function visitOn(sftp: Sftp): BankVisit {
    return {
      send: (order) => send(sftp, order),
      isWaiting: async (batch) => (await sftp.list(`${base}/in`)).includes(`${batch}.csv`),
      ask: async (question) => {
        const path = `${base}/query/.${question.number}.part`
        await sftp.write(path, writeQuestion(question, encoding))
        await sftp.rename(path, `${base}/query/${question.number}.csv`)
      },
      poll: (take) => poll(sftp, take),
    }
  }

  return {
    objectionTo: (payee) => objectionTo(payee, encoding),
    visit: async (work) => {
      const sftp = await Sftp.open(address, options)
      try {
        return await work(visitOn(sftp))
      } finally {
        sftp.close()
      }
    },
  }
}
