/** `lika wechat …`: what an issuer has at WeChat, and what is wrong with it. */
import type { Command } from 'commander'
import type { Call, PageOptions } from '../call.ts'
import type { Answer } from '../client.ts'
import { NotInOrder } from '../failures.ts'
import { type JsonObject, memberAt, objectsAt, textAt } from '../json.ts'
import { objectFile, readTextFile } from '../option-values.ts'
import { at, body, type Labels, type Lika } from '../verbs.ts'
import { wordsOfStep } from '../wechat-words.ts'
import { addWechatCards } from './wechat-cards.ts'
import { addWechatMoney } from './wechat-money.ts'

const accountColumns = ['id', 'mchid', 'appids', 'key_mode', 'certificate_serial', 'status']
const appColumns = ['id', 'appid', 'kind', 'secret_last4', 'callbacks', 'callback_url']

export function addWechat(lika: Lika): void {
  const wechat = lika.noun('wechat', '微信', 'what an issuer has at WeChat')
  addDoctor(lika, wechat)
  addAccounts(lika, wechat)
  addApps(lika, wechat)
  addCodes(lika, wechat)
  addWechatCards(lika, wechat)
  addWechatMoney(lika, wechat)
}

type Doctor = { payAccount?: string; app?: string }

function addDoctor(lika: Lika, wechat: Command): void {
  const { say } = lika
  const doctor = lika
    .verb(
      wechat,
      'doctor',
      '逐项检查微信配置；有误时退出码为 1',
      'look at the configuration step by step; exit 1 when something is wrong',
    )
    .option('--pay-account <id>', say('只查此商户号', 'this merchant number only'))
    .option('--app <id>', say('只查此应用', 'this app only'))
    .action(
      lika.action(async (call, { payAccount, app }: Doctor) => {
        const sent = body({ pay_account_id: payAccount, app_id: app })
        report(
          call,
          await call.send({
            method: 'POST',
            path: '/v1/wechat/doctor',
            body: sent,
            timeoutSeconds: 300,
          }),
        )
      }),
    )
  lika.examples(doctor, 'wechat doctor', 'wechat doctor --app wxapp_…')
}

/** @throws NotInOrder saying how much is wrong. */
function report(call: Call, answer: Answer): void {
  const examined = objectsAt(answer.body, 'data')
  if (call.options.json) call.showText(answer)
  else if (examined.length === 0)
    call.world.note(call.say('没有已登记的商户号或应用。', 'Nothing is connected to WeChat.'))
  else for (const one of examined) showExamined(call, one)
  if (memberAt(answer.body, 'ok') === true) return
  const wrong = examined.flatMap((one) => objectsAt(one, 'steps')).filter(isWrong)
  throw new NotInOrder(
    call.say(`微信配置有 ${wrong.length} 处问题。`, `${wrong.length} things are wrong.`),
  )
}

function showExamined(call: Call, examined: JsonObject): void {
  const { say, world } = call
  const kind =
    textAt(examined, 'kind') === 'app'
      ? say('应用', 'app')
      : say('微信支付商户号', 'WeChat Pay account')
  world.print(`${kind} ${textAt(examined, 'name')} (${textAt(examined, 'id')})`)
  for (const one of objectsAt(examined, 'steps')) {
    const step = textAt(one, 'step') ?? ''
    const { name, todo } = wordsOfStep(step)
    world.print(`  ${isWrong(one) ? '✗' : '✓'} ${say(name, step)}`)
    if (!isWrong(one)) continue
    world.print(`      ${textAt(one, 'problem')}`)
    world.print(`      → ${say(todo, textAt(one, 'advice') ?? '')}`)
  }
}

function isWrong(step: JsonObject): boolean {
  return step['ok'] !== true
}

type NewAccount = {
  file: JsonObject
  privateKey?: string
  publicKey?: string
  certificate?: string
}

