-- Lanes: the single-writer slices of the book, the claims that make commands idempotent, the directory of names that
-- come from outside, and the journal. Every hot key begins with `lane`; claim and directory begin with `bucket`.

create table lika.lane (
  lane int not null,
  pool text not null,
  -- The issuer that has this lane to itself; null: shared.
  issuer_id uuid,
  -- The business day (Asia/Shanghai) that is still open.
  open_day date not null,
  next_seq bigint not null default 1,
  -- Digest of the last journal entry: each entry's digest covers the one before it.
  head bytea not null,
  -- The real time of the last round; the lane's clock never runs backwards.
  last_at timestamptz not null,
  accepts_new boolean not null default true,
  constraint pk_lane primary key (lane),
  constraint ck_lane_number check (lane between 1 and 999),
  constraint ck_lane_pool check (pool in ('live', 'test')),
  constraint ck_lane_next_seq check (next_seq > 0),
  constraint ck_lane_head check (length(head) = 32)
) with (fillfactor = 10);
comment on table lika.lane is 'One row per single-writer slice of the book; its lock is the lock of the lane.';
grant select, insert, update on lika.lane to lika_app;

create table lika.test_clock (
  only_row boolean not null default true,
  offset_ms bigint not null default 0,
  constraint pk_test_clock primary key (only_row),
  constraint ck_test_clock_only_row check (only_row)
);
insert into lika.test_clock default values;
comment on table lika.test_clock is 'How far the clock of test lanes is ahead of real time.';
grant select, update on lika.test_clock to lika_app;

-- The one place where rounds read the time; tests put another body in to make the database''s clock jump.
create function lika.real_time() returns timestamptz
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select clock_timestamp() $$;

create table lika.claim (
  bucket int not null,
  book_id uuid not null,
  key_digest bytea not null,
  command_id uuid not null,
  fingerprint bytea not null,
  -- Others came with the same key: the claim is never given back, so that all of them run the same command.
  shared boolean not null default false,
  constraint pk_claim primary key (bucket, book_id, key_digest),
  constraint ck_claim_bucket check (bucket between 0 and 1023)
);
comment on table lika.claim is 'Idempotency keys: which command a key stands for, and the digest of its input.';
grant select, insert, update, delete on lika.claim to lika_app;

create table lika.directory (
  bucket int not null,
  book_id uuid not null,
  kind int not null,
  name_digest bytea not null,
  id uuid not null,
  -- Set for names whose owner was cancelled before it came.
  cancelled boolean not null default false,
  constraint pk_directory primary key (bucket, book_id, kind, name_digest),
  constraint ck_directory_bucket check (bucket between 0 and 1023)
);
comment on table lika.directory is 'Names that come from outside, as keyed digests: merchant order numbers, imported card numbers.';
grant select, insert, update, delete on lika.directory to lika_app;

create table lika.journal (
  lane int not null,
  seq bigint not null,
  -- yyyymm of the command id (UTC).
  month int not null,
  command_id uuid not null,
  book_id uuid not null,
  kind text not null,
  version int not null,
  refused boolean not null,
  at timestamptz not null,
  -- json, not jsonb: the digest covers the text as it was written.
  body json not null,
  digest bytea not null,
  constraint pk_journal primary key (lane, seq, month),
  constraint uq_journal_command unique (lane, command_id, month),
  constraint ck_journal_seq check (seq > 0),
  constraint ck_journal_digest check (length(digest) = 32)
) partition by list (month);
create table lika.journal_default partition of lika.journal default;
comment on table lika.journal is 'Every executed command, in the order of its lane, without gaps; never changed.';
grant select, insert on lika.journal to lika_app;

create table lika.cut (
  lane int not null,
  day date not null,
  -- Entries after the previous cut up to this one are of this business day.
  seq bigint not null,
  at timestamptz not null,
  constraint pk_cut primary key (lane, day)
);
comment on table lika.cut is 'Where a business day ends in each lane.';
grant select, insert on lika.cut to lika_app;

create table lika.consumer (
  name text not null,
  lane int not null,
  seq bigint not null,
  -- Of the last entry taken: a journal that went backwards is noticed by it.
  digest bytea not null,
  constraint pk_consumer primary key (name, lane)
);
comment on table lika.consumer is 'How far each reader of the journal has come.';
grant select, insert, update, delete on lika.consumer to lika_app;
