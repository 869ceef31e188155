/** Routes by which a merchant comes to take payments, and is stopped from it. */
import { formatId, type MerchantAction, type RefusalCode, refused } from '@lika/contract'
import { moveMerchant } from '../../flows/merchants/onboard.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound } from '../http/read-call.ts'
import { closed, text } from '../http/schemas.ts'
import { MerchantBody, presentMerchant } from './merchants.ts'
import {
  applicationIn,
  OnboardingBody,
  OnboardingGiven,
  presentApplication,
  presentDeed,
} from './onboarding-shapes.ts'

export function register(app: LikaApp, deps: Deps): void {
  registerApplication(app, deps)
  registerSteps(app, deps)
}

function registerApplication(app: LikaApp, deps: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/merchants/{id}/onboarding',
      summary: 'Shows what a merchant applied with, and who did what about it',
      // The contact is a person: shown to those who decide.
      access: 'merchants:write',
      id: 'merchant',
      responses: { 200: OnboardingBody },
      refusals: ['merchant.not_found'],
    },
    async ({ caller, id }) => {
      const merchant = await deps.merchants.findMerchant(caller.book, id)
      if (merchant === undefined) return refused(notFound('merchant'))
      const { application, deeds, files } = await deps.merchants.onboardingOf(id)
      return okay({
        merchant_id: formatId('merchant', id),
        status: merchant.status,
        ...(application !== undefined && { application: presentApplication(application, files) }),
        history: deeds.map(presentDeed),
      })
    },
  )

  app.route(
    {
      method: 'PATCH',
      path: '/v1/merchants/{id}',
      summary:
        'Changes the application of a draft, or of a rejected merchant, which is a draft again',
      access: 'merchants:write',
      id: 'merchant',
      body: closed({ onboarding: OnboardingGiven }),
      responses: { 200: MerchantBody },
      refusals: ['merchant.not_found', 'merchant.wrong_status'],
    },
    async ({ caller, id, body }) => {
      const application = applicationIn(body.onboarding)
      const step = { book: caller.book, merchantId: id, reason: null, application } as const
      const now = deps.bookNow(caller.mode)
      const moved = await moveMerchant(deps, { ...step, action: 'change' }, caller, now)
      return moved.ok ? okay(presentMerchant(moved.value)) : moved
    },
  )
}

const steps: readonly {
  readonly action: MerchantAction
  readonly summary: string
  readonly refusals: readonly RefusalCode[]
}[] = [
  {
    action: 'submit',
    summary: 'Hands the application of a draft in',
    refusals: ['merchant.application_incomplete'],
  },
  {
    action: 'approve',
    summary: 'Lets a merchant in; by a second person',
    refusals: ['approval.same_person', 'merchant.application_incomplete'],
  },
  { action: 'resume', summary: 'Lets a suspended merchant take payments again', refusals: [] },
]

const stepsWithReason: typeof steps = [
  {
    action: 'reject',
    summary: 'Does not let a merchant in; by a second person',
    refusals: ['approval.same_person'],
  },
  {
    action: 'suspend',
    summary: 'Stops a merchant from taking payments; refunds, cancels and captures go on',
    refusals: [],
  },
]

function registerSteps(app: LikaApp, deps: Deps): void {
  for (const { action, summary, refusals } of steps) {
    app.route(
      {
        method: 'POST',
        path: `/v1/merchants/{id}/${action}`,
        summary,
        access: 'merchants:write',
        id: 'merchant',
        responses: { 200: MerchantBody },
        refusals: ['merchant.not_found', 'merchant.wrong_status', ...refusals],
      },
      async ({ caller, id }) => {
        const step = { book: caller.book, merchantId: id, action, reason: null }
        const moved = await moveMerchant(deps, step, caller, deps.bookNow(caller.mode))
        return moved.ok ? okay(presentMerchant(moved.value)) : moved
      },
    )
  }
  for (const { action, summary, refusals } of stepsWithReason) {
    app.route(
      {
        method: 'POST',
        path: `/v1/merchants/{id}/${action}`,
        summary,
        access: 'merchants:write',
        id: 'merchant',
        body: closed({ reason: text(500) }),
        responses: { 200: MerchantBody },
        refusals: ['merchant.not_found', 'merchant.wrong_status', ...refusals],
      },
      async ({ caller, id, body }) => {
        const step = { book: caller.book, merchantId: id, action, reason: body.reason }
        const moved = await moveMerchant(deps, step, caller, deps.bookNow(caller.mode))
        return moved.ok ? okay(presentMerchant(moved.value)) : moved
      },
    )
  }
}