function addAccounts(lika: Lika, wechat: Command): void {
  const { say } = lika
  const accounts = wechat
    .command('accounts')
    .description(say('微信支付商户号', 'merchant numbers of WeChat Pay'))
  const create = lika
    .verb(accounts, 'create', '登记商户号', 'connect a merchant number')
    .requiredOption(
      '--file <file>',
      say('接口字段的 JSON 文件（密钥不上命令行）', 'a file with the members of the API as JSON'),
      objectFile,
    )
    .option('--private-key <file>', 'apiclient_key.pem', readTextFile)
    .option('--public-key <file>', say('微信支付公钥', "WeChat's public key"), readTextFile)
    .option('--certificate <file>', 'apiclient_cert.pem', readTextFile)
  create.action(
    lika.action(async (call, { file, privateKey, publicKey, certificate }: NewAccount) => {
      const keys = body({
        private_key_pem: privateKey,
        public_key_pem: publicKey,
        v2_client_certificate_pem: certificate,
      })
      call.show(await call.post('/v1/wechat/pay_accounts', { ...file, ...keys }))
    }),
  )
  lika.examples(
    create,
    'wechat accounts create --file account.json --private-key apiclient_key.pem',
  )
  lika
    .list(accounts, 'list', '列出商户号', 'list merchant numbers')
    .action(
      lika.action((call, options: PageOptions) =>
        call.list('/v1/wechat/pay_accounts', options, accountColumns),
      ),
    )
  lika
    .verb(accounts, 'show <account>', '查看商户号', 'show a merchant number')
    .action(
      lika.action(async (call, account: string) =>
        call.show(await call.get(at`/v1/wechat/pay_accounts/${account}`)),
      ),
    )
  lika
    .verb(accounts, 'change <account>', '更换密钥或应用', 'give it other keys or apps')
    .requiredOption(
      '--file <file>',
      say('接口字段的 JSON 文件', 'a file with the members of the API as JSON'),
      objectFile,
    )
    .action(
      lika.action(async (call, account: string, options: { file: JsonObject }) =>
        call.show(await call.patch(at`/v1/wechat/pay_accounts/${account}`, options.file)),
      ),
    )
  lika
    .verb(accounts, 'disable <account>', '停用商户号', 'take no more orders over it')
    .action(
      lika.action(async (call, account: string) =>
        call.show(await call.post(at`/v1/wechat/pay_accounts/${account}/disable`, {})),
      ),
    )
}

function addApps(lika: Lika, wechat: Command): void {
  const { say } = lika
  const apps = wechat
    .command('apps')
    .description(say('公众号与小程序', 'official accounts and mini-programs'))
  const file = say(
    '接口字段的 JSON 文件（密钥不上命令行）',
    'a file with the members of the API as JSON',
  )
  const create = lika
    .verb(apps, 'create', '登记公众号或小程序', 'connect an app')
    .requiredOption('--file <file>', file, objectFile)
  create.action(
    lika.action(async (call, options: { file: JsonObject }) =>
      call.show(await call.post('/v1/wechat/apps', options.file)),
    ),
  )
  lika.examples(create, 'wechat apps create --file app.json')
  lika
    .list(apps, 'list', '列出公众号与小程序', 'list apps')
    .action(
      lika.action((call, options: PageOptions) =>
        call.list('/v1/wechat/apps', options, appColumns),
      ),
    )
  lika
    .verb(apps, 'show <app>', '查看应用', 'show an app')
    .action(
      lika.action(async (call, app: string) =>
        call.show(await call.get(at`/v1/wechat/apps/${app}`)),
      ),
    )
  lika
    .verb(apps, 'change <app>', '更换密钥', 'give it other secrets')
    .requiredOption('--file <file>', file, objectFile)
    .action(
      lika.action(async (call, app: string, options: { file: JsonObject }) =>
        call.show(await call.patch(at`/v1/wechat/apps/${app}`, options.file)),
      ),
    )
}

type Consume = Labels & { app: string; code: string; card?: string }

function addCodes(lika: Lika, wechat: Command): void {
  const { say } = lika
  const codes = wechat.command('codes').description(say('微信卡券码', 'codes of WeChat cards'))
  const consume = lika.labels(
    lika.write(codes, 'consume', '核销卡券码，只生效一次', 'consume a code, once'),
  )
  consume
    .requiredOption('--app <app>', say('应用', 'the app'))
    .requiredOption('--code <code>', say('卡券码', 'the code'))
    .option('--card <card>', say('微信的 card_id', "WeChat's card_id"))
    .action(
      lika.action(async (call, { app, code, card, reference, metadata }: Consume) => {
        const sent = body({ app_id: app, code, card_id: card, reference, metadata })
        call.show(await call.make('/v1/wechat/card_codes/consume', sent))
      }),
    )
  lika
    .verb(codes, 'show <consumption>', '查看核销', 'show a consumption')
    .action(
      lika.action(async (call, consumption: string) =>
        call.show(await call.get(at`/v1/wechat/card_codes/${consumption}`)),
      ),
    )
}
