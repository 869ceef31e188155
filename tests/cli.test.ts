/**
 * The command line as a process against a stub that holds every request to the published interface:
 * method and path, key, Idempotency-Key exactly where it is due, no member that is not documented.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type DocumentedRoute, documentedRoutes } from './harness/documented-routes.ts'

const root = resolve(import.meta.dirname, '..')

const openapi = { name: 'GET /openapi.json', method: 'GET', pattern: /^\/openapi\.json$/ }
const routes: DocumentedRoute[] = [
  ...documentedRoutes,
  { ...openapi, isKeyed: false, isMultipart: false, due: [], members: [], beside: [] },
]

interface Seen {
  line: string
  headers: IncomingMessage['headers']
  query: Record<string, string>
  body: unknown
  text: string
}
type Reply = { status?: number; headers?: Record<string, string>; body?: unknown; cut?: true }

/** Answers what the test has put into `replies`, in order, then `{}`. */
class Stub {
  seen: Seen[] = []
  broken: string[] = []
  replies: Reply[] = []
  readonly reached = new Set<string>()
  private server: Server | undefined
  url = ''

  async start(): Promise<void> {
    this.server = createServer((request, response) => void this.take(request, response))
    await new Promise<void>((settle) => this.server?.listen(0, '127.0.0.1', settle))
    const address = this.server.address()
    this.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }

  stop(): void {
    this.server?.closeAllConnections()
    this.server?.close()
  }

  expect(...replies: Reply[]): void {
    this.seen = []
    this.broken = []
    this.replies = replies
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const url = new URL(request.url ?? '', this.url)
    const line = `${request.method} ${url.pathname}`
    const isJson = request.headers['content-type'] === 'application/json'
    const body: unknown = isJson ? JSON.parse(text) : undefined
    const query = Object.fromEntries(url.searchParams)
    this.seen.push({ line, headers: request.headers, query, body, text })
    const route = routes.find((r) => r.method === request.method && r.pattern.test(url.pathname))
    if (route === undefined) this.broken.push(`${line} is not documented`)
    else this.judge(route, request, isJson ? (body as object) : undefined, query)
    const reply = this.replies.shift() ?? {}
    if (reply.cut) return void request.socket.destroy()
    const content = reply.body ?? {}
    response.writeHead(reply.status ?? 200, {
      'request-id': 'req_stub',
      'content-type': 'application/json',
      ...reply.headers,
    })
    const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
    response.end(reply.status === 204 ? undefined : isRaw ? content : JSON.stringify(content))
  }

  private judge(
    route: DocumentedRoute,
    request: IncomingMessage,
    body: object | undefined,
    query: Record<string, string>,
  ): void {
    this.reached.add(route.name)
    const say = (what: string) => this.broken.push(`${route.name}: ${what}`)
    const { authorization, 'idempotency-key': key } = request.headers
    if (route.name.includes('/v1/') && !/^Bearer \S+$/.test(authorization ?? '')) say('no key')
    if (route.isKeyed !== (key !== undefined)) say(`Idempotency-Key: ${String(key)}`)
    const takesBody = ['POST', 'PATCH'].includes(route.method)
    const isForm = request.headers['content-type']?.startsWith('multipart/form-data') === true
    if (route.isMultipart !== isForm) say(isForm ? 'a multipart form' : 'no multipart form')
    if (route.isMultipart) return
    if (takesBody !== (body !== undefined)) say(takesBody ? 'no JSON body' : 'a body')
    const beside = takesBody ? Object.keys(query) : []
    if (beside.some((name) => !route.beside.includes(name))) say(`a query: ${beside.join(' ')}`)
    const members = Object.keys((takesBody ? body : query) ?? {})
    const unknown = members.filter((member) => !route.members.includes(member))
    const missing = route.due.filter((member) => !members.includes(member))
    if (unknown.length > 0) say(`unknown ${unknown.join(' ')}`)
    if (missing.length > 0) say(`missing ${missing.join(' ')}`)
  }
}

interface Run {
  code: number | null
  out: string
  err: string
}

const data = mkdtempSync(join(tmpdir(), 'lika-cli-'))
const stub = new Stub()

/** Runs the command with the stub as its server, English only, in an empty data folder. */
function lika(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string | undefined>; bin?: string } = {},
): Promise<Run> {
  const script = options.bin ?? join(root, 'cli', 'src', 'main.ts')
  const child = spawn(process.execPath, [script, ...args], {
    cwd: data,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(data, 'compiled'),
      LIKA_URL: stub.url,
      LIKA_API_KEY: 'lika_test_key',
      LIKA_DATA: data,
      LIKA_LANG: 'en',
      ...options.env,
    },
  })
  child.stdin.end(options.input ?? '')
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  return new Promise((settle) => child.on('close', (code) => settle({ code, ...texts })))
}

const only = () => {
  assert.equal(stub.seen.length, 1)
  return stub.seen[0] as Seen
}
const problem = (status: number, code: string, extra: object = {}, headers = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: {
    type: `urn:lika:problem:${code}`,
    title: code,
    status,
    code,
    detail: 'Why.',
    request_id: 'req_7',
    ...extra,
  },
})

before(() => stub.start())
after(() => {
  stub.stop()
  rmSync(data, { recursive: true })
})
beforeEach(() => stub.expect())

const funding = { method: 'cash' }
const spend = ['--amount', '12.50', '--merchant', 'merch_1', '--reference', 'A-1']
const spent = { amount: 1250, currency: 'CNY', merchant_id: 'merch_1', reference: 'A-1' }
const job = {
  id: 'job_1',
  kind: 'batch',
  status: 'queued',
  done: 0,
  total: 5,
  result: null,
  error: null,
  created_at: '2026-11-24T10:00:00.000Z',
  finished_at: null,
}

