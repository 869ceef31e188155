/** Turns the last words of a server that did not start into a sentence on what to do about it. */
import { CannotStart } from '../cannot-start.ts'

type Situation = { folder: string; doing: 'initialise' | 'start'; port?: number; logFile?: string }
type Diagnosis = { code: string; pattern: RegExp; advice: (situation: Situation) => string }

const diagnoses: Diagnosis[] = [
  {
    code: 'disk.full',
    pattern: /No space left on device|Disk quota exceeded|Check free disk space/,
    advice: ({ folder }) =>
      `The disk that holds ${folder} is full. Free some space and start again.`,
  },
  {
    code: 'port.taken',
    pattern: /Address already in use|could not create any TCP\/IP sockets/,
    advice: ({ port }) =>
      `Port ${port} on 127.0.0.1 is taken by another program. Stop that program and start again.`,
  },
  {
    code: 'data_folder.wrong_version',
    pattern: /database files are incompatible with server/,
    advice: ({ folder }) =>
      `The book in ${folder} was written by another version of PostgreSQL. Start the version of Lika that wrote it, dump the book, and restore the dump into this one.`,
  },
  {
    code: 'data_folder.unusable',
    pattern: /Permission denied|Operation not permitted|Read-only file system/,
    advice: ({ folder }) =>
      `The server may not use ${folder}. Give the folder postgres in it back to the user that the server runs as, with mode 0700.`,
  },
  {
    code: 'memory.missing',
    pattern: /could not map anonymous shared memory|Cannot allocate memory|out of memory/,
    advice: () => 'There is not enough free memory for PostgreSQL. Free some and start again.',
  },
  {
    code: 'data_folder.busy',
    pattern: /pre-existing shared memory block|lock file "postmaster\.pid" already exists/,
    advice: ({ folder }) =>
      `Another PostgreSQL still runs on the book in ${folder}. Stop it and start again.`,
  },
]

/** `lastWords`: what the server or initdb wrote to its log. */
export function cannotStartServer(lastWords: string, situation: Situation): CannotStart {
  const found = diagnoses.find(({ pattern }) => pattern.test(lastWords))
  const advice =
    found?.advice(situation) ??
    `PostgreSQL could not ${situation.doing} in ${situation.folder}. Its last words below say why.`
  const log = situation.logFile === undefined ? '' : ` The whole log is ${situation.logFile}.`
  return new CannotStart(found?.code ?? 'server.failed', `${advice}${log}\n${indented(lastWords)}`)
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-12)
    .map((line) => `  ${line}`)
    .join('\n')
}
