/** `lika charters …`: the texts under which cards are sold. */
import { readTextFile } from '../option-values.ts'
import { at, body, type Labels, type Lika, type ListOptions } from '../verbs.ts'

type Publish = Labels & { title: string; file?: string; digest?: string }

const columns = ['id', 'version', 'title', 'text_digest', 'published_at']

export function addCharters(lika: Lika): void {
  const { say } = lika
  const charters = lika.noun('charters', '购卡章程', 'charters under which cards are sold')
  const publish = lika
    .labels(lika.verb(charters, 'publish', '公示新版章程', 'publish the next version'))
    .requiredOption('--title <text>', say('标题', 'title'))
    .option('--file <file>', say('章程全文，- 为标准输入', 'the text; - is stdin'), readTextFile)
    .option('--digest <sha256>', say('只登记全文的 SHA-256', 'only the SHA-256 of the text, hex'))
  publish.action(
    lika.action(async (call, { title, file, digest, reference, metadata }: Publish) => {
      const sent = { title, document: file, text_digest: digest, reference, metadata }
      call.show(await call.post('/v1/charters', body(sent)))
    }),
  )
  lika.examples(publish, 'charters publish --title 星河卡章程 --file charter.txt')
  lika
    .listCreated(charters, 'list', '列出章程', 'list charters')
    .action(
      lika.action((call, options: ListOptions) =>
        call.list('/v1/charters', options, columns, { reference: options.reference }),
      ),
    )
  lika
    .verb(charters, 'show <charter>', '查看章程', 'show a charter')
    .action(
      lika.action(async (call, charter: string) =>
        call.show(await call.get(at`/v1/charters/${charter}`)),
      ),
    )
}
