/** What is read from the person or from the pipe: secrets without echo, confirmations. */
import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'

export interface Input {
  /** Whether somebody sits there to be asked. */
  readonly isTerminal: boolean
  /** The next line of stdin, asked for on stderr and not echoed on a terminal; undefined at the
   * end of the input. */
  secretLine(question: string): Promise<string | undefined>
  /** The next line of stdin, echoed. */
  line(question: string): Promise<string | undefined>
  close(): void
}

/** Over this process's stdin and stderr; nothing is read before the first question. */
export function inputOfProcess(): Input {
  let reader: Interface | undefined
  let lines: AsyncIterator<string> | undefined
  let isMuted = false
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) process.stderr.write(chunk)
      done()
    },
  })
  const isTerminal = process.stdin.isTTY === true
  const next = async (question: string, muted: boolean): Promise<string | undefined> => {
    isMuted = muted
    // First the terminal stops echoing, then the question is asked.
    reader ??= createInterface({ input: process.stdin, output: echo, terminal: isTerminal })
    lines ??= reader[Symbol.asyncIterator]()
    if (isTerminal) process.stderr.write(question)
    const line = await lines.next()
    if (isTerminal && muted) process.stderr.write('\n')
    isMuted = false
    return line.done === true ? undefined : line.value
  }
  return {
    isTerminal,
    secretLine: (question) => next(question, true),
    line: (question) => next(question, false),
    close: () => reader?.close(),
  }
}