/** What is typed, what goes over the wire, what comes on stdin. */
const commands: [string, string, unknown?, string?][] = [
  [
    'issuers create --name A --legal-name B --pack x,y',
    'POST /v1/issuers',
    { name: 'A', legal_name: 'B', packs: ['x', 'y'] },
  ],
  ['issuers list', 'GET /v1/issuers'],
  ['issuers show iss_1', 'GET /v1/issuers/iss_1'],
  ['issuers sale iss_1', 'GET /v1/issuers/iss_1/sale'],
  [
    'issuers stop-sale iss_1 --reason risk',
    'POST /v1/issuers/iss_1/sale',
    { stopped: true, reason: 'risk' },
  ],
  [
    'issuers resume-sale iss_1 --reason over',
    'POST /v1/issuers/iss_1/sale',
    { stopped: false, reason: 'over' },
  ],
  [
    'policy explain iss_1 --at 2026-12-01',
    'GET /v1/policies/explain?issuer_id=iss_1&at=2026-11-30T16:00:00Z',
  ],
  [
    'charters publish --title T --file -',
    'POST /v1/charters',
    { title: 'T', document: 'What you agree to.' },
    'What you agree to.',
  ],
  ['charters list --reference C', 'GET /v1/charters?reference=C'],
  ['charters show chtr_1', 'GET /v1/charters/chtr_1'],
  ['ledger day 2026-11-24', 'GET /v1/ledger/days/trial_balance?day=2026-11-24'],
  ['ledger day 2026-11-24 --output -', 'GET /v1/ledger/days/trial_balance?day=2026-11-24'],
  [
    'ledger account-days acct_1 --from 2026-11-01 --to 2026-11-30',
    'GET /v1/ledger/accounts/acct_1/days?from=2026-11-01&to=2026-11-30',
  ],
  [
    'ledger correct ent_1 --reason twice',
    'POST /v1/ledger/entries/ent_1/corrections',
    { reason: 'twice' },
  ],
  ['ledger corrections --limit 5', 'GET /v1/ledger/corrections?limit=5'],
  ['ledger correction corr_1', 'GET /v1/ledger/corrections/corr_1'],
  ['ledger approve-correction corr_1', 'POST /v1/ledger/corrections/corr_1/approve', {}],
  ['ledger reject-correction corr_1', 'POST /v1/ledger/corrections/corr_1/reject', {}],
  ['reserve profile', 'GET /v1/reserve/profile'],
  [
    'reserve profile --class brand --revenue 9,000,000 --top-up-deposit --began 2026-10-01',
    'POST /v1/reserve/profile',
    {
      issuer_class: 'brand',
      last_year_revenue: 900_000_000,
      top_up_deposit: true,
      business_began: '2026-10-01',
    },
  ],
  ['reserve approve-profile', 'POST /v1/reserve/profile/approve', {}],
  ['reserve show', 'GET /v1/reserve'],
  [
    'reserve positions --from 2026-11-01 --to 2026-11-30',
    'GET /v1/reserve/positions?from=2026-11-01&to=2026-11-30',
  ],
  ['reserve quarter 2026Q3', 'GET /v1/reserve/quarters?quarter=2026Q3'],
  ['reserve quarter 2026Q3 --output -', 'GET /v1/reserve/quarters?quarter=2026Q3'],
  [
    'reserve balances --from 2026-11-01 --to 2026-11-30',
    'GET /v1/reserve/balance_ledger?from=2026-11-01&to=2026-11-30',
  ],
  [
    'reserve turnover --from 2026-11-01 --to 2026-11-30',
    'GET /v1/reserve/turnover?from=2026-11-01&to=2026-11-30',
  ],
  [
    'reserve issuance --from 2026-11-01 --to 2026-11-30',
    'GET /v1/reserve/issuance_ledger.csv?from=2026-11-01&to=2026-11-30',
  ],
  [
    'reserve buyers --from 2026-11-01 --to 2026-11-30',
    'GET /v1/reserve/buyers.csv?from=2026-11-01&to=2026-11-30',
  ],
  [
    'custody open --bank ICBC --bank-code 102 --name Tea --number 62220000 --reference C-1',
    'POST /v1/custody_accounts',
    {
      bank_name: 'ICBC',
      bank_code: '102',
      account_name: 'Tea',
      account_number: '62220000',
      reference: 'C-1',
    },
  ],
  ['custody list', 'GET /v1/custody_accounts'],
  ['custody show cust_1', 'GET /v1/custody_accounts/cust_1'],
  [
    'custody deposit cust_1 1,000 --reference D-1',
    'POST /v1/custody_accounts/cust_1/movements',
    { kind: 'deposit', amount: 100_000, reference: 'D-1' },
  ],
  [
    'custody withdraw cust_1 0.01',
    'POST /v1/custody_accounts/cust_1/movements',
    { kind: 'withdrawal', amount: 1 },
  ],
  [
    'custody pay-holders cust_1 5',
    'POST /v1/custody_accounts/cust_1/movements',
    { kind: 'redemption_payout', amount: 500 },
  ],
  ['custody movements cust_1 --open', 'GET /v1/custody_accounts/cust_1/movements?settled=false'],
  [
    'custody import cust_1 --day 2026-11-24 --opening 100 --closing 95 --file -',
    'POST /v1/custody_accounts/cust_1/statements',
    { day: '2026-11-24', opening_balance: 10_000, closing_balance: 9_500, content: 'date,amount' },
    'date,amount',
  ],
  ['custody statements --account cust_1', 'GET /v1/bank_statements?custody_id=cust_1'],
  ['custody statement bstm_1', 'GET /v1/bank_statements/bstm_1'],
  ['custody lines bstm_1', 'GET /v1/bank_statements/bstm_1/lines'],
  [
    'guarantees register --kind bank_guarantee --guarantor CMB --document LG-1 --amount 500 --from 2026-01-01 --to 2026-12-31',
    'POST /v1/guarantees',
    {
      kind: 'bank_guarantee',
      guarantor: 'CMB',
      document_number: 'LG-1',
      amount: 50_000,
      valid_from: '2026-01-01',
      valid_to: '2026-12-31',
    },
  ],
  ['guarantees list', 'GET /v1/guarantees'],
  ['guarantees show guar_1', 'GET /v1/guarantees/guar_1'],
  ['guarantees approve guar_1', 'POST /v1/guarantees/guar_1/approve', {}],
  ['guarantees end guar_1', 'POST /v1/guarantees/guar_1/end', {}],
  [
    'cases list --state open --kind day_differs',
    'GET /v1/reserve_cases?state=open&kind=day_differs',
  ],
  ['cases show case_1', 'GET /v1/reserve_cases/case_1'],
  [
    'cases propose case_1 --action match --reason late',
    'POST /v1/reserve_cases/case_1/propose',
    { action: 'match', reason: 'late' },
  ],
  ['cases approve case_1', 'POST /v1/reserve_cases/case_1/approve', {}],
  [
    'filings add --form mofcom_single_purpose --number 31BA --authority A --filed 2026-10-01 --until 2027-09-30 --fields -',
    'POST /v1/filings',
    {
      form: 'mofcom_single_purpose',
      number: '31BA',
      authority: 'A',
      filed_on: '2026-10-01',
      valid_to: '2027-09-30',
      fields: { industry: 'retail' },
    },
    '{"industry":"retail"}',
  ],
  ['filings list --reference F', 'GET /v1/filings?reference=F'],
  ['filings show filg_1', 'GET /v1/filings/filg_1'],
  ['filings form filg_1', 'GET /v1/filings/filg_1/form'],
  [
    'keys create --name A --owner B --scope cards:read --mode live --expires 2027-12-31',
    'POST /v1/keys',
    {
      name: 'A',
      owner: 'B',
      scopes: ['cards:read'],
      mode: 'live',
      expires_at: '2027-12-31T16:00:00Z',
    },
  ],
  ['keys list', 'GET /v1/keys'],
  ['keys show key_1', 'GET /v1/keys/key_1'],
  ['keys revoke key_1', 'DELETE /v1/keys/key_1'],
  [
    'products create --name A --kind gift --face 100 --face 200 --validity-months 36 --renewal-months 12 --accept-merchant merch_1',
    'POST /v1/products',
    {
      name: 'A',
      kind: 'gift',
      registered: false,
      carrier: 'virtual',
      faces: [10000, 20000],
      validity_months: 36,
      renewal_months: 12,
      reloadable: false,
      acceptance: { merchants: ['merch_1'], stores: [], categories: [] },
    },
  ],
  [
    'products update prod_1 --face-range 10..1,000 --no-expiry --no-renewal --consume principal,bonus',
    'PATCH /v1/products/prod_1',
    {
      face_range: { min: 1000, max: 100000 },
      validity_months: null,
      renewal_months: null,
      consume_order: ['principal', 'bonus'],
    },
  ],
  [
    'products update prod_1 --model closed --accept-channel online --accept-from 20',
    'PATCH /v1/products/prod_1',
    {
      model: 'closed',
      acceptance: {
        merchants: [],
        stores: [],
        categories: [],
        channels: ['online'],
        min_amount: 2000,
      },
    },
  ],
  ['products publish prod_1', 'POST /v1/products/prod_1/publish', {}],
  ['products list', 'GET /v1/products'],
  ['products show prod_1', 'GET /v1/products/prod_1'],
  [
    'merchants create --name A --category food --reference M-1 --metadata till=3',
    'POST /v1/merchants',
    { name: 'A', category: 'food', reference: 'M-1', metadata: { till: '3' } },
  ],
  [
    'merchants create --name A --category food --ownership own --onboarding -',
    'POST /v1/merchants',
    { name: 'A', category: 'food', ownership: 'own', onboarding: { legal_name: '星河' } },
    '{"legal_name":"星河"}',
  ],
  ['merchants list --reference M-1', 'GET /v1/merchants?reference=M-1'],
  ['merchants list --status draft', 'GET /v1/merchants?status=draft'],
  ['merchants show merch_1', 'GET /v1/merchants/merch_1'],
  ['merchants onboarding merch_1', 'GET /v1/merchants/merch_1/onboarding'],
  [
    'merchants change merch_1 --onboarding -',
    'PATCH /v1/merchants/merch_1',
    { onboarding: { legal_name: '星河' } },
    '{"legal_name":"星河"}',
  ],
  [
    'merchants upload merch_1 - --kind business_licence --name licence.pdf',
    'POST /v1/merchants/merch_1/documents',
    { kind: 'business_licence', name: 'licence.pdf', content: 'JVBERi0=' },
    '%PDF-',
  ],
  ['merchants document doc_1', 'GET /v1/merchant_documents/doc_1/file'],
  ['merchants submit merch_1', 'POST /v1/merchants/merch_1/submit', {}],
  ['merchants approve merch_1', 'POST /v1/merchants/merch_1/approve', {}],
  ['merchants reject merch_1 --reason no', 'POST /v1/merchants/merch_1/reject', { reason: 'no' }],
  ['merchants suspend merch_1 --reason no', 'POST /v1/merchants/merch_1/suspend', { reason: 'no' }],
  ['merchants resume merch_1', 'POST /v1/merchants/merch_1/resume', {}],
  ['merchants terms merch_1 --on 2026-12-31', 'GET /v1/merchants/merch_1/terms?on=2026-12-31'],
  ['merchants coverage --district A,B', 'GET /v1/merchants/coverage?districts=A%2CB'],
  [
    'merchants cover --district A,B --district C',
    'POST /v1/merchants/coverage',
    { districts: ['A', 'B', 'C'] },
  ],
  [
    'merchants what-if --volume 1,000,000 --rate 10 --change 1 --margin 22.5',
    'POST /v1/merchants/what_if',
    { volume: 100000000, rate_bp: 1000, change_bp: 100, margin_bp: 2250 },
  ],
  [
    'merchants what-if --volume 1 --rate 10 --change -0.5 --volume-per-point 4.2 --margin-per-point -1.8',
    'POST /v1/merchants/what_if',
    {
      volume: 100,
      rate_bp: 1000,
      change_bp: -50,
      elasticity: { volume_bp_per_point: 420, margin_bp_per_point: -180 },
    },
  ],
  [
    'contracts propose --merchant merch_1 --file -',
    'POST /v1/merchants/merch_1/contracts',
    {
      valid_from: '2026-12-01',
      class: 'none',
      commission: { kind: 'flat', rate_bp: 1 },
      cycle: { kind: 'weekly' },
    },
    '{"valid_from":"2026-12-01","class":"none","commission":{"kind":"flat","rate_bp":1},"cycle":{"kind":"weekly"}}',
  ],
  ['contracts list --merchant merch_1', 'GET /v1/contracts?merchant_id=merch_1'],
  ['contracts show ctr_1', 'GET /v1/contracts/ctr_1'],
  ['contracts approve ctr_1', 'POST /v1/contracts/ctr_1/approve', {}],
  ['contracts reject ctr_1 --reason no', 'POST /v1/contracts/ctr_1/reject', { reason: 'no' }],
  [
    'stores create --merchant merch_1 --name A --district B',
    'POST /v1/merchants/merch_1/stores',
    { name: 'A', district: 'B' },
  ],
  ['stores list --merchant merch_1', 'GET /v1/merchants/merch_1/stores'],
  ['stores show store_1', 'GET /v1/stores/store_1'],
  ['terminals create --store store_1 --name A', 'POST /v1/stores/store_1/terminals', { name: 'A' }],
  ['terminals list --store store_1', 'GET /v1/stores/store_1/terminals'],
  ['terminals show term_1', 'GET /v1/terminals/term_1'],
  [
    'cards issue --product prod_1 --amount 1,000 --bonus 50 --funding wechat --funding-reference 42 --buyer - --no-activate',
    'POST /v1/cards',
    {
      product_id: 'prod_1',
      amount: 100000,
      bonus_amount: 5000,
      buyer: { kind: 'person', name: '王芳' },
      funding: { method: 'wechat', reference: '42' },
      activate: false,
    },
    '{"kind":"person","name":"王芳"}',
  ],
  [
    'cards batch --product prod_1 --amount 100 --count 5 --funding cash --buyer - --age-recipient age1x',
    'POST /v1/cards/batches',
    {
      product_id: 'prod_1',
      amount: 10000,
      count: 5,
      buyer: { kind: 'unit', name: '星河' },
      funding,
      age_recipient: 'age1x',
    },
    '{"kind":"unit","name":"星河"}',
  ],
  ['cards list --status frozen --batch batch_1', 'GET /v1/cards?status=frozen&batch_id=batch_1'],
  ['cards show card_1 --at 2026-12-01', 'GET /v1/cards/card_1?at=2026-11-30T16:00:00Z'],
  [
    'cards lookup --number 9000 --secret -',
    'POST /v1/cards/lookup',
    { number: '9000', secret: 'S3CRET' },
    'S3CRET\n',
  ],
  ['cards reveal card_1', 'POST /v1/cards/card_1/reveal', {}],
  ['cards reset-secret card_1', 'POST /v1/cards/card_1/reset_secret', {}],
  ['cards activate card_1 --funding cash', 'POST /v1/cards/card_1/activate', { funding }],
  ['cards freeze card_1 --reason lost?', 'POST /v1/cards/card_1/freeze', { reason: 'lost?' }],
  ['cards unfreeze card_1 --reason found', 'POST /v1/cards/card_1/unfreeze', { reason: 'found' }],
  ['cards report-lost card_1', 'POST /v1/cards/card_1/report_lost', {}],
  ['cards replace card_1 --reference C-2', 'POST /v1/cards/card_1/replace', { reference: 'C-2' }],
  [
    'cards redeem card_1 --reason consumer --account - --term-days 365 --used-days 100',
    'POST /v1/cards/card_1/redemptions',
    {
      reason: 'consumer',
      payout: { method: 'same_name_account', account_name: 'A', account_number: '1' },
      term: { days: 365, used_days: 100 },
    },
    '{"account_name":"A","account_number":"1"}',
  ],
  [
    'cards redeem card_1 --reason cooling_off --dry-run',
    'POST /v1/cards/card_1/redemptions',
    { reason: 'cooling_off', payout: { method: 'original_route' }, dry_run: true },
  ],
  ['redemptions show rdmp_1', 'GET /v1/redemptions/rdmp_1'],
  ['cards close card_1 --reason done', 'POST /v1/cards/card_1/close', { reason: 'done' }],
  [
    'cards extend card_1 --until 2028-12-31',
    'POST /v1/cards/card_1/extend',
    { until: '2028-12-31' },
  ],
  [
    'cards load card_1 --amount 200 --bonus 10 --funding cash',
    'POST /v1/cards/card_1/loads',
    { amount: 20000, bonus_amount: 1000, funding },
  ],
  [
    'cards adjust card_1 --amount -5 --sub-balance bonus --reason typo',
    'POST /v1/cards/card_1/adjustments',
    { amount: -500, sub_balance: 'bonus', reason: 'typo' },
  ],
  [
    'cards split card_1 --amount 30 --amount 20',
    'POST /v1/cards/card_1/split',
    { amounts: [3000, 2000] },
  ],
  [
    'cards statement card_1 --from 2026-11-01 --to 2026-11-30',
    'GET /v1/cards/card_1/statement?from=2026-10-31T16:00:00Z&to=2026-11-30T16:00:00Z',
  ],
  ['cards pay-code card_1', 'POST /v1/cards/card_1/pay_codes', {}],
  ['cards export', 'GET /v1/exports/cards.csv'],
  [
    'payments list --reference A-1 --merchant merch_1',
    'GET /v1/payments?reference=A-1&merchant_id=merch_1',
  ],
  ['payments show pay_1', 'GET /v1/payments/pay_1'],
  ['payments cancel pay_1', 'POST /v1/payments/pay_1/cancel', {}],
  [
    'payments cancel-reference --merchant merch_1 --reference A-1',
    'POST /v1/payments/cancel',
    { merchant_id: 'merch_1', reference: 'A-1' },
  ],
  [
    'payments refund pay_1 --amount 3.20 --reference R-1 --reason broken',
    'POST /v1/payments/pay_1/refunds',
    { amount: 320, reference: 'R-1', reason: 'broken' },
  ],
  ['refunds show rfnd_1', 'GET /v1/refunds/rfnd_1'],
  [
    `payments create ${spend.join(' ')} --card card_1 --voucher vchr_1 --voucher vchr_2`,
    'POST /v1/payments',
    { ...spent, sources: [{ card_id: 'card_1' }], vouchers: ['vchr_1', 'vchr_2'] },
  ],
  [
    'loads refund load_1 --amount 100 --reference R-1 --reason wrong',
    'POST /v1/loads/load_1/refunds',
    { amount: 10_000, reference: 'R-1', reason: 'wrong' },
  ],
  ['loads refunds load_1', 'GET /v1/loads/load_1/refunds'],
  [
    'campaigns propose --file -',
    'POST /v1/campaigns',
    { name: 'A', rule: {}, budget: 1, starts_on: '2026-12-01', ends_on: '2026-12-31' },
    '{"name":"A","rule":{},"budget":1,"starts_on":"2026-12-01","ends_on":"2026-12-31"}',
  ],
  ['campaigns change camp_1 --file -', 'PATCH /v1/campaigns/camp_1', { budget: 2 }, '{"budget":2}'],
  ['campaigns publish camp_1', 'POST /v1/campaigns/camp_1/publish', {}],
  ['campaigns end camp_1', 'POST /v1/campaigns/camp_1/end', {}],
  ['campaigns list --reference C', 'GET /v1/campaigns?reference=C'],
  ['campaigns show camp_1', 'GET /v1/campaigns/camp_1'],
  ['campaigns budget camp_1', 'GET /v1/campaigns/camp_1/budget'],
  ['campaigns versions camp_1', 'GET /v1/campaigns/camp_1/versions'],
  [
    'campaigns claim camp_1 --load load_1',
    'POST /v1/campaigns/camp_1/claims',
    { load_id: 'load_1' },
  ],
  ['campaigns run', 'POST /v1/campaigns/run', {}],
  ['members list --limit 5', 'GET /v1/members?limit=5'],
  ['members show mem_1', 'GET /v1/members/mem_1'],
  ['members merges mem_1', 'GET /v1/members/mem_1/merges'],
  ['members merge mem_1 --with mem_2', 'POST /v1/members/mem_1/merge', { with: 'mem_2' }],
  ['members unmerge mem_1', 'POST /v1/members/mem_1/unmerge', {}],
  [
    'wechat accounts create --file - --private-key /dev/null',
    'POST /v1/wechat/pay_accounts',
    {
      mchid: '1900000001',
      appids: ['wx1'],
      api_v3_key: 'k',
      certificate_serial: 'AB',
      key_mode: 'certificate',
      private_key_pem: '',
    },
    '{"mchid":"1900000001","appids":["wx1"],"api_v3_key":"k","certificate_serial":"AB","key_mode":"certificate"}',
  ],
  ['wechat accounts list --limit 2', 'GET /v1/wechat/pay_accounts?limit=2'],
  ['wechat accounts show wxpay_1', 'GET /v1/wechat/pay_accounts/wxpay_1'],
  [
    'wechat accounts change wxpay_1 --file -',
    'PATCH /v1/wechat/pay_accounts/wxpay_1',
    { api_v3_key: 'k' },
    '{"api_v3_key":"k"}',
  ],
  ['wechat accounts disable wxpay_1', 'POST /v1/wechat/pay_accounts/wxpay_1/disable', {}],
  [
    'wechat apps create --file -',
    'POST /v1/wechat/apps',
    { appid: 'wx1', kind: 'mini_program', secret: 's' },
    '{"appid":"wx1","kind":"mini_program","secret":"s"}',
  ],
  ['wechat apps list --all', 'GET /v1/wechat/apps'],
  ['wechat apps show wxapp_1', 'GET /v1/wechat/apps/wxapp_1'],
  [
    'wechat apps change wxapp_1 --file -',
    'PATCH /v1/wechat/apps/wxapp_1',
    { token: null },
    '{"token":null}',
  ],
  [
    'wechat codes consume --app wxapp_1 --code 123 --card p1 --reference R',
    'POST /v1/wechat/card_codes/consume',
    { app_id: 'wxapp_1', code: '123', card_id: 'p1', reference: 'R' },
  ],
  [
    'wechat cards create wxapp_1 --file -',
    'POST /v1/wechat/apps/wxapp_1/member_cards',
    {
      title: 'a',
      brand_name: 'b',
      logo_url: 'c',
      color: 'd',
      notice: 'e',
      service_phone: 'f',
      description: 'g',
      prerogative: 'h',
      quantity: 1,
      shows_balance: true,
      shows_bonus: true,
    },
    '{"title":"a","brand_name":"b","logo_url":"c","color":"d","notice":"e","service_phone":"f","description":"g","prerogative":"h","quantity":1,"shows_balance":true,"shows_bonus":true}',
  ],
  [
    'wechat cards sign wxapp_1 --card p1 --outer-str s',
    'POST /v1/wechat/apps/wxapp_1/card_parameters',
    { cards: [{ wechat_card_id: 'p1', outer_str: 's' }] },
  ],
  [
    'wechat cards accept wxapp_1 --file -',
    'POST /v1/wechat/apps/wxapp_1/card_parameters/accept',
    { cardId: 'p1', cardExt: '{}' },
    '{"cardId":"p1","cardExt":"{}"}',
  ],
  [
    'wechat cards activate wxapp_1 --card p1 --code 1 --number M1 --balance 12.50',
    'POST /v1/wechat/apps/wxapp_1/memberships/activate',
    { wechat_card_id: 'p1', code: '1', membership_number: 'M1', balance: 1_250 },
  ],
  [
    'wechat cards update wxapp_1 --card p1 --code 1 --balance 3 --balance-note paid',
    'POST /v1/wechat/apps/wxapp_1/memberships/update',
    { wechat_card_id: 'p1', code: '1', balance: 300, balance_note: 'paid' },
  ],
  [
    'wechat pages sign wxapp_1 --page https://shop.example/',
    'POST /v1/wechat/apps/wxapp_1/page_signatures',
    { url: 'https://shop.example/' },
  ],
  [
    'wechat messages send wxapp_1 --member mem_1 --template t --value thing1=x',
    'POST /v1/wechat/apps/wxapp_1/messages',
    { member_id: 'mem_1', template_id: 't', data: { thing1: 'x' } },
  ],
  ['wechat codes show ccon_1', 'GET /v1/wechat/card_codes/ccon_1'],
  ['wechat bills --day 2026-11-24 --limit 5', 'GET /v1/wechat/bills?day=2026-11-24&limit=5'],
  ['wechat shares --limit 5', 'GET /v1/wechat/shares?limit=5'],
  ['wechat shares --attention', 'GET /v1/wechat/shares?attention=true'],
  ['wechat sharing retry ord_1', 'POST /v1/wechat/shares/retry', { sale_id: 'ord_1' }],
  [
    'wechat sharing set --product prod_1 --receiver mem_1,STAFF,2',
    'POST /v1/wechat/sharing_rules',
    { product_id: 'prod_1', receivers: [{ member_id: 'mem_1', relation: 'STAFF', share_bp: 200 }] },
  ],
  ['wechat sharing list --limit 5', 'GET /v1/wechat/sharing_rules?limit=5'],
  [
    'wechat sharing set --product prod_1 --receiver 1900000109,STORE,12.5,A --receiver 1900000110,PARTNER,1,B',
    'POST /v1/wechat/sharing_rules',
    {
      product_id: 'prod_1',
      receivers: [
        { mchid: '1900000109', name: 'A', relation: 'STORE', share_bp: 1_250 },
        { mchid: '1900000110', name: 'B', relation: 'PARTNER', share_bp: 100 },
      ],
    },
  ],
  [
    'wechat sharing set --merchant merch_1 --none',
    'POST /v1/wechat/sharing_rules',
    { merchant_id: 'merch_1', receivers: [] },
  ],
  [
    'combined-payments create --amount 12.50 --merchant merch_1 --card card_1=5 --reference A-1 --app wxapp_1 --expires-in 10m',
    'POST /v1/combined_payments',
    {
      ...spent,
      sources: [{ card_id: 'card_1', amount: 500 }],
      rest: { method: 'wechat', scene: 'native', app_id: 'wxapp_1' },
      expires_in: 600,
    },
  ],
  [
    'combined-payments create --amount 12.50 --merchant merch_1 --number 9001 --reference A-1 --auth-code -',
    'POST /v1/combined_payments',
    {
      ...spent,
      sources: [{ number: '9001', secret: 'ONE' }],
      rest: { method: 'wechat', scene: 'micropay', auth_code: '130000000000000001' },
    },
    'ONE\n130000000000000001\n',
  ],
  ['combined-payments show cpay_1', 'GET /v1/combined_payments/cpay_1'],
  ['combined-payments cancel cpay_1', 'POST /v1/combined_payments/cpay_1/cancel', {}],
  [
    'combined-payments refund cpay_1 --amount 2 --reference R-1 --reason no',
    'POST /v1/combined_payments/cpay_1/refunds',
    { amount: 200, reference: 'R-1', reason: 'no' },
  ],
  ['combined-refunds show cref_1', 'GET /v1/combined_refunds/cref_1'],
  ['combined-refunds retry cref_1', 'POST /v1/combined_refunds/cref_1/retry', {}],
  [
    'combined-refunds apply-abnormal-refund cref_1 --bank-type ICBC_DEBIT --name 李四 --account -',
    'POST /v1/combined_refunds/cref_1/apply_abnormal_refund',
    { bank_type: 'ICBC_DEBIT', bank_account: '6222020200012345678', real_name: '李四' },
    '6222020200012345678\n',
  ],
  [
    'products limit prod_1 --count 1000 --per-member 2',
    'POST /v1/products/prod_1/stock',
    { count: 1_000, per_member: 2, unpaid_minutes: 15 },
  ],
  ['products stock prod_1', 'GET /v1/products/prod_1/stock'],
  [
    'campaigns red-packet camp_1 --member mem_1 --amount 8.88 --remark thanks --reference RP-1',
    'POST /v1/campaigns/camp_1/red_packets',
    { member_id: 'mem_1', amount: 888, remark: 'thanks', reference: 'RP-1' },
  ],
  ['red-packets show rp_1', 'GET /v1/red_packets/rp_1'],
  [
    'rebates list --card card_1 --campaign camp_1',
    'GET /v1/rebates?card_id=card_1&campaign_id=camp_1',
  ],
  ['rebates debt card_1', 'GET /v1/cards/card_1/rebate_debt'],
  ['vouchers list card_1', 'GET /v1/cards/card_1/vouchers'],
  ['vouchers show vchr_1', 'GET /v1/vouchers/vchr_1'],
  [
    'presales sell --campaign camp_1 --funding cash --reference P-1',
    'POST /v1/presales',
    { campaign_id: 'camp_1', funding, reference: 'P-1' },
  ],
  [
    'orders buy prod_1 --amount 100 --quantity 2 --channel till --member mem_1 --reference O-1',
    'POST /v1/orders',
    {
      kind: 'purchase',
      product_id: 'prod_1',
      amount: 10_000,
      quantity: 2,
      channel: 'till',
      member_id: 'mem_1',
      reference: 'O-1',
    },
  ],
  [
    'orders top-up card_1 --amount 500 --bonus 25 --pay-within 10',
    'POST /v1/orders',
    {
      kind: 'top_up',
      card_id: 'card_1',
      amount: 50_000,
      bonus_amount: 2_500,
      channel: 'official_account',
      pay_within_minutes: 10,
    },
  ],
  [
    'orders pay ord_1 --scene h5 --app wxapp_1 --client-ip 10.0.0.1',
    'POST /v1/orders/ord_1/pay',
    { scene: 'h5', app_id: 'wxapp_1', client_ip: '10.0.0.1' },
  ],
  [
    'orders review ord_1 --decision approve',
    'POST /v1/orders/ord_1/review',
    { decision: 'approve' },
  ],
  ['orders close ord_1', 'POST /v1/orders/ord_1/close', {}],
  ['orders unseal ord_1', 'POST /v1/orders/ord_1/unseal', {}],
  [
    'orders refund ord_1 --reason no --basis cooling_off',
    'POST /v1/orders/ord_1/refunds',
    { reason: 'no', basis: 'cooling_off' },
  ],
  [
    'orders refund ord_1 --reason twice --basis surplus',
    'POST /v1/orders/ord_1/refunds',
    { reason: 'twice', basis: 'surplus' },
  ],
  [
    'orders apply-abnormal-refund ord_1 --refund lr1 --bank-type ICBC_DEBIT --name 李四',
    'POST /v1/orders/ord_1/apply_abnormal_refund',
    {
      out_refund_no: 'lr1',
      bank_type: 'ICBC_DEBIT',
      bank_account: '6222020200012345678',
      real_name: '李四',
    },
    '6222020200012345678\n',
  ],
  ['orders show ord_1', 'GET /v1/orders/ord_1'],
  [
    'orders list --status paying --member mem_1 --reference O-1',
    'GET /v1/orders?reference=O-1&status=paying&member_id=mem_1',
  ],
  ['presales deliver psale_1', 'POST /v1/presales/psale_1/deliver', {}],
  ['presales refund psale_1', 'POST /v1/presales/psale_1/refunds', {}],
  ['presales show psale_1', 'GET /v1/presales/psale_1'],
  [
    'presales list --campaign camp_1 --status sold',
    'GET /v1/presales?campaign_id=camp_1&status=sold',
  ],
  [
    'settlements list --merchant merch_1 --status payable --day 2026-11-08',
    'GET /v1/settlements?merchant_id=merch_1&status=payable&to_day=2026-11-08',
  ],
  ['settlements show stl_1', 'GET /v1/settlements/stl_1'],
  ['settlements lines stl_1 --limit 10', 'GET /v1/settlements/stl_1/lines?limit=10'],
  ['settlements file stl_1', 'GET /v1/settlements/stl_1/file?format=csv'],
  ['settlements file stl_1 --format pdf --output -', 'GET /v1/settlements/stl_1/file?format=pdf'],
  ['settlements run --through 2026-11-08', 'POST /v1/settlements/run', { through: '2026-11-08' }],
  [
    'settlements adjust --merchant merch_1 --amount=-3.21 --reason slip --reference A-1',
    'POST /v1/settlements/adjustments',
    { merchant_id: 'merch_1', amount: -321, reason: 'slip', reference: 'A-1' },
  ],
  ['settlements approve sadj_1', 'POST /v1/settlements/adjustments/sadj_1/approve', {}],
  ['settlements reject sadj_1', 'POST /v1/settlements/adjustments/sadj_1/reject', {}],
  [
    'settlements adjustments --merchant merch_1 --status posted',
    'GET /v1/settlements/adjustments?merchant_id=merch_1&status=posted',
  ],
  ['settlements adjustment sadj_1', 'GET /v1/settlements/adjustments/sadj_1'],
  ['settlements position merch_1', 'GET /v1/merchants/merch_1/position'],
  ['settlements margins merch_1', 'GET /v1/merchants/merch_1/margins'],
  ['calendar show', 'GET /v1/calendar'],
  [
    'calendar lay-down --file -',
    'POST /v1/calendar',
    { year: 2027, off: [], work: [], reason: 'r' },
    '{"year":2027,"off":[],"work":[],"reason":"r"}',
  ],
  [
    'payout-batches create --due 2026-11-11 --reference P-1',
    'POST /v1/payout_batches',
    { pay_on: '2026-11-11', reference: 'P-1' },
  ],
  [
    'payout-batches list --status sent --reference P-1',
    'GET /v1/payout_batches?status=sent&reference=P-1',
  ],
  ['payout-batches show pbat_1', 'GET /v1/payout_batches/pbat_1'],
  ['payout-batches release pbat_1', 'POST /v1/payout_batches/pbat_1/release', {}],
  ['payout-batches cancel pbat_1', 'POST /v1/payout_batches/pbat_1/cancel', {}],
  [
    'payouts list --status failed --batch pbat_1 --settlement stl_1 --merchant merch_1 --attention',
    'GET /v1/payouts?status=failed&batch_id=pbat_1&settlement_id=stl_1&merchant_id=merch_1&attention=true',
  ],
  ['payouts show pout_1', 'GET /v1/payouts/pout_1'],
  [
    'payouts repost pout_1 --despite-attention --reference P-2',
    'POST /v1/payouts/pout_1/repost',
    { despite_attention: true, reference: 'P-2' },
  ],
  [
    'payouts outcome pout_1 --is failed --reason phoned --serial B1',
    'POST /v1/payouts/pout_1/outcome',
    { outcome: 'failed', bank_serial: 'B1', reason: 'phoned' },
  ],
  [
    `holds create ${spend.join(' ')} --card card_1 --expires-in 2h`,
    'POST /v1/holds',
    { ...spent, sources: [{ card_id: 'card_1' }], expires_in: 7200 },
  ],
  [
    `holds create ${spend.join(' ')} --card card_1 --expires-in 2h --channel mini_program`,
    'POST /v1/holds',
    { ...spent, channel: 'mini_program', sources: [{ card_id: 'card_1' }], expires_in: 7200 },
  ],
  ['holds show hold_1', 'GET /v1/holds/hold_1'],
  [
    'holds capture hold_1 --amount 60 --final',
    'POST /v1/holds/hold_1/capture',
    { amount: 6000, final: true },
  ],
  ['holds release hold_1', 'POST /v1/holds/hold_1/release', {}],
  ['imports show imp_1', 'GET /v1/imports/imp_1'],
  ['imports errors imp_1', 'GET /v1/imports/imp_1/errors'],
  ['imports reverse imp_1', 'POST /v1/imports/imp_1/reverse', {}],
  ['jobs show job_1', 'GET /v1/jobs/job_1'],
  ['jobs file job_1 --output -', 'GET /v1/jobs/job_1/file'],
  [
    'webhooks create --to https://a.example/x --event payment.*,card.issued',
    'POST /v1/webhook_endpoints',
    { url: 'https://a.example/x', events: ['payment.*', 'card.issued'] },
  ],
  ['webhooks list', 'GET /v1/webhook_endpoints'],
  ['webhooks show whep_1', 'GET /v1/webhook_endpoints/whep_1'],
  ['webhooks delete whep_1', 'DELETE /v1/webhook_endpoints/whep_1'],
  [
    'webhooks replay whep_1 --after evt_1',
    'POST /v1/webhook_endpoints/whep_1/replay',
    { after: 'evt_1' },
  ],
  [
    'webhooks replay whep_1 --after 2026-12-01',
    'POST /v1/webhook_endpoints/whep_1/replay',
    { after: '2026-11-30T16:00:00Z' },
  ],
  [
    'webhooks deliveries --endpoint whep_1 --status failed',
    'GET /v1/webhook_deliveries?endpoint_id=whep_1&status=failed',
  ],
  ['events list --type payment.* --limit 200', 'GET /v1/events?type=payment.*&limit=200'],
  ['ledger accounts --at 2026-12-01T00:00:00Z', 'GET /v1/ledger/accounts?at=2026-12-01T00:00:00Z'],
  ['ledger account acct_1', 'GET /v1/ledger/accounts/acct_1'],
  ['ledger entries --from 2026-11-01', 'GET /v1/ledger/entries?from=2026-10-31T16:00:00Z'],
  ['ledger trial-balance', 'GET /v1/ledger/trial_balance'],
  [
    'bulk - --on-error atomic',
    'POST /v1/bulk',
    { on_error: 'atomic', operations: [{ path: '/v1/cards', idempotency_key: 'k', body: {} }] },
    '[{"path":"/v1/cards","idempotency_key":"k","body":{}}]',
  ],
  ['test clock --advance 30d', 'POST /v1/test/clock', { advance_seconds: 2_592_000 }],
  [
    'test clock --set 2027-12-31T15:59:59Z',
    'POST /v1/test/clock',
    { set_at: '2027-12-31T15:59:59Z' },
  ],
  ['test reset', 'DELETE /v1/test/clock'],
  ['test wipe --yes', 'DELETE /v1/test/data'],
  ['openapi', 'GET /openapi.json'],
]

