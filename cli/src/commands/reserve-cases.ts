/** `lika cases …`: what people must look at in the reserve, and what two of them do about it. */
import type { PageOptions } from '../call.ts'
import { at, type Lika } from '../verbs.ts'

type Filter = PageOptions & { state?: string; kind?: string }

const columns = ['id', 'state', 'day', 'title', 'kind', 'amount', 'subject', 'proposed_by']

export function addReserveCases(lika: Lika): void {
  const { say } = lika
  const cases = lika.noun('cases', '存管差异', 'cases of the reserve')
  lika
    .list(cases, 'list', '列出差异', 'list cases')
    .option('--state <state>', 'open | proposed | resolved')
    .option('--kind <kind>', say('只列此类', 'only those of this kind'))
    .action(
      lika.action((call, options: Filter) =>
        call.list('/v1/reserve_cases', options, columns, {
          state: options.state,
          kind: options.kind,
        }),
      ),
    )
  lika
    .verb(cases, 'show <case>', '查看差异', 'show a case')
    .action(
      lika.action(async (call, one: string) =>
        call.show(await call.get(at`/v1/reserve_cases/${one}`)),
      ),
    )
  const propose = lika
    .write(cases, 'propose <case>', '提出处理意见', 'say what is to be done, and why')
    .requiredOption('--action <action>', 'match | suspend | write_off | dismiss')
    .requiredOption('--reason <text>', say('理由', 'the reason'))
  propose.action(
    lika.action(async (call, one: string, { action, reason }: { action: string; reason: string }) =>
      call.show(await call.make(at`/v1/reserve_cases/${one}/propose`, { action, reason })),
    ),
  )
  lika.examples(propose, 'cases propose case_… --action suspend --reason "asked the bank"')
  lika
    .write(cases, 'approve <case>', '复核（须另一人）', 'agree, as a second person')
    .action(
      lika.action(async (call, one: string) =>
        call.show(await call.make(at`/v1/reserve_cases/${one}/approve`, {})),
      ),
    )
}
