/** The route by which many cards are issued at once. */
import { createBatch, jobOfBatch, presentBatchJob } from '../../flows/batch/create.ts'
import { executePrepared } from '../../flows/prepared.ts'
import type { Deps } from '../deps.ts'
import { executed } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { Amount, closed, given, idOf, readId, Type } from '../http/schemas.ts'
import {
  AgentGiven,
  BuyerGiven,
  buyerFrom,
  FundingGiven,
  fundingFrom,
  purchaseRefusals,
} from './card-shapes.ts'
import { JobBody } from './jobs.ts'

const mostCards = 10_000_000

const NewBatch = closed({
  product_id: idOf('product'),
  amount: Amount,
  count: Type.Integer({ minimum: 1, maximum: mostCards }),
  activate: Type.Optional(Type.Boolean()),
  age_recipient: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'age1…: the numbers and secrets go into a file encrypted for it, and are kept nowhere else.',
    }),
  ),
  funding: FundingGiven,
  buyer: Type.Optional(BuyerGiven),
  agent: Type.Optional(AgentGiven),
  ...given,
})

export function register(app: LikaApp, { flows, jobs }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/cards/batches',
      summary: 'Issues many cards of one amount, as a job',
      access: 'cards:write',
      idempotent: true,
      body: NewBatch,
      responses: { 202: JobBody },
      refusals: [
        'product.not_found',
        'job.bad_recipient',
        'reference.already_used',
        'product.not_published',
        'amount.out_of_range',
        'policy.batch_too_large',
        'policy.amount_limit',
        ...purchaseRefusals,
      ],
    },
    async (call) => {
      const { body, caller, idempotencyKey } = call
      const input = {
        productId: readId('product', body.product_id),
        amount: BigInt(body.amount),
        count: body.count,
        activate: body.activate,
        ageRecipient: body.age_recipient,
        funding: fundingFrom(body.funding),
        buyer: buyerFrom(body.buyer),
        agent: buyerFrom(body.agent),
        reference: body.reference,
        metadata: body.metadata,
      }
      const command = await createBatch(flows, caller, input, idempotencyKey)
      if (!command.ok) return command
      const result = await executePrepared((one) => call.execute(one), command.value)
      if (result.status === 'done') {
        const id = result.commandId
        await jobs.enqueue(jobOfBatch({ id, bookId: caller.book, count: body.count }))
      }
      return executed(result, 202, presentBatchJob)
    },
  )
}