describe('every command sends what the interface documents', () => {
  for (const [typed, line, body, input] of commands) {
    test(`lika ${typed}`, async () => {
      if (line.startsWith('DELETE')) stub.expect({ status: 204 })
      const run = await lika(typed.split(' '), input === undefined ? {} : { input })
      assert.deepEqual({ code: run.code, broken: stub.broken }, { code: 0, broken: [] }, run.err)
      const seen = only()
      const [path = '', query = ''] = line.split('?')
      assert.equal(seen.line, path)
      assert.deepEqual(seen.query, Object.fromEntries(new URLSearchParams(query)))
      assert.deepEqual(seen.body, body)
    })
  }
})

describe('paying', () => {
  const paid = {
    id: 'pay_1',
    status: 'succeeded',
    amount: 1250,
    refunded_amount: 0,
    allocations: [
      { card_id: 'card_1', sub_balance: 'principal', amount: 1250, balance_after: 8750 },
    ],
    receipt_number: '000123',
    created_at: '2026-11-24T10:00:00.000Z',
  }

  test('sources keep the order in which they are typed; secrets come line by line from stdin', async () => {
    stub.expect({ status: 201, body: paid })
    const args = [
      '--number',
      '9001=5',
      '--card',
      'card_1=4',
      '--number',
      '9002=2',
      '--pay-code',
      '-=1.5',
    ]
    const run = await lika(['payments', 'create', ...spend, ...args], { input: 'ONE\nTWO\n9123\n' })
    assert.equal(run.code, 0, run.err)
    assert.deepEqual(only().body, {
      ...spent,
      sources: [
        { number: '9001', secret: 'ONE', amount: 500 },
        { card_id: 'card_1', amount: 400 },
        { number: '9002', secret: 'TWO', amount: 200 },
        { pay_code: '9123', amount: 150 },
      ],
    })
    assert.deepEqual(stub.broken, [])
  })

  test('the answer is a table in yuan and Shanghai time', async () => {
    stub.expect({ status: 201, body: paid })
    const run = await lika([
      'payments',
      'create',
      ...spend,
      '--card',
      'card_1',
      '--store',
      'store_1',
    ])
    assert.deepEqual(run.out.split('\n'), [
      'id               pay_1',
      'status           succeeded',
      'amount           12.50',
      'refunded_amount  0.00',
      'receipt_number   000123',
      'created_at       2026-11-24 18:00:00+08:00',
      '',
      'allocations:',
      'card_id  sub_balance  amount  balance_after',
      'card_1   principal     12.50          87.50',
      '',
    ])
  })

  test('--json prints the body of the server as it is, in fen', async () => {
    const body = '{"id": "pay_1",  "amount": 1250}'
    stub.expect({ status: 201, body })
    const run = await lika(['payments', 'create', ...spend, '--card', 'card_1', '--json'])
    assert.equal(run.out, `${body}\n`)
  })

  test('a dry run and a deadline are sent along', async () => {
    const args = ['--dry-run', '--not-after', '2026-11-24T10:00:00Z', '--card', 'card_1']
    await lika(['payments', 'create', ...spend, ...args])
    assert.deepEqual(only().body, {
      ...spent,
      sources: [{ card_id: 'card_1' }],
      dry_run: true,
      not_after: '2026-11-24T10:00:00Z',
    })
  })
})

