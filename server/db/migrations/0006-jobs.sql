-- Jobs, batches and imports.

create table lika.job (
  -- The id of the command that asked for it.
  id uuid not null,
  book_id uuid not null,
  kind text not null,
  status text not null default 'queued',
  done int not null default 0,
  -- null: not known yet.
  total int,
  -- What to do, how far it came (the point to resume from), what came of it: ids and amounts, never a secret.
  params jsonb not null,
  progress jsonb,
  result jsonb,
  error jsonb,
  -- Who works on it, and until when others leave it alone.
  lease_owner uuid,
  lease_until timestamptz,
  -- How often it was taken up: who holds an older number has lost it.
  attempts int not null default 0,
  -- Of these, how many since it last came forward.
  fruitless int not null default 0,
  run_after timestamptz not null default now(),
  -- Whether its end has been made known in the journal.
  announced boolean not null default false,
  -- The attempt that wrote the file; null: it has none.
  file_attempt int,
  file_fetched_at timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint pk_job primary key (id),
  constraint ck_job_status check (status in ('queued', 'running', 'succeeded', 'failed')),
  constraint ck_job_done check (done >= 0 and total >= 0),
  constraint ck_job_finished check ((status in ('succeeded', 'failed')) = (finished_at is not null)),
  constraint ck_job_error check ((status = 'failed') = (error is not null)),
  constraint ck_job_announced check (finished_at is not null or not announced)
) with (fillfactor = 50);
create index job_pending on lika.job (run_after, id) where not announced;
comment on table lika.job is 'Work that outlives a request and a process: leased, resumable, and what GET /v1/jobs answers from.';
grant select, insert, update on lika.job to lika_app;

create table lika.job_file (
  job_id uuid not null,
  attempt int not null,
  piece int not null,
  bytes bytea not null,
  constraint pk_job_file primary key (job_id, attempt, piece)
);
-- The bytes are encrypted: nothing is gained by trying to compress them.
alter table lika.job_file alter column bytes set storage external;
comment on table lika.job_file is 'Files that jobs made, encrypted for whoever fetches them; gone once fetched.';
grant select, insert, delete on lika.job_file to lika_app;

create table lika.batch (
  lane int not null,
  -- Of the command that asked for it, and of its job.
  id uuid not null,
  book_id uuid not null,
  product_id uuid not null,
  product_version int not null,
  -- Of one card.
  amount bigint not null,
  count int not null,
  -- Whether its cards are sold at once; else they are worthless until they are activated.
  active boolean not null,
  funding_method text not null,
  -- For whom the print file is encrypted; null: the seals stay, to be revealed one by one.
  age_recipient text,
  -- Null while its job goes on.
  outcome text,
  issued int not null default 0,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_batch primary key (lane, id),
  constraint ck_batch_amount check (amount > 0),
  constraint ck_batch_issued check (issued between 0 and count),
  constraint ck_batch_outcome check (outcome in ('succeeded', 'failed')),
  constraint ck_batch_whole check (outcome <> 'succeeded' or issued = count)
);
comment on table lika.batch is 'Many cards of one product and one amount, issued by a job.';
grant select, insert, update on lika.batch to lika_app;

create table lika.import (
  lane int not null,
  -- Of the command that asked for it, and of its job.
  id uuid not null,
  book_id uuid not null,
  product_id uuid not null,
  product_version int not null,
  encoding text not null,
  dry_run boolean not null,
  -- Where its pieces of import_file are.
  upload_id uuid not null,
  -- The lanes that its cards go to, in turn.
  lanes int[] not null,
  -- Null while its job goes on.
  outcome text,
  -- So far.
  rows int not null default 0,
  accepted int not null default 0,
  rejected int not null default 0,
  total_amount bigint not null default 0,
  total_bonus bigint not null default 0,
  -- The command and job that take it back, whether that is done, and how many cards went.
  reversal_id uuid,
  reversed_at timestamptz,
  reversed int not null default 0,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_import primary key (lane, id),
  constraint ck_import_encoding check (encoding in ('utf-8', 'gbk')),
  constraint ck_import_outcome check (outcome in ('succeeded', 'failed')),
  constraint ck_import_counts check (accepted >= 0 and rejected >= 0 and accepted + rejected <= rows),
  constraint ck_import_totals check (total_amount >= 0 and total_bonus >= 0),
  constraint ck_import_reversed check (reversed_at is null or reversal_id is not null)
);
comment on table lika.import is 'Card files of other systems, and what became of them.';
grant select, insert, update on lika.import to lika_app;

create table lika.import_error (
  import_id uuid not null,
  -- The physical line on which the row starts; the header is line 1.
  line int not null,
  position int not null,
  -- As the header of the file calls it; null: no one cell is to blame.
  column_name text,
  code text not null,
  message text not null,
  constraint pk_import_error primary key (import_id, line, position)
);
comment on table lika.import_error is 'Why rows of card files were not taken; never what stood in their cells.';
grant select, insert on lika.import_error to lika_app;

create table lika.import_file (
  upload_id uuid not null,
  piece int not null,
  -- Under the master key, for it holds card secrets.
  sealed bytea not null,
  created_at timestamptz not null default now(),
  constraint pk_import_file primary key (upload_id, piece)
);
alter table lika.import_file alter column sealed set storage external;
comment on table lika.import_file is 'Uploaded card files, encrypted; gone when their import has ended.';
grant select, insert, delete on lika.import_file to lika_app;
