-- How merchants come to take cards, the contracts under which they are paid, and where and when products are taken.

alter table lika.merchant
  -- own: the issuer's; what it takes is the issuer's sales and never paid out.
  add column ownership text not null default 'partner',
  -- Who was there before took payments, and still does.
  add column status text not null default 'approved',
  -- Counts the deeds of the merchant; the later status is the one with the higher number.
  add column status_version int not null default 0,
  -- The database's clock, so that other servers find what changed a moment ago; null: never.
  add column status_changed_at timestamptz,
  -- Where its payable is kept; never changed.
  add column settlement_lane int,
  add constraint ck_merchant_ownership check (ownership in ('own', 'partner')),
  add constraint ck_merchant_status check (
    status in ('draft', 'submitted', 'approved', 'rejected', 'suspended')
  );

-- As settlementLaneOf does for new ones: by random digits of the id, over the lanes of its pool.
update lika.merchant
set settlement_lane = pools.lanes[
    1 + mod(('x' || substr(merchant.id::text, 25, 8))::bit(32)::bigint, cardinality(pools.lanes))
  ]
from (select pool, array_agg(lane order by lane) as lanes from lika.lane group by pool) as pools
where pools.pool = case ('x' || right(merchant.book_id::text, 4))::bit(16)::int >> 10
  when 1 then 'test'
  else 'live'
end;
alter table lika.merchant
  alter column settlement_lane set not null,
  add constraint ck_merchant_settlement_lane check (settlement_lane between 1 and 999);
create index merchant_by_change on lika.merchant (status_changed_at) where status_changed_at is not null;
grant update (status, status_version, status_changed_at) on lika.merchant to lika_app;

create table lika.merchant_deed (
  merchant_id uuid not null,
  -- The status_version that it brought.
  number int not null,
  book_id uuid not null,
  action text not null,
  status text not null,
  reason text,
  -- Who: the key and, in words, its owner.
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  constraint pk_merchant_deed primary key (merchant_id, number),
  constraint fk_merchant_deed_merchant foreign key (merchant_id) references lika.merchant (id),
  constraint ck_merchant_deed_number check (number > 0),
  constraint ck_merchant_deed_action check (
    action in ('created', 'drafted', 'changed', 'submitted', 'approved', 'rejected', 'suspended', 'resumed')
  )
);
comment on table lika.merchant_deed is 'What was done to the standing of merchants, by whom and why; never changed.';
grant select, insert on lika.merchant_deed to lika_app;