describe('exit code 1: refused or not in order', () => {
  test('a refusal is one sentence on stderr; with --json its body is on stdout', async () => {
    const extra = {
      allowed: { min: 100, max: 100000 },
      policy: { pack: 'cn-national', rule: 'card_limit_anonymous_fen', article: '18' },
    }
    const refused = problem(422, 'policy.card_limit', extra)
    stub.expect(refused, refused)
    const args = ['cards', 'issue', '--product', 'prod_1', '--amount', '2000', '--funding', 'cash']
    const run = await lika(args)
    assert.equal(run.code, 1)
    assert.equal(run.out, '')
    assert.equal(
      run.err,
      'Refused: The balance would exceed what the policy allows on a card (policy.card_limit, 422) Why.; ' +
        'allowed 1.00–1000.00 yuan; policy cn-national/card_limit_anonymous_fen, article 18; request req_7\n',
    )
    const json = await lika([...args, '--json'])
    assert.equal(json.code, 1)
    assert.deepEqual(JSON.parse(json.out), refused.body)
  })

  test('Chinese comes first where no language is chosen', async () => {
    stub.expect(problem(409, 'card.frozen'))
    const run = await lika(['payments', 'cancel', 'pay_1'], { env: { LIKA_LANG: undefined } })
    assert.match(
      run.err,
      /^被拒绝 Refused: 卡已冻结 The card is frozen \(card\.frozen, 409\) Why\.; 请求号 request req_7\n$/,
    )
  })

  test('wechat doctor shows every step, and what to do about those that fail', async () => {
    const good = { step: 'reach', ok: true, problem: null, advice: null }
    const bad = { step: 'app wx1', ok: false, problem: 'It is not bound.', advice: 'Bind it.' }
    const one = { kind: 'pay_account', id: 'wxpay_1', name: '1900000001', ok: false }
    stub.expect({ body: { ok: false, data: [{ ...one, steps: [good, bad] }] } })
    const run = await lika(['wechat', 'doctor', '--pay-account', 'wxpay_1'])
    assert.equal(run.code, 1)
    assert.deepEqual(only().body, { pay_account_id: 'wxpay_1' })
    assert.equal(
      run.out,
      [
        'WeChat Pay account 1900000001 (wxpay_1)',
        '  ✓ reach',
        '  ✗ app wx1',
        '      It is not bound.',
        '      → Bind it.',
        '',
      ].join('\n'),
    )
    assert.match(run.err, /1 things are wrong/)
    stub.expect({ body: { ok: true, data: [{ ...one, ok: true, steps: [good] }] } })
    const fine = await lika(['wechat', 'doctor'], { env: { LIKA_LANG: 'zh' } })
    assert.equal(fine.code, 0)
    assert.match(fine.out, /✓ 网络/)
  })

  test('books verify says what it checked, and names the first row that is wrong', async () => {
    const checked = { accounts: 12, transfers: 40 }
    stub.expect({ body: { ok: true, checked, first_wrong: null } })
    const right = await lika(['books', 'verify'])
    assert.deepEqual(
      [right.code, right.out],
      [0, 'Checked\n  accounts: 12\n  transfers: 40\nThe books are in order.\n'],
    )
    assert.deepEqual(only().body, {})
    stub.expect({
      body: {
        ok: false,
        checked,
        first_wrong: {
          table: 'account',
          lane: 3,
          key: "id = 'x'",
          column: 'balance',
          why: 'It is 1 where the journal leads to 2.',
        },
      },
    })
    const wrong = await lika(['books', 'verify'])
    assert.equal(wrong.code, 1)
    assert.equal(
      wrong.err,
      "The books are wrong, first at account, lane 3, id = 'x', balance: It is 1 where the journal leads to 2.\n",
    )
    assert.deepEqual(stub.broken, [])
  })

  test('jobs wait asks until the end, and a failed job counts as refused', async () => {
    stub.expect(
      { body: job },
      { body: { ...job, status: 'running', done: 3 } },
      { body: { ...job, status: 'succeeded', done: 5 } },
    )
    const done = await lika(['jobs', 'wait', 'job_1'])
    assert.deepEqual([done.code, stub.seen.length], [0, 3])
    assert.match(done.out, /status\s+succeeded/)
    stub.expect(
      { body: job },
      {
        body: {
          ...job,
          status: 'failed',
          error: { code: 'job.broken', detail: 'The disk is full.' },
        },
      },
    )
    const failed = await lika(['jobs', 'wait', 'job_1', '--json'])
    assert.equal(failed.code, 1)
    assert.match(failed.out, /The disk is full/)
    stub.expect({ body: job })
    assert.equal((await lika(['jobs', 'wait', 'job_1', '--for', '0'])).code, 1)
  })

  test('--wait follows the job that a batch starts', async () => {
    stub.expect(
      { status: 202, body: job },
      { body: { ...job, status: 'succeeded', result: { batch_id: 'batch_1' } } },
    )
    const run = await lika(
      'cards batch --product prod_1 --amount 1 --count 5 --funding none --wait'.split(' '),
    )
    assert.deepEqual(
      stub.seen.map((seen) => seen.line),
      ['POST /v1/cards/batches', 'GET /v1/jobs/job_1'],
    )
    assert.match(run.out, /batch_1/)
  })

  test('status: well, not ready', async () => {
    stub.expect({ body: { status: 'ok' } }, { body: { status: 'ready', checks: ['lanes'] } })
    const well = await lika(['status'], { env: { LIKA_API_KEY: undefined } })
    assert.deepEqual(
      [well.code, stub.seen.map((seen) => seen.line)],
      [0, ['GET /healthz', 'GET /readyz']],
    )
    const checks = [{ name: 'lanes', detail: 'Lane 3 is stuck.' }]
    stub.expect({ body: { status: 'ok' } }, problem(503, 'busy', { checks }))
    const ill = await lika(['status'])
    assert.equal(ill.code, 1)
    assert.match(ill.out, /^\/readyz 503\n {2}lanes: Lane 3 is stuck\.\n$/m)
  })

  test('a bulk in which something was refused', async () => {
    stub.expect({
      body: {
        results: [
          { status: 201, body: { id: 'card_1' } },
          { status: 409, body: { code: 'card.frozen' } },
        ],
      },
    })
    const run = await lika(['bulk', '-'], { input: '[]' })
    assert.equal(run.code, 1)
    assert.match(run.out, /409.*card\.frozen/)
    assert.equal(run.err, 'Refused: 1 of 2 operations.\n')
  })
})

