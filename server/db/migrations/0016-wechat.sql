-- What an issuer has at WeChat: merchant numbers of WeChat Pay with their keys.

create table lika.wechat_account (
  id uuid not null,
  book_id uuid not null,
  mchid text not null,
  -- Official accounts and mini-programs that are bound to the merchant number.
  appids text[] not null,
  -- By which keys requests and answers are signed: RSA, or SM2 where WeChat has opened it.
  algorithm text not null,
  -- How WeChat signs: with platform certificates, with its public key, or with either.
  key_mode text not null,
  -- Of the merchant's API certificate, upper-case hex.
  certificate_serial text not null,
  -- Of the key that the private key belongs to: SHA-256 of its SPKI form.
  private_key_fingerprint bytea not null,
  -- WeChat's public key, PUB_KEY_ID_…; null: certificates only.
  public_key_id text,
  public_key_pem text,
  -- Sealed together under the master key: private key, API keys, client certificate of the second protocol.
  credentials bytea not null,
  api_v3_key_last4 text not null,
  api_v2_key_last4 text,
  has_client_certificate boolean not null,
  status text not null,
  -- Counts the changes.
  version int not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  constraint pk_wechat_account primary key (id),
  constraint ck_wechat_account_mchid check (mchid ~ '^[0-9]{6,32}$'),
  constraint ck_wechat_account_appids check (cardinality(appids) between 1 and 50),
  constraint ck_wechat_account_algorithm check (algorithm in ('rsa', 'sm')),
  constraint ck_wechat_account_key_mode check (key_mode in ('certificate', 'public_key', 'both')),
  constraint ck_wechat_account_serial check (certificate_serial ~ '^[0-9A-F]{8,40}$'),
  constraint ck_wechat_account_public_key check (
    (public_key_id is null) = (public_key_pem is null)
    and (key_mode = 'certificate' or public_key_id is not null)
  ),
  constraint ck_wechat_account_status check (status in ('active', 'disabled')),
  constraint ck_wechat_account_version check (version > 0)
);
create index ix_wechat_account_book on lika.wechat_account (book_id, id);
create unique index uq_wechat_account_reference on lika.wechat_account (book_id, reference);
create unique index uq_wechat_account_mchid on lika.wechat_account (book_id, mchid) where status = 'active';
comment on table lika.wechat_account is 'Merchant numbers of WeChat Pay, with their keys sealed.';
grant select, insert on lika.wechat_account to lika_app;
grant update (
  appids, algorithm, key_mode, certificate_serial, private_key_fingerprint, public_key_id, public_key_pem,
  credentials, api_v3_key_last4, api_v2_key_last4, has_client_certificate, status, version, changed_at
) on lika.wechat_account to lika_app;

-- Official accounts and mini-programs, and what is shared by all processes that speak for them: tokens, rates, nonces.

create table lika.wechat_app (
  id uuid not null,
  book_id uuid not null,
  appid text not null,
  kind text not null,
  -- Sealed together under the master key: app secret, token and key of message callbacks.
  credentials bytea not null,
  secret_last4 text not null,
  -- How messages are called back: not at all, in plain text, or encrypted.
  callbacks text not null,
  -- Counts the changes.
  version int not null,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  constraint pk_wechat_app primary key (id),
  constraint uq_wechat_app_appid unique (book_id, appid),
  constraint uq_wechat_app_reference unique (book_id, reference),
  constraint ck_wechat_app_appid check (appid ~ '^wx[0-9a-zA-Z]{4,30}$'),
  constraint ck_wechat_app_kind check (kind in ('official_account', 'mini_program')),
  constraint ck_wechat_app_callbacks check (callbacks in ('none', 'plain', 'encrypted')),
  constraint ck_wechat_app_version check (version > 0)
);
comment on table lika.wechat_app is 'Official accounts and mini-programs of an issuer, with their secrets sealed.';
create index ix_wechat_app_book on lika.wechat_app (book_id, id);
grant select, insert on lika.wechat_app to lika_app;
grant update (credentials, secret_last4, callbacks, version, metadata, changed_at) on lika.wechat_app to lika_app;

