/** Builds the HTTP server: Fastify with our kernel, every route file, the reference. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import type { Deps } from './deps.ts'
import { registerPages } from './h5/pages.ts'
import { addFirstHook, makeFastify } from './http/fastify-settings.ts'
import { type LikaApp, makeKernel } from './http/kernel.ts'
import { addMeter } from './http/meter.ts'
import { openapiOf } from './http/openapi.ts'
import { register as registerAbnormalRefunds } from './v1/abnormal-refunds.ts'
import { register as registerBankStatements } from './v1/bank-statements.ts'
import { register as registerBatches } from './v1/batches.ts'
import { register as registerBulk } from './v1/bulk.ts'
import { register as registerCalendar } from './v1/calendar.ts'
import { register as registerCampaigns } from './v1/campaigns.ts'
import { register as registerCardActions } from './v1/card-actions.ts'
import { register as registerCards } from './v1/cards.ts'
import { register as registerCharters } from './v1/charters.ts'
import { register as registerCombinedPayments } from './v1/combined-payments.ts'
import { register as registerCombinedRefunds } from './v1/combined-refunds.ts'
import { register as registerContracts } from './v1/contracts.ts'
import { register as registerCorrections } from './v1/corrections.ts'
import { register as registerCustody } from './v1/custody.ts'
import { register as registerEvents } from './v1/events.ts'
import { register as registerExports } from './v1/exports.ts'
import { register as registerFilings } from './v1/filings.ts'
import { register as registerGuarantees } from './v1/guarantees.ts'
import { register as registerHealth } from './v1/health.ts'
import { register as registerHolds } from './v1/holds.ts'
import { register as registerImports } from './v1/imports.ts'
import { register as registerIssuers } from './v1/issuers.ts'
import { register as registerJobs } from './v1/jobs.ts'
import { register as registerKeys } from './v1/keys.ts'
import { register as registerLedger } from './v1/ledger.ts'
import { register as registerLedgerDays } from './v1/ledger-days.ts'
import { register as registerLoadRefunds } from './v1/load-refunds.ts'
import { register as registerLoads } from './v1/loads.ts'
import { register as registerMembers } from './v1/members.ts'
import { register as registerMerchantCoverage } from './v1/merchant-coverage.ts'
import { register as registerMerchantDocuments } from './v1/merchant-documents.ts'
import { register as registerMerchantOnboarding } from './v1/merchant-onboarding.ts'
import { register as registerMerchantWhatIf } from './v1/merchant-what-if.ts'
import { register as registerMerchants } from './v1/merchants.ts'
import { register as registerOrderReads } from './v1/order-reads.ts'
import { register as registerOrders } from './v1/orders.ts'
import { register as registerPaymentCancels } from './v1/payment-cancels.ts'
import { register as registerPayments } from './v1/payments.ts'
import { register as registerPayoutBatches } from './v1/payout-batches.ts'
import { register as registerPayouts } from './v1/payouts.ts'
import { register as registerPolicies } from './v1/policies.ts'
import { register as registerPresales } from './v1/presales.ts'
import { register as registerProducts } from './v1/products.ts'
import { register as registerRebates } from './v1/rebates.ts'
import { register as registerRedPackets } from './v1/red-packets.ts'
import { register as registerRedemptions } from './v1/redemptions.ts'
import { register as registerRefunds } from './v1/refunds.ts'
import { register as registerRegisters } from './v1/registers.ts'
import { register as registerReserve } from './v1/reserve.ts'
import { register as registerReserveCases } from './v1/reserve-cases.ts'
import { register as registerReserveReports } from './v1/reserve-reports.ts'
import { register as registerSettlementAdjustments } from './v1/settlement-adjustments.ts'
import { register as registerSettlementFiles } from './v1/settlement-files.ts'
import { register as registerSettlements } from './v1/settlements.ts'
import { register as registerSharing } from './v1/sharing.ts'
import { register as registerShares } from './v1/sharing-shares.ts'
import { register as registerStatements } from './v1/statements.ts'
import { register as registerStock } from './v1/stock.ts'
import { register as registerTestMode } from './v1/test-mode.ts'
import { register as registerVouchers } from './v1/vouchers.ts'
import { register as registerWebhooks } from './v1/webhooks.ts'
import { register as registerWechatApps } from './v1/wechat-apps.ts'
import { register as registerWechatBills } from './v1/wechat-bills.ts'
import { register as registerWechatCardCodes } from './v1/wechat-card-codes.ts'
import { register as registerWechatCards } from './v1/wechat-cards.ts'
import { register as registerWechatDoctor } from './v1/wechat-doctor.ts'
import { register as registerWechatPayAccounts } from './v1/wechat-pay-accounts.ts'
import { walletFiles } from './wallet/routes.ts'
import { registerAppCallbacks } from './wechat/app-callbacks.ts'
import { registerPayNotifications } from './wechat/pay-notifications.ts'

/** Every route file of v1, in the order of the reference. */
const routeFiles: readonly ((app: LikaApp, deps: Deps) => void)[] = [
  registerIssuers,
  registerKeys,
  registerPolicies,
  registerCharters,
  registerProducts,
  registerStock,
  registerMerchants,
  registerMerchantOnboarding,
  registerMerchantDocuments,
  registerContracts,
  registerMerchantCoverage,
  registerMerchantWhatIf,
  registerCards,
  registerCardActions,
  registerLoads,
  registerLoadRefunds,
  registerCampaigns,
  registerRebates,
  registerVouchers,
  registerRedPackets,
  registerPresales,
  registerRedemptions,
  registerOrders,
  registerOrderReads,
  registerStatements,
  registerPayments,
  registerPaymentCancels,
  registerRefunds,
  registerHolds,
  registerCombinedPayments,
  registerCombinedRefunds,
  registerAbnormalRefunds,
  registerSettlements,
  registerSettlementAdjustments,
  registerCalendar,
  registerSettlementFiles,
  registerPayoutBatches,
  registerPayouts,
  registerBulk,
  registerBatches,
  registerImports,
  registerJobs,
  registerExports,
  registerTestMode,
  registerWebhooks,
  registerWechatPayAccounts,
  registerWechatApps,
  registerSharing,
  registerShares,
  registerWechatBills,
  registerWechatCardCodes,
  registerWechatCards,
  registerWechatDoctor,
  registerEvents,
  registerLedger,
  registerLedgerDays,
  registerCorrections,
  registerReserve,
  registerCustody,
  registerGuarantees,
  registerBankStatements,
  registerReserveCases,
  registerReserveReports,
  registerRegisters,
  registerFilings,
  registerMembers,
  registerHealth,
]