describe('tables', () => {
  test('an entry of the ledger is a row for each of its transfers, in yuan', async () => {
    const side = (name: string) => ({ [`${name}_account`]: `acct_${name}`, [`${name}_kind`]: name })
    const transfers = [125_000, 5].map((amount) => ({
      ...side('debit'),
      ...side('credit'),
      amount,
    }))
    const entry = { id: 'ent_1', lane: 1, seq: 1, at: '2026-11-24T10:00:00Z', kind: 'card.issued' }
    stub.expect({ body: { data: [{ ...entry, currency: 'CNY', transfers }], next_cursor: null } })
    const run = await lika(['ledger', 'entries'])
    assert.match(run.out, /^ent_1 .*card\.issued .*acct_debit .*acct_credit +1250\.00$/m)
    assert.match(run.out, /^ent_1 .* 0\.05$/m)
  })

  test('cards that a split makes stand below each other', async () => {
    const balance = { available: 3000, held: 0, principal: 3000, bonus: 0 }
    stub.expect({ status: 201, body: { cards: [{ id: 'card_2', number_last4: '0018', balance }] } })
    const run = await lika(['cards', 'split', 'card_1', '--amount', '30'])
    assert.match(run.out, /^id .*\ncard_2 .*30\.00 +0\.00/)
  })

  test('what is left of a scarce product is pieces, not money', async () => {
    const stock = { product_id: 'prod_1', count: 1000, reserved: 3, sold: 90, left: 907 }
    stub.expect({ body: stock })
    const { out } = await lika(['products', 'stock', 'prod_1'])
    assert.match(out, /stock · left +907\n/)
  })

  test('a dry run says that it was one', async () => {
    const run = await lika(['payments', 'create', ...spend, '--card', 'card_1', '--dry-run'])
    assert.equal(run.err, 'Only a dry run: nothing was taken.\n')
  })

  test('a job that rejected rows, or has a file, says where they are', async () => {
    const result = { import_id: 'imp_1', accepted: 1, rejected: 2, total_amount: 5000 }
    stub.expect({ body: { ...job, kind: 'import', status: 'succeeded', result } })
    assert.match((await lika(['jobs', 'wait', 'job_1'])).err, /lika imports errors imp_1/)
    stub.expect({ body: { ...job, status: 'succeeded', result: { issued: 5, file: true } } })
    assert.match((await lika(['jobs', 'wait', 'job_1'])).err, /lika jobs file job_1/)
  })

  test('an event is one line, amounts in yuan', async () => {
    const created_at = '2026-11-24T10:00:00.000Z'
    const data = { card_id: 'card_1', batch_id: null, balance: { available: 10_000 }, events: [] }
    const event = { id: 'evt_1', type: 'card.issued', created_at, lane: 1, seq: 7, data }
    stub.expect(
      { body: { data: [event], next_cursor: 'c1' } },
      { body: { data: [], next_cursor: 'c1' } },
    )
    assert.equal(
      (await lika(['events', 'follow', '--once'])).out,
      'evt_1  card.issued  2026-11-24 18:00:00+08:00  1  7  card_id=card_1  balance.available=100.00\n',
    )
  })
})