create table lika.merchant_application (
  merchant_id uuid not null,
  -- The deed that brought it: the last one holds.
  number int not null,
  book_id uuid not null,
  legal_name text not null,
  credit_code text not null,
  -- The contact, encrypted under a key of its own.
  contact_key bytea not null,
  contact bytea not null,
  -- [{kind, name, digest, expires_on}]
  documents jsonb not null,
  constraint pk_merchant_application primary key (merchant_id, number),
  constraint fk_merchant_application_deed foreign key (merchant_id, number)
    references lika.merchant_deed (merchant_id, number),
  constraint ck_merchant_application_credit_code check (credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$')
);
comment on table lika.merchant_application is 'What merchants said and showed of themselves to be let in; never changed.';
grant select, insert on lika.merchant_application to lika_app;

create table lika.merchant_document (
  id uuid not null,
  merchant_id uuid not null,
  book_id uuid not null,
  kind text not null,
  name text not null,
  media_type text not null,
  -- SHA-256 of the file: by it an application names it.
  digest bytea not null,
  size int not null,
  -- The file, encrypted under a key of its own.
  document_key bytea not null,
  document bytea not null,
  key_id uuid not null,
  owner text not null,
  created_at timestamptz not null,
  constraint pk_merchant_document primary key (id),
  constraint uq_merchant_document_digest unique (merchant_id, digest),
  constraint fk_merchant_document_merchant foreign key (merchant_id) references lika.merchant (id),
  constraint ck_merchant_document_digest check (length(digest) = 32),
  constraint ck_merchant_document_size check (size > 0)
);
comment on table lika.merchant_document is 'Files that merchants showed of themselves; never changed.';
grant select, insert on lika.merchant_document to lika_app;

create table lika.coverage_list (
  book_id uuid not null,
  -- In which an issuer means to have stores, in its own order.
  districts text[] not null,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  constraint pk_coverage_list primary key (book_id)
);
comment on table lika.coverage_list is 'Districts that issuers mean to cover: those without a store are gaps.';
grant select, insert, update on lika.coverage_list to lika_app;

create table lika.contract (
  id uuid not null,
  merchant_id uuid not null,
  -- Counts from 1 for its merchant. Of those that are approved the one that began last is in force.
  version int not null,
  book_id uuid not null,
  valid_from date not null,
  class text not null,
  -- What the class asks for, as it was when it was proposed: {monthlyVolumeFen, stores, ratingTenths}
  class_facts jsonb not null,
  -- One tier from 0 where it is flat.
  commission text not null,
  tier_from bigint[] not null,
  tier_bp int[] not null,
  cycle text not null,
  cycle_days int,
  pay_after_business_days int not null,
  margin_bp int,
  margin_release_days int,
  -- Empty: all is the merchant's own.
  split_merchants uuid[] not null,
  split_bp int[] not null,
  bonus_share_bp int not null,
  voucher_share_bp int not null,
  -- Sealed together: names of bank and account, codes and number; null: none was given.
  payout_account bytea,
  payout_last4 text,
  reference text,
  metadata jsonb not null,
  idempotency_key text not null,
  -- Keyed digest of what the caller sent.
  fingerprint bytea not null,
  key_id uuid not null,
  owner text not null,
  proposed_at timestamptz not null,
  constraint pk_contract primary key (id),
  constraint uq_contract_version unique (merchant_id, version),
  constraint uq_contract_key unique (book_id, idempotency_key),
  constraint uq_contract_reference unique (book_id, reference),
  constraint fk_contract_merchant foreign key (merchant_id) references lika.merchant (id),
  constraint ck_contract_version check (version > 0),
  constraint ck_contract_class check (class in ('ecommerce', 'chain', 'local', 'none')),
  constraint ck_contract_commission check (commission in ('flat', 'whole', 'marginal')),
  constraint ck_contract_tiers check (
    cardinality(tier_from) = cardinality(tier_bp)
    and tier_from[1] = 0
    and 0 <= all (tier_bp) and 10000 >= all (tier_bp)
    and (commission <> 'flat' or cardinality(tier_from) = 1)
  ),
  constraint ck_contract_cycle check (cycle in ('t_plus', 'weekly', 'half_month', 'month')),
  constraint ck_contract_cycle_days check ((cycle = 't_plus') = (cycle_days is not null)),
  constraint ck_contract_pay_after check (pay_after_business_days between 1 and 60),
  constraint ck_contract_margin check (
    (margin_bp is null) = (margin_release_days is null)
    and margin_bp between 1 and 10000
    and margin_release_days between 1 and 730
  ),
  constraint ck_contract_split check (
    cardinality(split_merchants) = cardinality(split_bp) and 0 < all (split_bp)
  ),
  constraint ck_contract_shares check (
    bonus_share_bp between 0 and 10000 and voucher_share_bp between 0 and 10000
  ),
  constraint ck_contract_payout check ((payout_account is null) = (payout_last4 is null))
);
create index contract_by_book on lika.contract (book_id, id);
comment on table lika.contract is 'Contracts with merchants, as they were proposed; never changed.';
grant select, insert on lika.contract to lika_app;

create table lika.contract_decision (
  contract_id uuid not null,
  book_id uuid not null,
  decision text not null,
  reason text,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  constraint pk_contract_decision primary key (contract_id),
  constraint fk_contract_decision_contract foreign key (contract_id) references lika.contract (id),
  constraint ck_contract_decision_decision check (decision in ('approved', 'rejected'))
);
comment on table lika.contract_decision is 'What a second person said of a contract that was proposed; never changed.';
grant select, insert on lika.contract_decision to lika_app;

-- Where and when a product is taken, beside merchants, stores and categories.
alter table lika.product_version
  -- closed: by the issuer's own merchants; alliance: by partners; mixed: by both.
  add column model text not null default 'mixed',
  -- Empty: whatever the channel.
  add column channels text[] not null default '{}',
  -- [{days: [1 … 7, from Monday], from: "HH:MM", to: "HH:MM"}] in Shanghai; empty: at any time.
  add column hours jsonb not null default '[]',
  -- Of a payment, in fen; null: from the first fen.
  add column min_amount bigint,
  add constraint ck_product_version_model check (model in ('closed', 'alliance', 'mixed')),
  add constraint ck_product_version_channels check (channels <@ array['in_store', 'online', 'mini_program']),
  add constraint ck_product_version_min_amount check (min_amount > 0);

-- How the buyer came to the till; null: nobody said.
alter table lika.payment
  add column channel text,
  add constraint ck_payment_channel check (channel in ('in_store', 'online', 'mini_program'));
alter table lika.payment_hold
  add column channel text,
  add constraint ck_payment_hold_channel check (channel in ('in_store', 'online', 'mini_program'));
