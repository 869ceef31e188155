-- Money that leaves for merchants: orders to the bank, the payouts in them, and everything that the bank said. Where the
-- money is stands in the ledger; these rows say what was ordered, by whom, and how far it got.

create table lika.payout_batch (
  id uuid not null,
  book_id uuid not null,
  status text not null,
  -- Two people: who put it together, and who let it go.
  created_by uuid not null,
  created_by_owner text not null,
  created_at timestamptz not null,
  released_by uuid,
  released_by_owner text,
  released_at timestamptz,
  sent_at timestamptz,
  ended_at timestamptz,
  -- How far the order itself is: not begun, begun and perhaps there, with the bank for certain.
  delivery text not null default 'none',
  -- How often the bank was asked what became of it; the last question that has no answer yet.
  questions int not null default 0,
  open_question text,
  -- Real time in both modes: banks do not follow the test clock.
  ask_at timestamptz,
  reference text,
  metadata jsonb not null,
  constraint pk_payout_batch primary key (id),
  constraint uq_payout_batch_reference unique (book_id, reference),
  constraint ck_payout_batch_status check (status in ('created', 'released', 'sent', 'finished', 'cancelled')),
  constraint ck_payout_batch_delivery check (delivery in ('none', 'begun', 'delivered')),
  constraint ck_payout_batch_released check (
    (released_at is null) = (released_by is null)
    and (released_by is null) = (released_by_owner is null)
    and (released_by is distinct from created_by)
    and (released_at is not null or status in ('created', 'cancelled'))
  )
);
comment on table lika.payout_batch is 'Orders to the bank: one file each, put together by one person and released by another.';
create index ix_payout_batch_open on lika.payout_batch (id) where status in ('released', 'sent');
grant select, insert, update on lika.payout_batch to lika_app;

create table lika.payout (
  id uuid not null,
  book_id uuid not null,
  batch_id uuid not null,
  -- Counts the payouts of the batch, from 1.
  line int not null,
  settlement_id uuid not null,
  -- Who is paid: the merchant of the statement, or one of those that it is split among.
  merchant_id uuid not null,
  -- Of the contract whose account it goes to; accounts themselves lie encrypted with the contract.
  contract_version int not null,
  amount bigint not null,
  status text not null,
  -- The failed or returned payout in whose place this one is.
  previous_id uuid,
  -- The bank's own number of the payment.
  bank_serial text,
  reason text,
  -- Something that a person has to look at: the bank contradicts itself, or names another amount.
  attention text,
  created_at timestamptz not null,
  sent_at timestamptz,
  ended_at timestamptz,
  constraint pk_payout primary key (id),
  constraint uq_payout_line unique (batch_id, line),
  constraint ck_payout_line check (line > 0),
  constraint ck_payout_amount check (amount > 0),
  constraint ck_payout_status check (status in ('created', 'sent', 'confirmed', 'failed', 'returned', 'cancelled')),
  constraint ck_payout_attention check (attention in ('contradiction', 'amount', 'paid_twice', 'missing'))
);
comment on table lika.payout is 'What is paid to a merchant of what a statement owes. Its id is its reference at the bank.';
-- What a statement owes to a merchant is paid once: a further payout needs the one before to have failed, come back or
-- been called off.
create unique index uq_payout_live on lika.payout (settlement_id, merchant_id)
  where status in ('created', 'sent', 'confirmed');
create unique index uq_payout_previous on lika.payout (previous_id) where status <> 'cancelled';
create index ix_payout_sent on lika.payout (book_id) where status = 'sent';
create index ix_payout_settlement on lika.payout (settlement_id);
create index ix_payout_book on lika.payout (book_id, id);
grant select, insert, update on lika.payout to lika_app;

create table lika.bank_answer (
  mode text not null,
  file_name text not null,
  -- Of what it said: banks may use a name again.
  file_digest text not null,
  line int not null,
  batch text not null,
  reference text not null,
  state text not null,
  amount bigint,
  bank_serial text,
  reason text,
  -- null: the bank speaks of something that is not ours.
  payout_id uuid,
  verdict text not null,
  -- Real time.
  received_at timestamptz not null,
  constraint pk_bank_answer primary key (mode, file_name, file_digest, line),
  constraint ck_bank_answer_mode check (mode in ('live', 'test')),
  constraint ck_bank_answer_verdict check (verdict in ('applied', 'noted', 'repeated', 'contradiction', 'amount', 'paid_twice', 'missing', 'unknown'))
);
comment on table lika.bank_answer is 'Everything that the bank said about payouts, and what was made of it; never changed.';
create index ix_bank_answer_payout on lika.bank_answer (payout_id);
grant select, insert on lika.bank_answer to lika_app;

create table lika.payout_desk (
  mode text not null,
  holder uuid not null,
  until timestamptz not null,
  constraint pk_payout_desk primary key (mode),
  constraint ck_payout_desk_mode check (mode in ('live', 'test'))
);
comment on table lika.payout_desk is 'Which process talks to the bank just now: one for each mode.';
grant select, insert, update on lika.payout_desk to lika_app;