describe('exit code 2: usage', () => {
  const wrong = [
    'cards freeze card_1 --why lost',
    'cards melt card_1',
    'cards freeze',
    'cards freeze card_1',
    'cards show ../issuers',
    'cards load card_1 --amount 12.345 --funding cash',
    'cards list --status gone',
    'cards lookup --number 9000 --secret K7QW',
    'cards lookup --number 9000',
    'payments create --amount 5 --merchant merch_1 --reference A-1',
    'payments create --amount 5 --merchant merch_1 --card card_1',
    'payments refund pay_1 --amount 5',
    'payments list --limit 201',
    'holds create --amount 5 --merchant merch_1 --card card_1 --reference H-1',
    'cards activate card_1',
    'combined-payments create --amount 5 --merchant merch_1 --reference A-1',
    'wechat sharing set --product prod_1',
    'wechat sharing set --receiver 1900000109,STORE,1,A',
    'wechat sharing set --product prod_1 --receiver 1900000109,STORE,1',
    'issuers create --name A --legal-name B',
    'keys create --name A --owner B',
    'webhooks replay whep_1 --after yesterday',
    'products create --name A --kind gift --face 5',
    'products create --name A --kind gift --validity-months 36',
    'products create --name A --kind gift --face 5 --face-range 1..2 --no-expiry',
    'test clock',
    'test wipe',
    'imports create no-such-file.csv --product prod_1',
    'cards show card_1 --url not-a-url',
    '',
  ]
  for (const typed of wrong) {
    test(`lika ${typed}`, async () => {
      const run = await lika(typed.split(' ').filter((word) => word !== ''))
      assert.equal(run.code, 2, run.err)
      assert.deepEqual([run.out, stub.seen.length], ['', 0])
      assert.notEqual(run.err, '')
    })
  }

  test('no key anywhere', async () => {
    const run = await lika(['cards', 'list'], { env: { LIKA_API_KEY: undefined } })
    assert.equal(run.code, 2)
    assert.match(run.err, /set LIKA_API_KEY/)
  })

  test('help is no mistake', async () => {
    const run = await lika(['payments', 'create', '--help'])
    assert.equal(run.code, 0)
    assert.match(run.out, /--pay-code/)
  })
})

