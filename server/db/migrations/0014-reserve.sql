-- The reserve: custody accounts and what moved on them, guarantees, bank statements and the cases that they open, the
-- daily position, filings, and corrections of ledger entries by two people.

create table lika.reserve_profile (
  book_id uuid not null,
  -- Counts the versions; the last one holds.
  number int not null,
  issuer_class text not null,
  -- Fen of the last financial year; null: not known.
  last_year_revenue bigint,
  -- Whether the issuer keeps the deposit on top-ups.
  top_up_deposit boolean not null,
  -- The first day of the business, from which the filing is counted.
  business_began date,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  -- The second person, without whom a change of what was said before does not count; of the first version the first.
  approver_key_id uuid,
  approver_owner text,
  approved_at timestamptz,
  constraint pk_reserve_profile primary key (book_id, number),
  constraint ck_reserve_profile_number check (number > 0),
  constraint ck_reserve_profile_class check (issuer_class in ('scale', 'group', 'brand', 'other')),
  constraint ck_reserve_profile_revenue check (last_year_revenue >= 0)
);
comment on table lika.reserve_profile is 'What an issuer says of itself as far as its reserve depends on it; every version stays.';
grant select, insert, update on lika.reserve_profile to lika_app;

create table lika.custody_account (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  bank_name text not null,
  bank_code text not null,
  account_name text not null,
  account_number text not null,
  -- Fen by the books. The bank may prove them wrong, and then it can fall below zero until that is cleared.
  balance bigint not null,
  -- Fen that were paid from it to holders of redeemed cards, over all its time.
  redemptions_paid bigint not null default 0,
  reference text,
  metadata jsonb,
  key_id uuid not null,
  owner text not null,
  opened_at timestamptz not null,
  constraint pk_custody_account primary key (lane, id),
  constraint uq_custody_account_number unique (lane, book_id, account_number)
);
comment on table lika.custody_account is 'Accounts at banks that hold the reserve; all of a book in one lane, so that their sum is guarded.';
grant select, insert, update on lika.custody_account to lika_app;

create table lika.custody_movement (
  lane int not null,
  -- Of the command that made it.
  id uuid not null,
  book_id uuid not null,
  account_id uuid not null,
  kind text not null,
  -- Fen, below zero for what left the account.
  amount bigint not null,
  day date not null,
  reference text,
  metadata jsonb,
  -- The case or the correction that it settles.
  cause_id uuid,
  -- Whether the bank has shown it, or never will: a correction of the books by a case.
  settled boolean not null,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  constraint pk_custody_movement primary key (lane, id),
  constraint ck_custody_movement_kind
    check (kind in ('deposit', 'withdrawal', 'redemption_payout', 'suspended', 'reversal')),
  constraint ck_custody_movement_amount check (amount <> 0)
);
create index custody_movement_by_account on lika.custody_movement (lane, account_id, day, id);
create index custody_movement_open on lika.custody_movement (lane, account_id) where not settled;
comment on table lika.custody_movement is 'Money that moved onto custody accounts and off them, by the books.';
grant select, insert, update on lika.custody_movement to lika_app;

create table lika.reserve_guarantee (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  kind text not null,
  guarantor text not null,
  document_number text not null,
  amount bigint not null,
  valid_from date not null,
  -- The last day.
  valid_to date not null,
  -- The first day on which it no longer counts, where it was given back before its end.
  ended_on date,
  reference text,
  metadata jsonb,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  -- The second person, without whom it does not count.
  approver_key_id uuid,
  approver_owner text,
  approved_at timestamptz,
  constraint pk_reserve_guarantee primary key (lane, id),
  constraint uq_reserve_guarantee_document unique (lane, book_id, kind, document_number),
  constraint ck_reserve_guarantee_kind check (kind in ('surety_insurance', 'bank_guarantee')),
  constraint ck_reserve_guarantee_amount check (amount > 0),
  constraint ck_reserve_guarantee_period check (valid_from <= valid_to)
);
comment on table lika.reserve_guarantee is 'Surety insurance and bank guarantees that stand for a part of the reserve.';
grant select, insert, update on lika.reserve_guarantee to lika_app;

create table lika.reserve_case (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  kind text not null,
  day date not null,
  account_id uuid,
  movement_id uuid,
  -- [[statement id, line] …] of the bank lines that it is about.
  lines jsonb not null,
  -- Fen: what differs, is missing or is too much; below zero where the bank has less than the books.
  amount bigint not null,
  -- What it is about where that is neither: a filing, a guarantee, a day.
  subject text,
  state text not null,
  action text,
  reason text,
  proposer_key_id uuid,
  proposer_owner text,
  proposed_at timestamptz,
  resolver_key_id uuid,
  resolver_owner text,
  resolved_at timestamptz,
  opened_at timestamptz not null,
  constraint pk_reserve_case primary key (lane, id),
  constraint ck_reserve_case_state check (state in ('open', 'proposed', 'resolved')),
  constraint ck_reserve_case_action check (action in ('match', 'suspend', 'write_off', 'dismiss')),
  constraint ck_reserve_case_people check (
    (state = 'open') = (proposer_key_id is null) and (state = 'resolved') = (resolver_key_id is not null)
  )
);
create index reserve_case_by_book on lika.reserve_case (lane, book_id, id);
create index reserve_case_open on lika.reserve_case (lane, book_id, kind) where state <> 'resolved';
comment on table lika.reserve_case is 'What people must look at: differences between bank and books, money that left without cause, a reserve that is short.';
grant select, insert, update on lika.reserve_case to lika_app;

