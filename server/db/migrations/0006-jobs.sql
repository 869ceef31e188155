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