describe('exit code 3: unreachable', () => {
  test('nobody listens', async () => {
    const gone = new Stub()
    await gone.start()
    gone.stop()
    const run = await lika(['status', '--url', gone.url])
    assert.equal(run.code, 3)
    assert.match(run.err, /^Unreachable: http:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  })

  test('something answers that is not Lika', async () => {
    stub.expect({
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Bad gateway</h1>',
    })
    assert.equal((await lika(['cards', 'show', 'card_1'])).code, 3)
    stub.expect({ status: 302, headers: { location: 'https://elsewhere.example/' }, body: '' })
    assert.equal((await lika(['cards', 'show', 'card_1'])).code, 3)
  })

  test('the connection breaks on a write that carries no key: it is sent once', async () => {
    stub.expect({ cut: true })
    const run = await lika(['products', 'publish', 'prod_1'])
    assert.deepEqual([run.code, stub.seen.length], [3, 1])
  })
})

describe('repeats', () => {
  const keys = () => stub.seen.map((seen) => seen.headers['idempotency-key'])

  test('a write is repeated with the same key after 503 and after a broken connection', async () => {
    stub.expect(
      problem(503, 'busy', {}, { 'retry-after': '0' }),
      { cut: true },
      { status: 201, body: { id: 'card_9' } },
    )
    const run = await lika(['cards', 'replace', 'card_1', '--verbose'])
    assert.equal(run.code, 0, run.err)
    assert.equal(stub.seen.length, 3)
    assert.equal(new Set(keys()).size, 1)
    assert.ok(run.err.includes(`Idempotency-Key: ${String(keys()[0])}\n`))
  })

  test('each run has a key of its own, unless --key names one', async () => {
    await lika(['cards', 'replace', 'card_1'])
    await lika(['cards', 'replace', 'card_1'])
    await lika(['cards', 'replace', 'card_1', '--key', 'mine-1'])
    assert.equal(new Set(keys()).size, 3)
    assert.equal(keys()[2], 'mine-1')
  })

  test('a server that asks for more patience than there is: refused, and how to repeat it safely', async () => {
    stub.expect(problem(503, 'busy', {}, { 'retry-after': '3600' }))
    const run = await lika(['cards', 'replace', 'card_1', '--key', 'mine-2'])
    assert.deepEqual([run.code, stub.seen.length], [1, 1])
    assert.match(run.err, /run it again with --key mine-2/)
    assert.match(run.err, /may be repeated after 3600 s/)
  })

  test('an answer from an earlier run is said to be one', async () => {
    stub.expect({ headers: { 'idempotent-replayed': 'true' } })
    const run = await lika(['cards', 'replace', 'card_1', '--key', 'mine-3'])
    assert.match(run.err, /This key was used before/)
  })
})

describe('keys and secrets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lika-cli-data-'))
  const env = { LIKA_API_KEY: undefined, LIKA_DATA: folder }
  const bearer = () => only().headers.authorization
  writeFileSync(join(folder, 'operator.key'), 'lika_operator_1\n', { mode: 0o600 })
  writeFileSync(join(folder, 'demo.json'), '{"api_key":"lika_test_demo"}', { mode: 0o600 })
  after(() => rmSync(folder, { recursive: true }))

  test("the operator's commands use operator.key of LIKA_DATA", async () => {
    await lika(['issuers', 'create', '--name', 'A', '--legal-name', 'B', '--pack', 'open'], { env })
    assert.equal(bearer(), 'Bearer lika_operator_1')
    stub.expect()
    await lika(['books', 'verify', '--since-verified-cut'], { env })
    assert.equal(bearer(), 'Bearer lika_operator_1')
    assert.deepEqual(only().query, { since: 'verified_cut' })
    stub.expect()
    await lika('keys create --issuer iss_1 --name A --owner B --all-scopes'.split(' '), { env })
    assert.equal(bearer(), 'Bearer lika_operator_1')
    const { scopes, issuer_id } = only().body as { scopes: string[]; issuer_id: string }
    assert.deepEqual([issuer_id, scopes.includes('cards:reveal')], ['iss_1', true])
  })

  test("the others use the demo issuer's key and say so; LIKA_API_KEY comes first", async () => {
    const run = await lika(['cards', 'list'], { env })
    assert.equal(bearer(), 'Bearer lika_test_demo')
    assert.match(run.err, /using the test key of the demo issuer/)
    stub.expect()
    await lika(['cards', 'list'], { env: { LIKA_DATA: folder } })
    assert.equal(bearer(), 'Bearer lika_test_key')
  })

  test('--save writes a secret that is shown once into a file for its owner only', async () => {
    stub.expect({ status: 201, body: { id: 'key_1', secret: 'lika_test_s3cr3t', last4: 'cr3t' } })
    const file = join(folder, 'till.key')
    const args = [
      'keys',
      'create',
      '--name',
      'A',
      '--owner',
      'B',
      '--scope',
      'cards:read',
      '--save',
      file,
    ]
    const run = await lika(args)
    assert.equal(run.code, 0, run.err)
    assert.equal(`${run.out}${run.err}`.includes('s3cr3t'), false)
    assert.equal(readFileSync(file, 'utf8'), 'lika_test_s3cr3t\n')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    stub.expect()
    assert.equal((await lika(args)).code, 2)
    assert.equal(stub.seen.length, 0)
  })
})