create table lika.bank_statement (
  id uuid not null,
  book_id uuid not null,
  account_id uuid not null,
  day date not null,
  opening bigint not null,
  closing bigint not null,
  lines int not null,
  format text not null,
  -- SHA-256 of the file.
  digest bytea not null,
  -- Whether its lines were compared with the books.
  reconciled boolean not null default false,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  constraint pk_bank_statement primary key (id),
  constraint uq_bank_statement_day unique (account_id, day),
  constraint ck_bank_statement_lines check (lines >= 0)
);
create index bank_statement_by_book on lika.bank_statement (book_id, id);
comment on table lika.bank_statement is 'What the bank says of a custody account on one day.';
grant select, insert, update on lika.bank_statement to lika_app;

create table lika.bank_line (
  statement_id uuid not null,
  -- The physical line of the file on which it starts.
  line int not null,
  account_id uuid not null,
  day date not null,
  amount bigint not null,
  reference text,
  -- The bank's own number.
  bank_number text,
  balance bigint,
  -- What it was settled with.
  movement_id uuid,
  case_id uuid,
  constraint pk_bank_line primary key (statement_id, line),
  constraint ck_bank_line_amount check (amount <> 0)
);
create index bank_line_by_account on lika.bank_line (account_id, day);
create index bank_line_open on lika.bank_line (account_id) where movement_id is null and case_id is null;
comment on table lika.bank_line is 'Lines of bank statements, without the names of those on the other side.';
grant select, insert, update on lika.bank_line to lika_app;

create table lika.day_flow (
  lane int not null,
  day date not null,
  book_id uuid not null,
  -- Numbers of the kinds of accounts.
  debit_kind int not null,
  credit_kind int not null,
  amount bigint not null,
  constraint pk_day_flow primary key (lane, day, book_id, debit_kind, credit_kind),
  constraint ck_day_flow_amount check (amount > 0)
);
create index day_flow_by_book on lika.day_flow (book_id, day);
comment on table lika.day_flow is 'What moved on a business day between each two kinds of accounts, read from the transfers by sequence number.';
grant select, insert, update on lika.day_flow to lika_app;

create table lika.reserve_position (
  book_id uuid not null,
  day date not null,
  -- The requirement that holds: rule, kind of base, its day, base, hundredths of a percent. Null: nothing is required.
  rule text,
  base_day date,
  base bigint,
  ratio_bp int,
  required bigint not null,
  custody bigint not null,
  -- By the statements of that day; null while one is missing.
  bank bigint,
  guarantees bigint not null,
  shortfall bigint not null,
  -- Decreases of what is owed that no outflow has used yet.
  carry bigint not null,
  decrease bigint not null,
  outflow bigint not null,
  at timestamptz not null,
  constraint pk_reserve_position primary key (book_id, day),
  constraint ck_reserve_position_amounts
    check (required >= 0 and guarantees >= 0 and shortfall >= 0 and carry >= 0 and outflow >= 0)
);
comment on table lika.reserve_position is 'What the reserve of a book had to be at the end of a business day, and what it was.';
grant select, insert, update on lika.reserve_position to lika_app;

create table lika.reserve_alerted (
  book_id uuid not null,
  -- The last day with a position when the outflows were looked at.
  after_day date not null,
  -- Fen of outflows without cause since that day for which cases are open.
  amount bigint not null,
  constraint pk_reserve_alerted primary key (book_id, after_day),
  constraint ck_reserve_alerted_amount check (amount > 0)
);
comment on table lika.reserve_alerted is 'How much of the outflows without cause has been reported.';
grant select, insert, update on lika.reserve_alerted to lika_app;

create table lika.filing (
  id uuid not null,
  book_id uuid not null,
  form text not null,
  number text not null,
  authority text not null,
  filed_on date not null,
  -- The last day; null: without end.
  valid_to date,
  -- The fields of the form by their names.
  fields jsonb not null,
  reference text,
  metadata jsonb not null,
  key_id uuid not null,
  owner text not null,
  at timestamptz not null,
  constraint pk_filing primary key (id),
  constraint uq_filing_reference unique (book_id, reference),
  constraint uq_filing_number unique (book_id, form, number, filed_on),
  constraint ck_filing_form check (form in ('mofcom_single_purpose', 'pboc_payment_licence'))
);
comment on table lika.filing is 'Filings with authorities and licences; a renewal is a new row.';
grant select, insert on lika.filing to lika_app;

create table lika.ledger_correction (
  lane int not null,
  -- Of the command that asked for it.
  id uuid not null,
  book_id uuid not null,
  -- The entry that it takes back.
  entry_command_id uuid not null,
  entry_seq bigint not null,
  reason text not null,
  state text not null,
  proposer_key_id uuid not null,
  proposer_owner text not null,
  proposed_at timestamptz not null,
  decider_key_id uuid,
  decider_owner text,
  decided_at timestamptz,
  constraint pk_ledger_correction primary key (lane, id),
  constraint ck_ledger_correction_state check (state in ('proposed', 'made', 'rejected')),
  constraint ck_ledger_correction_decider check ((state = 'proposed') = (decider_key_id is null))
);
create unique index uq_ledger_correction_entry on lika.ledger_correction (lane, entry_command_id)
  where state <> 'rejected';
create index ledger_correction_by_book on lika.ledger_correction (lane, book_id, id);
comment on table lika.ledger_correction is 'Entries that are taken back by their reversal, with the reason and the two people.';
grant select, insert, update on lika.ledger_correction to lika_app;
