-- Clearing: what each merchant took is settled cycle by cycle from the cut. Money lies in accounts and transfers; these
-- rows say how far each merchant is settled, what a statement came to, and to whom it is paid.

create table lika.merchant_clearing (
  -- Its settlement lane.
  lane int not null,
  merchant_id uuid not null,
  book_id uuid not null,
  -- Everything up to the cut of this day is in a statement, or there was nothing.
  settled_through date not null,
  -- What its negative statements left it owing: the balance of its account merchant_receivable.
  receivable bigint not null default 0,
  constraint pk_merchant_clearing primary key (lane, merchant_id),
  constraint ck_merchant_clearing_receivable check (receivable >= 0)
);
comment on table lika.merchant_clearing is 'How far each merchant is settled.';
grant select, insert, update on lika.merchant_clearing to lika_app;

create table lika.statement (
  -- The settlement lane of its merchant.
  lane int not null,
  -- Of the command that settled it.
  id uuid not null,
  book_id uuid not null,
  merchant_id uuid not null,
  contract_version int not null,
  from_day date not null,
  to_day date not null,
  -- {lane: seq}: its lines are the entries behind from_cut up to to_cut.
  from_cut jsonb not null,
  to_cut jsonb not null,
  -- {lane: fen}: the net of its lines in each lane, as it was taken out of the unsettled account there.
  nets jsonb not null,
  -- Fen. What was given back and what is deducted is positive here.
  taken bigint not null,
  refunded bigint not null,
  cancelled bigint not null,
  commission bigint not null,
  bonus_share bigint not null,
  voucher_share bigint not null,
  adjusted bigint not null,
  due bigint not null,
  set_off bigint not null,
  margin_withheld bigint not null,
  margin_used bigint not null,
  receivable_added bigint not null,
  margin_released bigint not null,
  payable bigint not null,
  own_sales bigint not null,
  -- What is still there of the margin that this statement withheld, and the day from which it is given back.
  margin_left bigint not null,
  margin_release_on date,
  -- null: nothing is to be paid.
  pay_on date,
  status text not null,
  -- Its entry in its lane, and {lane: seq} of it in all lanes that it touched.
  seq bigint not null,
  seqs jsonb not null,
  created_at timestamptz not null,
  constraint pk_statement primary key (lane, id),
  constraint uq_statement_cycle unique (lane, merchant_id, to_day),
  constraint ck_statement_days check (from_day <= to_day),
  constraint ck_statement_status check (status in ('payable', 'in_flight', 'paid', 'nothing_due')),
  constraint ck_statement_due check (
    due = taken - refunded - cancelled - commission - bonus_share - voucher_share + adjusted
  ),
  constraint ck_statement_payable check (
    payable = due - own_sales - set_off - margin_withheld + margin_used + receivable_added + margin_released
  ),
  constraint ck_statement_parts check (
    taken >= 0 and refunded >= 0 and cancelled >= 0 and set_off >= 0 and margin_withheld >= 0
    and margin_used >= 0 and receivable_added >= 0 and margin_released >= 0 and payable >= 0
  ),
  constraint ck_statement_margin_left check (margin_left between 0 and margin_withheld),
  constraint ck_statement_margin_release check ((margin_withheld > 0) = (margin_release_on is not null)),
  constraint ck_statement_pay_on check ((payable > 0) = (pay_on is not null)),
  constraint ck_statement_nothing_due check ((payable = 0) = (status = 'nothing_due'))
);
create index statement_by_book on lika.statement (lane, book_id, id);
create index statement_with_margin on lika.statement (lane, merchant_id) where margin_left > 0;
create index statement_to_pay on lika.statement (lane, pay_on) where status = 'payable';
comment on table lika.statement is 'What a merchant is owed for a cycle; its lines are read from the journal by its cuts.';
grant select, insert, update on lika.statement to lika_app;

create table lika.statement_portion (
  lane int not null,
  statement_id uuid not null,
  -- To whom it is paid: the merchant itself, or a party of its split.
  merchant_id uuid not null,
  -- Counts the portions of the statement, from 0.
  line int not null,
  book_id uuid not null,
  amount bigint not null,
  status text not null,
  -- Which payout carries it, or has carried it.
  payout_id uuid,
  constraint pk_statement_portion primary key (lane, statement_id, merchant_id),
  constraint uq_statement_portion_line unique (lane, statement_id, line),
  constraint ck_statement_portion_amount check (amount > 0),
  constraint ck_statement_portion_status check (status in ('payable', 'in_flight', 'paid')),
  constraint ck_statement_portion_payout check ((status = 'payable') = (payout_id is null))
);
create index statement_portion_by_merchant on lika.statement_portion (lane, merchant_id, statement_id);
comment on table lika.statement_portion is 'Who is paid how much of a statement, and how far that is.';
grant select, insert, update on lika.statement_portion to lika_app;

create table lika.settlement_adjustment (
  -- The settlement lane of its merchant.
  lane int not null,
  -- Of the command that proposed it.
  id uuid not null,
  book_id uuid not null,
  merchant_id uuid not null,
  -- Fen; above 0 the merchant gets more.
  amount bigint not null,
  reason text not null,
  status text not null,
  proposed_by uuid not null,
  proposed_by_owner text not null,
  proposed_at timestamptz not null,
  decided_by uuid,
  decided_by_owner text,
  decided_at timestamptz,
  reference text,
  metadata jsonb,
  constraint pk_settlement_adjustment primary key (lane, id),
  constraint ck_settlement_adjustment_amount check (amount <> 0),
  constraint ck_settlement_adjustment_status check (status in ('proposed', 'posted', 'rejected')),
  constraint ck_settlement_adjustment_decided check (
    (status = 'proposed') = (decided_by is null)
    and (decided_by is null) = (decided_by_owner is null)
    and (decided_by is null) = (decided_at is null)
    and decided_by is distinct from proposed_by
  )
);
create index settlement_adjustment_by_book on lika.settlement_adjustment (lane, book_id, id);
comment on table lika.settlement_adjustment is 'What one person proposed to add to or take from what a merchant is owed, and what another said.';
grant select, insert, update on lika.settlement_adjustment to lika_app;

create table lika.clearing_book (
  book_id uuid not null,
  -- All cycles that ended up to this day are settled; null: none yet.
  settled_through date,
  -- Why it does not go on: the code of a refusal.
  stopped text,
  constraint pk_clearing_book primary key (book_id)
);
comment on table lika.clearing_book is 'How far each book is settled.';
grant select, insert, update on lika.clearing_book to lika_app;

create table lika.calendar_year (
  year int not null,
  -- [[first, last]] of each holiday; Saturdays and Sundays on which people work.
  off jsonb not null,
  work jsonb not null,
  reason text not null,
  set_at timestamptz not null,
  constraint pk_calendar_year primary key (year)
);
comment on table lika.calendar_year is 'Rest days that the operator laid down for years which the published calendar lacks.';
grant select, insert, update on lika.calendar_year to lika_app;