describe('lists and files', () => {
  test('a page says how to go on; --all goes on by itself', async () => {
    const page = (id: string, next_cursor: string | null) => ({
      body: { data: [{ id, name: 'A' }], next_cursor },
    })
    stub.expect(page('merch_1', 'abc'))
    assert.match((await lika(['merchants', 'list', '--limit', '1'])).err, /--cursor abc/)
    assert.deepEqual(only().query, { limit: '1' })
    stub.expect(page('merch_1', 'abc'), page('merch_2', null))
    const all = await lika(['merchants', 'list', '--all'])
    assert.deepEqual(
      stub.seen.map((seen) => seen.query),
      [{}, { cursor: 'abc' }],
    )
    assert.match(all.out, /merch_1[\s\S]*merch_2/)
  })

  test('events follow goes on behind the last cursor', async () => {
    const event = (seq: number) => ({
      id: `evt_${seq}`,
      type: 'card.issued',
      created_at: '2026-11-24T10:00:00.000Z',
      lane: 1,
      seq,
      data: {},
    })
    stub.expect(
      { body: { data: [event(1), event(2)], next_cursor: 'c2' } },
      { body: { data: [], next_cursor: 'c2' } },
    )
    const run = await lika(['events', 'follow', '--once', '--json'])
    assert.deepEqual(
      run.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
      [1, 2],
    )
    assert.deepEqual(
      stub.seen.map((seen) => seen.query['cursor']),
      [undefined, 'c2'],
    )
    assert.deepEqual(stub.broken, [])
  })

  test('a file is written byte by byte into a new file, never over an old one', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128])
    stub.expect({ headers: { 'content-type': 'application/octet-stream' }, body: bytes })
    const file = join(data, 'print.age')
    assert.equal((await lika(['jobs', 'file', 'job_1', '--output', file])).code, 0)
    assert.deepEqual(readFileSync(file), bytes)
    stub.expect()
    assert.equal((await lika(['jobs', 'file', 'job_1', '--output', file])).code, 2)
    assert.equal(stub.seen.length, 0)
    stub.expect(problem(409, 'job.not_ready'))
    const none = join(data, 'none.age')
    assert.equal((await lika(['jobs', 'file', 'job_1', '--output', none])).code, 1)
    assert.equal(existsSync(none), false)
  })

  test('a statement as CSV is asked for as CSV and passed through', async () => {
    stub.expect({ headers: { 'content-type': 'text/csv' }, body: 'id,amount\r\n1,5\r\n' })
    const run = await lika(['cards', 'statement', 'card_1', '--csv'])
    assert.deepEqual([run.out, only().headers.accept], ['id,amount\r\n1,5\r\n', 'text/csv'])
  })

  test('an import is a multipart form: fields first, then the file as it is', async () => {
    stub.expect({ status: 202, body: job })
    const file = join(data, 'cards.csv')
    writeFileSync(file, Buffer.from([0xbf, 0xa8, 0xba, 0xc5, 10]))
    const run = await lika([
      'imports',
      'create',
      file,
      '--product',
      'prod_1',
      '--encoding',
      'gbk',
      '--dry-run',
    ])
    assert.equal(run.code, 0, run.err)
    const { line, text } = only()
    assert.equal(line, 'POST /v1/imports')
    assert.match(
      text,
      /name="product_id"\r\n\r\nprod_1\r\n[\s\S]*name="encoding"\r\n\r\ngbk\r\n[\s\S]*name="dry_run"\r\n\r\ntrue\r\n[\s\S]*name="file"; filename="cards.csv"/,
    )
    assert.deepEqual(stub.broken, [])
  })
})

describe('the launcher', () => {
  const bin = join(root, 'cli', 'bin', 'lika.mjs')

  test('may be executed, and passes arguments and exit codes on', async () => {
    assert.equal(statSync(bin).mode & 0o111, 0o111)
    assert.equal((await lika(['cards', 'show', 'card_1'], { bin })).code, 0)
    assert.equal(only().line, 'GET /v1/cards/card_1')
    assert.equal((await lika(['cards', 'melt'], { bin })).code, 2)
  })

  test('finds its checkout through the link that npm makes', async () => {
    const link = join(dirname(bin), '..', '..', 'node_modules', '.bin', 'lika')
    assert.equal((await lika(['--help'], { bin: link })).code, 0)
  })
})

test('every documented route has a command', () => {
  const missing = routes.map((route) => route.name).filter((name) => !stub.reached.has(name))
  assert.deepEqual(missing, [])
})