/** `more`: further route files, for tests. @throws for a route that the reference could not describe. */
export async function buildApp(
  deps: Deps,
  more: readonly ((app: LikaApp, deps: Deps) => void)[] = [],
): Promise<FastifyInstance> {
  const fastify = makeFastify(deps)
  addMeter(fastify, (answered) => deps.count(answered))
  const kernel = makeKernel(fastify, deps)
  addFirstHook(fastify, kernel.paths)
  for (const register of [...routeFiles, ...walletFiles, ...more]) register(kernel, deps)
  await fastify.register((child) => registerAppCallbacks(child, deps))
  await fastify.register((child) => registerPayNotifications(child, deps))
  registerPages(fastify, deps)
  const specs = kernel.routes.map(({ spec }) => spec)
  addDocument(fastify, '/wallet/openapi.json', openapiOf(specs, version(), 'wallet'))
  await addReference(fastify, openapiOf(specs, version()))
  await fastify.ready()
  return fastify
}

/** A document as it stands; answers its text. */
function addDocument(fastify: FastifyInstance, path: string, document: object): string {
  const text = JSON.stringify(document)
  fastify.get(path, (_request, reply) => {
    reply.header('content-type', 'application/json; charset=utf-8').send(text)
  })
  return text
}

/** `/openapi.json`, and the page at `/docs` that shows it. */
async function addReference(fastify: FastifyInstance, document: object): Promise<void> {
  const text = addDocument(fastify, '/openapi.json', document)
  await fastify.register(fastifySwagger, {
    mode: 'static',
    specification: { document: JSON.parse(text) },
  })
  await fastify.register(fastifySwaggerUi, { routePrefix: '/docs' })
}

function version(): string {
  const file = join(import.meta.dirname, '../../package.json')
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof content === 'object' && content !== null && 'version' in content
    ? String(content.version)
    : '0'
}
