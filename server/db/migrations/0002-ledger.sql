-- The ledger: guarded accounts with a row, transfers with both sides in one row, holds, and closing balances.

create table lika.account (
  lane int not null,
  -- The owner's id with the account kind in its kind bits.
  id uuid not null,
  book_id uuid not null,
  balance bigint not null,
  held bigint not null,
  -- The journal entry that changed it last.
  seq bigint not null,
  constraint pk_account primary key (lane, id),
  constraint ck_account_held check (held >= 0),
  constraint ck_account_available check (balance >= held)
) with (fillfactor = 60);
comment on table lika.account is 'Guarded accounts, in fen on their normal side; what is held can never be spent.';
grant select, insert, update on lika.account to lika_app;

create table lika.transfer (
  lane int not null,
  seq bigint not null,
  line int not null,
  month int not null,
  book_id uuid not null,
  debit_account uuid not null,
  credit_account uuid not null,
  amount bigint not null,
  -- Balances after it, on the normal side, of the sides that are guarded.
  debit_balance bigint,
  credit_balance bigint,
  constraint pk_transfer primary key (lane, seq, line, month),
  constraint ck_transfer_amount check (amount > 0),
  constraint ck_transfer_sides check (debit_account <> credit_account),
  constraint ck_transfer_debit_balance check (debit_balance >= 0),
  constraint ck_transfer_credit_balance check (credit_balance >= 0)
) partition by list (month);
create table lika.transfer_default partition of lika.transfer default;
create index transfer_by_debit on lika.transfer (lane, debit_account, seq) where debit_balance is not null;
create index transfer_by_credit on lika.transfer (lane, credit_account, seq) where credit_balance is not null;
comment on table lika.transfer is 'Value that moved, both sides in one row; never changed, corrected by new transfers.';
grant select, insert on lika.transfer to lika_app;

create table lika.hold (
  lane int not null,
  -- Of the hold of the payment world that it belongs to; `line` counts its accounts.
  id uuid not null,
  line int not null,
  book_id uuid not null,
  account_id uuid not null,
  amount bigint not null,
  captured bigint not null default 0,
  released bigint not null default 0,
  expires_at timestamptz not null,
  -- The journal entry that opened it.
  seq bigint not null,
  constraint pk_hold primary key (lane, id, line),
  constraint ck_hold_amount check (amount > 0),
  constraint ck_hold_captured check (captured >= 0),
  constraint ck_hold_released check (released >= 0),
  constraint ck_hold_not_exceeded check (captured + released <= amount)
);
create index hold_open on lika.hold (lane, account_id) where captured + released < amount;
comment on table lika.hold is 'Value set aside on a guarded account until captured, released or expired.';
grant select, insert, update on lika.hold to lika_app;

create table lika.closing (
  lane int not null,
  day date not null,
  book_id uuid not null,
  account_id uuid not null,
  debits bigint not null,
  credits bigint not null,
  constraint pk_closing primary key (lane, account_id, day),
  constraint ck_closing_debits check (debits >= 0),
  constraint ck_closing_credits check (credits >= 0)
);
comment on table lika.closing is 'Running totals of both sides at the end of a business day, for accounts that moved on it: of each summed account, and of the control account of an issuer for the accounts of its cards and merchants.';
grant select, insert on lika.closing to lika_app;
