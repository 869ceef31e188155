/** Routes of red packets: rewards in cash from the budget of a campaign. */
import {
  asId,
  fenToJson,
  formatId,
  formatInstant,
  laneOfId,
  modeOfBook,
  refused,
} from '@lika/contract'
import { executePrepared } from '../../flows/prepared.ts'
import { giveRedPacketCommand } from '../../flows/red-packets/give.ts'
import { sendRedPacket } from '../../flows/red-packets/send.ts'
import {
  findRedPacket,
  type RedPacketRow,
  redPacketStates,
} from '../../modules/red-packets/index.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import {
  Amount,
  Currency,
  closed,
  idOf,
  Metadata,
  nullable,
  oneOf,
  Reference,
  readId,
  Timestamp,
  Type,
  text,
} from '../http/schemas.ts'

const RedPacketBody = closed({
  id: idOf('red_packet'),
  campaign_id: idOf('campaign'),
  member_id: idOf('member'),
  status: oneOf(redPacketStates),
  reason: nullable(Type.String()),
  amount: Amount,
  currency: Currency,
  remark: Type.String(),
  package_info: Type.Optional(
    Type.String({
      description: 'for wx.requestMerchantTransfer, while the member has yet to take it',
    }),
  ),
  reference: Reference,
  metadata: Metadata,
  created_at: Timestamp,
  ended_at: nullable(Timestamp),
})

export function register(app: LikaApp, deps: Deps): void {
  registerGive(app, deps)
  registerRead(app, deps)
}

function registerGive(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/campaigns/{id}/red_packets',
      summary: 'Gives a member cash from the budget of a campaign, once for each reference',
      access: 'campaigns:write',
      idempotent: true,
      id: 'campaign',
      body: closed({
        member_id: idOf('member'),
        app_id: Type.Optional(idOf('wechat_app')),
        amount: Type.Integer({ minimum: 10, maximum: 20_000, description: 'fen' }),
        remark: text(32),
        reference: Reference,
        metadata: Type.Optional(Metadata),
      }),
      responses: { 201: RedPacketBody },
      refusals: [
        'campaign.not_found',
        'campaign.not_running',
        'wechat_app.not_found',
        'wechat_account.not_found',
        'member.not_found',
        'order.payer_unknown',
        'reference.already_used',
        'campaign.budget_spent',
      ],
    },
    async (call) => {
      const { caller, id, body, idempotencyKey } = call
      const input = {
        campaignId: id,
        memberId: readId('member', body.member_id),
        appId: body.app_id === undefined ? undefined : readId('wechat_app', body.app_id),
        amount: BigInt(body.amount),
        remark: body.remark,
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = await giveRedPacketCommand(flows, caller.book, input, idempotencyKey)
      const done = await executePrepared((one) => call.execute(one), command)
      const { replayed } = done
      if (done.status === 'refused') return { ok: false, refusal: done.refusal, replayed }
      const row = await findRedPacket(flows.database.sql, caller.book, asId(done.commandId))
      if (row === undefined) throw new Error('a red packet was made and is not there')
      const info = row.status === 'sending' ? await sendRedPacket(flows, row, replayed) : undefined
      const now = await findRedPacket(flows.database.sql, caller.book, row.id)
      return { status: 201, body: present(now ?? row, info), replayed }
    },
  )
}

function registerRead(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/red_packets/{id}',
      summary: 'Shows a red packet and whether the member has taken it',
      access: 'campaigns:read',
      id: 'red_packet',
      responses: { 200: RedPacketBody },
      refusals: ['red_packet.not_found'],
    },
    async ({ caller, id }) => {
      const lanes = flows.engine.lanesOf(modeOfBook(caller.book))
      const isThere = lanes.includes(laneOfId(id))
      const row = isThere ? await findRedPacket(flows.database.sql, caller.book, id) : undefined
      return row === undefined ? refused(notFound('red_packet')) : okay(present(row))
    },
  )
}

function present(row: RedPacketRow, packageInfo?: string) {
  return {
    id: formatId('red_packet', row.id),
    campaign_id: formatId('campaign', row.campaignId),
    member_id: formatId('member', row.memberId),
    status: row.status,
    reason: row.reason,
    amount: fenToJson(row.amount),
    currency: 'CNY' as const,
    remark: row.remark,
    ...(packageInfo !== undefined && row.status === 'sending' ? { package_info: packageInfo } : {}),
    reference: row.reference,
    metadata: { ...row.metadata },
    created_at: formatInstant(row.createdAt),
    ended_at: row.endedAt === null ? null : formatInstant(row.endedAt),
  }
}
