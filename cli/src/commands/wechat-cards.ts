/** `lika wechat cards|pages|messages …`: what an issuer's systems do through an app. */
import type { Command } from 'commander'
import type { JsonObject } from '../json.ts'
import { count, keyValue, objectFile, yuan } from '../option-values.ts'
import { at, body, type Lika } from '../verbs.ts'

export function addWechatCards(lika: Lika, wechat: Command): void {
  const { say } = lika
  const cards = wechat.command('cards').description(say('微信卡券', 'cards in WeChat'))
  addCards(lika, cards)
  addMemberships(lika, cards)
  addPages(lika, wechat)
  addMessages(lika, wechat)
}

function addCards(lika: Lika, cards: Command): void {
  const { say } = lika
  const create = lika
    .verb(cards, 'create <app>', '创建会员卡', 'create a membership card')
    .requiredOption('--file <file>', say('JSON 文件', 'a file with JSON'), objectFile)
  create.action(
    lika.action(async (call, app: string, { file }: { file: JsonObject }) =>
      call.show(await call.post(at`/v1/wechat/apps/${app}/member_cards`, file)),
    ),
  )
  lika.examples(create, 'wechat cards create wxapp_… --file member-card.json')

  lika
    .verb(cards, 'sign <app>', '签发 wx.addCard 的参数', 'sign what wx.addCard takes')
    .requiredOption('--card <card>', say('微信的 card_id', "WeChat's card_id"))
    .option('--code <code>', say('自定义卡券码', 'a code of your own'))
    .option('--outer-str <text>', say('领取场景值', 'comes back in the event'))
    .action(
      lika.action(async (call, app: string, options: Record<string, string>) => {
        const { card, code, outerStr } = options
        const one = body({ wechat_card_id: card, code, outer_str: outerStr })
        const path = at`/v1/wechat/apps/${app}/card_parameters`
        call.show(await call.post(path, { cards: [one] }))
      }),
    )

  lika
    .verb(cards, 'accept <app>', '验收带回的参数，只认一次', 'take parameters that came back, once')
    .requiredOption('--file <file>', 'cardId, cardExt', objectFile)
    .action(
      lika.action(async (call, app: string, { file }: { file: JsonObject }) =>
        call.show(await call.post(at`/v1/wechat/apps/${app}/card_parameters/accept`, file)),
      ),
    )
}

type Membership = {
  card: string
  code: string
  number?: string
  balance?: number
  bonus?: number
  balanceNote?: string
  bonusNote?: string
}

function addMemberships(lika: Lika, cards: Command): void {
  const { say } = lika
  const common = (command: Command) =>
    command
      .requiredOption('--card <card>', say('微信的 card_id', "WeChat's card_id"))
      .requiredOption('--code <code>', say('卡券码', 'the code'))
      .option('--balance <yuan>', say('余额', 'the balance'), yuan)
      .option('--bonus <points>', say('积分', 'the bonus'), count)

  common(lika.verb(cards, 'activate <app>', '激活会员卡', 'activate a membership card'))
    .requiredOption('--number <number>', say('会员号', 'the membership number'))
    .action(
      lika.action(async (call, app: string, options: Membership) => {
        const { card, code, number, balance, bonus } = options
        const sent = body({
          wechat_card_id: card,
          code,
          membership_number: number,
          balance,
          bonus,
        })
        call.show(await call.post(at`/v1/wechat/apps/${app}/memberships/activate`, sent))
      }),
    )

  common(lika.verb(cards, 'update <app>', '更新余额或积分', 'show another balance or bonus'))
    .option('--balance-note <text>', say('余额变动说明', 'why the balance changed'))
    .option('--bonus-note <text>', say('积分变动说明', 'why the bonus changed'))
    .action(
      lika.action(async (call, app: string, options: Membership) => {
        const { card, code, balance, bonus, balanceNote, bonusNote } = options
        const sent = body({
          wechat_card_id: card,
          code,
          balance,
          balance_note: balanceNote,
          bonus,
          bonus_note: bonusNote,
        })
        call.show(await call.post(at`/v1/wechat/apps/${app}/memberships/update`, sent))
      }),
    )
}

function addPages(lika: Lika, wechat: Command): void {
  const { say } = lika
  const pages = wechat.command('pages').description(say('网页', 'pages'))
  lika
    .verb(pages, 'sign <app>', '签发 wx.config 的参数', 'sign a page for wx.config')
    .requiredOption('--page <url>', say('页面地址', 'address of the page'))
    .action(
      lika.action(async (call, app: string, { page }: { page: string }) =>
        call.show(await call.post(at`/v1/wechat/apps/${app}/page_signatures`, { url: page })),
      ),
    )
}

type Message = {
  member: string
  template: string
  page?: string
  value: Record<string, string>
}

function addMessages(lika: Lika, wechat: Command): void {
  const { say } = lika
  const messages = wechat.command('messages').description(say('订阅消息', 'subscribe messages'))
  lika
    .verb(messages, 'send <app>', '向会员发送订阅消息', 'send one to a member')
    .requiredOption('--member <member>', say('会员', 'the member'))
    .requiredOption('--template <id>', say('模板', 'the template'))
    .requiredOption('--value <name=value>', say('字段，可多次', 'a value, repeatable'), keyValue)
    .option('--page <page>', say('打开的页面', 'the page that it opens'))
    .action(
      lika.action(async (call, app: string, options: Message) => {
        const { member, template, page, value } = options
        const sent = body({ member_id: member, template_id: template, page, data: value })
        call.show(await call.post(at`/v1/wechat/apps/${app}/messages`, sent))
      }),
    )
}