create table lika.wechat_app_callback (
  app_id uuid not null,
  -- Real time, like everything below.
  accepted_at timestamptz,
  refused_at timestamptz,
  refused_why text,
  constraint pk_wechat_app_callback primary key (app_id)
);
comment on table lika.wechat_app_callback is 'When an app last called back, and why the last call that was refused was.';
grant select, insert, update on lika.wechat_app_callback to lika_app;

create table lika.wechat_token (
  app_id uuid not null,
  kind text not null,
  -- Sealed under the master key; null until the first one was fetched.
  sealed bytea,
  expires_at timestamptz,
  -- Counts the tokens; a token that WeChat refuses is renewed only where it is still the newest.
  version int not null,
  -- When a new token was last asked for although the old one had not run out.
  forced_at timestamptz,
  -- The one who fetches a token just now, and until when it has the word.
  holder uuid,
  held_until timestamptz,
  constraint pk_wechat_token primary key (app_id, kind),
  constraint ck_wechat_token_kind check (kind in ('access', 'jsapi', 'wx_card')),
  constraint ck_wechat_token_sealed check ((sealed is null) = (expires_at is null)),
  constraint ck_wechat_token_holder check ((holder is null) = (held_until is null)),
  constraint ck_wechat_token_version check (version >= 0)
);
comment on table lika.wechat_token is 'Access tokens and tickets, fetched by one process and used by all.';
grant select, insert, update on lika.wechat_token to lika_app;

create table lika.wechat_rate (
  app_id uuid not null,
  call text not null,
  tokens double precision not null,
  filled_at timestamptz not null,
  constraint pk_wechat_rate primary key (app_id, call),
  constraint ck_wechat_rate_tokens check (tokens >= 0)
);
comment on table lika.wechat_rate is 'Token buckets that all processes draw from before they call WeChat.';
grant select, insert, update on lika.wechat_rate to lika_app;

-- A nonce names the slot in which it lies; a slot is used again only when its nonce has expired. So the number of slots is
-- the most that there can ever be.
create table lika.wechat_nonce (
  app_id uuid not null,
  slot int not null,
  nonce text not null,
  -- Of everything that was signed together with it.
  digest bytea not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint pk_wechat_nonce primary key (app_id, slot),
  constraint ck_wechat_nonce_slot check (slot between 0 and 65535)
);
comment on table lika.wechat_nonce is 'Nonces of signed card parameters: each comes back once, in time and unchanged.';
grant select, insert, update on lika.wechat_nonce to lika_app;

create table lika.wechat_consume (
  id uuid not null,
  book_id uuid not null,
  app_id uuid not null,
  -- Keyed, of the code.
  code_digest bytea not null,
  -- As the caller named it; '' where it named none.
  asked_card_id text not null,
  -- Needed to ask again after a lost answer; gone when the outcome is known.
  sealed_code bytea,
  idempotency_key text not null,
  -- Keyed, of everything that was asked.
  fingerprint bytea not null,
  status text not null,
  card_id text,
  -- WeChat's code and words where it refused.
  refused_code text,
  refused_detail text,
  holder uuid,
  held_until timestamptz,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_wechat_consume primary key (id),
  constraint uq_wechat_consume_key unique (book_id, idempotency_key),
  constraint ck_wechat_consume_status check (status in ('begun', 'done', 'refused')),
  constraint ck_wechat_consume_begun check (
    (status = 'begun') = (ended_at is null)
    and (status = 'begun') = (sealed_code is not null)
  ),
  constraint ck_wechat_consume_done check ((status = 'done') = (card_id is not null)),
  constraint ck_wechat_consume_refused check ((status = 'refused') = (refused_code is not null)),
  constraint ck_wechat_consume_holder check ((holder is null) = (held_until is null))
);
comment on table lika.wechat_consume is 'Codes of WeChat cards that were consumed, or are being: each by one caller.';
create unique index uq_wechat_consume_code on lika.wechat_consume (app_id, code_digest, asked_card_id)
  where status in ('begun', 'done');
create unique index uq_wechat_consume_reference on lika.wechat_consume (book_id, reference)
  where status in ('begun', 'done');
create index ix_wechat_consume_begun on lika.wechat_consume (id) where status = 'begun';
grant select, insert, update, delete on lika.wechat_consume to lika_app;
