-- Issuers, keys, products and merchants: small tables that every lane reads.

create table lika.issuer (
  id uuid not null,
  name text not null,
  legal_name text not null,
  -- Names of policy packs; empty: the default pack.
  packs text[] not null,
  -- Four digits in the numbers of its cards.
  number_prefix text not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  constraint pk_issuer primary key (id),
  constraint uq_issuer_number_prefix unique (number_prefix),
  constraint uq_issuer_reference unique (reference),
  constraint ck_issuer_number_prefix check (number_prefix ~ '^[0-9]{4}$')
);
comment on table lika.issuer is 'Companies that issue cards; each has a book in test and one in live mode.';
grant select, insert on lika.issuer to lika_app;

create table lika.api_key (
  id uuid not null,
  book_id uuid not null,
  -- SHA-256 of the token; the token itself is shown once and kept nowhere.
  digest bytea not null,
  last4 text not null,
  name text not null,
  owner text not null,
  scopes text[] not null,
  reference text,
  metadata jsonb not null,
  -- Real time in both modes.
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint pk_api_key primary key (id),
  constraint uq_api_key_digest unique (digest),
  constraint uq_api_key_reference unique (book_id, reference),
  constraint ck_api_key_digest check (length(digest) = 32),
  constraint ck_api_key_last4 check (length(last4) = 4)
);
create index api_key_by_book on lika.api_key (book_id, id);
comment on table lika.api_key is 'Keys of issuers to one of their books, hashed.';
grant select, insert, update on lika.api_key to lika_app;

create table lika.operator_key (
  digest bytea not null,
  created_at timestamptz not null default now(),
  constraint pk_operator_key primary key (digest),
  constraint ck_operator_key_digest check (length(digest) = 32)
);
comment on table lika.operator_key is 'Digests of the keys in the operator.key files of the servers on this database.';
grant select, insert on lika.operator_key to lika_app;

create table lika.product (
  id uuid not null,
  book_id uuid not null,
  -- The latest version; of a published product it is the one that is sold.
  version int not null,
  status text not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  constraint pk_product primary key (id),
  constraint uq_product_reference unique (book_id, reference),
  constraint ck_product_version check (version > 0),
  constraint ck_product_status check (status in ('draft', 'published'))
);
create index product_by_book on lika.product (book_id, id);
comment on table lika.product is 'Card products; their terms lie in versions.';
grant select, insert, update on lika.product to lika_app;

create table lika.product_version (
  product_id uuid not null,
  version int not null,
  book_id uuid not null,
  name text not null,
  kind text not null,
  registered boolean not null,
  carrier text not null,
  -- Allowed face values in fen; null: any within the range.
  faces bigint[],
  face_min bigint,
  face_max bigint,
  validity_months int,
  -- By how much a card is prolonged by itself when its time is over; null: not at all.
  renewal_months int,
  reloadable boolean not null,
  -- Where its cards are taken; all three empty: everywhere.
  merchants uuid[] not null,
  stores uuid[] not null,
  categories text[] not null,
  consume_order text[] not null,
  created_at timestamptz not null,
  constraint pk_product_version primary key (product_id, version),
  constraint ck_product_version_version check (version > 0),
  constraint ck_product_version_kind check (kind in ('gift', 'stored_value', 'membership')),
  constraint ck_product_version_carrier check (carrier in ('virtual', 'physical')),
  constraint ck_product_version_faces check (cardinality(faces) > 0 and 0 < all (faces)),
  constraint ck_product_version_range check (face_min between 1 and face_max),
  constraint ck_product_version_amount check ((faces is null) = (face_min is not null and face_max is not null)),
  constraint ck_product_version_validity check (validity_months > 0),
  constraint ck_product_version_renewal check (
    renewal_months is null or (renewal_months > 0 and validity_months is not null)
  ),
  constraint ck_product_version_consume_order check (
    cardinality(consume_order) = 2 and consume_order @> array['bonus', 'principal']
  )
);
comment on table lika.product_version is 'Terms of products; never changed, so that what was sold keeps its terms.';
grant select, insert on lika.product_version to lika_app;

create table lika.merchant (
  id uuid not null,
  book_id uuid not null,
  name text not null,
  category text not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  constraint pk_merchant primary key (id),
  constraint uq_merchant_reference unique (book_id, reference)
);
create index merchant_by_book on lika.merchant (book_id, id);
comment on table lika.merchant is 'Who takes cards.';
grant select, insert on lika.merchant to lika_app;

create table lika.store (
  id uuid not null,
  book_id uuid not null,
  merchant_id uuid not null,
  name text not null,
  district text not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  constraint pk_store primary key (id),
  constraint fk_store_merchant foreign key (merchant_id) references lika.merchant (id),
  constraint uq_store_reference unique (merchant_id, reference)
);
create index store_by_merchant on lika.store (merchant_id, id);
comment on table lika.store is 'Where a merchant takes cards.';
grant select, insert on lika.store to lika_app;

create table lika.terminal (
  id uuid not null,
  book_id uuid not null,
  store_id uuid not null,
  merchant_id uuid not null,
  name text not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  constraint pk_terminal primary key (id),
  constraint fk_terminal_store foreign key (store_id) references lika.store (id),
  constraint uq_terminal_reference unique (merchant_id, reference)
);
create index terminal_by_store on lika.terminal (store_id, id);
comment on table lika.terminal is 'Tills of a store.';
grant select, insert on lika.terminal to lika_app;
