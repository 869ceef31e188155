/** The whole command line: every noun, help in two languages, errors that end with exit code 2. */
import { Command } from 'commander'
import type { World } from './call.ts'
import { addCalendar } from './commands/calendar.ts'
import {
  addCampaigns,
  addLoads,
  addPresales,
  addRebates,
  addVouchers,
} from './commands/campaigns.ts'
import { addRedemptions } from './commands/card-redeem.ts'
import { addCards } from './commands/cards.ts'
import { addCharters } from './commands/charters.ts'
import { addCombinedPayments, addCombinedRefunds } from './commands/combined-payments.ts'
import { addContracts } from './commands/contracts.ts'
import { addCustody, addGuarantees } from './commands/custody.ts'
import { addEvents } from './commands/events.ts'
import { addFilings } from './commands/filings.ts'
import { addHolds } from './commands/holds.ts'
import { addImports } from './commands/imports.ts'
import { addIssuers } from './commands/issuers.ts'
import { addJobs } from './commands/jobs.ts'
import { addKeys } from './commands/keys.ts'
import { addBooks, addLedger } from './commands/ledger.ts'
import { addMembers } from './commands/members.ts'
import { addMerchants, addStores, addTerminals } from './commands/merchants.ts'
import { addOrders } from './commands/orders.ts'
import { addPayments, addRefunds } from './commands/payments.ts'
import { addPayoutBatches, addPayouts } from './commands/payouts.ts'
import { addPolicy } from './commands/policy.ts'
import { addProducts } from './commands/products.ts'
import { addRedPackets } from './commands/red-packets.ts'
import { addReserve } from './commands/reserve.ts'
import { addReserveCases } from './commands/reserve-cases.ts'
import { addServer } from './commands/server.ts'
import { addSettlements } from './commands/settlements.ts'
import { addTest } from './commands/test-mode.ts'
import { addWebhooks } from './commands/webhooks.ts'
import { addWechat } from './commands/wechat.ts'
import { Lika } from './verbs.ts'

/** @throws CommanderError instead of ending the process. */
export function buildProgram(world: World): Command {
  const { say } = world
  const titles: Readonly<Record<string, string>> = {
    'Usage:': say('用法', 'Usage:'),
    'Arguments:': say('参数', 'Arguments:'),
    'Options:': say('选项', 'Options:'),
    'Commands:': say('命令', 'Commands:'),
  }
  const program = new Command('lika')
    .description(
      say(
        '礼卡命令行：预付卡平台 Lika 的客户端。',
        'The command line of Lika, the prepaid-card platform.',
      ),
    )
    .exitOverride()
    .configureHelp({ styleTitle: (title) => titles[title] ?? title })
    .configureOutput({
      outputError: (text, write) =>
        write(text.replace(/^error: /, `${say('用法错误', 'Usage error')}: `)),
    })
    .helpOption('-h, --help', say('显示帮助', 'show help'))
    .helpCommand('help [command]', say('显示命令的帮助', 'show help for a command'))
    .addHelpText('after', `\n${environment(world)}`)
  const lika = new Lika(program, world)
  for (const add of nouns) add(lika)
  return program
}

const nouns: readonly ((lika: Lika) => void)[] = [
  addIssuers,
  addPolicy,
  addKeys,
  addCharters,
  addProducts,
  addMembers,
  addMerchants,
  addContracts,
  addStores,
  addTerminals,
  addCards,
  addPayments,
  addRefunds,
  addCombinedPayments,
  addCombinedRefunds,
  addRedemptions,
  addLoads,
  addCampaigns,
  addRedPackets,
  addRebates,
  addVouchers,
  addPresales,
  addOrders,
  addHolds,
  addSettlements,
  addCalendar,
  addPayoutBatches,
  addPayouts,
  addImports,
  addJobs,
  addWebhooks,
  addWechat,
  addEvents,
  addLedger,
  addReserve,
  addCustody,
  addGuarantees,
  addReserveCases,
  addFilings,
  addBooks,
  addTest,
  addServer,
]

function environment({ say }: World): string {
  return [
    say(
      '金额以元输入和显示（12、12.5、1,234.50）；--json 为分。',
      'Amounts are typed and shown in yuan (12, 12.5, 1,234.50); --json has fen.',
    ),
    '',
    say('环境变量', 'Environment:'),
    `  LIKA_URL      ${say('服务器地址', 'where Lika is')} (http://127.0.0.1:8080)`,
    `  LIKA_API_KEY  ${say('接口密钥', 'the API key')}`,
    `  LIKA_DATA     ${say('数据目录：operator.key、demo.json', 'data folder: operator.key, demo.json')} (.lika)`,
    `  LIKA_LANG     ${say('zh 或 en；默认两者', 'zh or en; both by default')}`,
    '',
    say('退出码', 'Exit codes:'),
    `  0 ${say('完成', 'done')}  1 ${say('被拒绝或有误', 'refused or not in order')}  2 ${say('用法错误', 'usage')}  3 ${say('无法连接', 'unreachable')}`,
  ].join('\n')
}
