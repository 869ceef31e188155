-- Payments, refunds and the holds of the payment world. Their money lies in transfers and holds of the ledger.

create table lika.payment (
  lane int not null,
  month int not null,
  -- The id of the command that made it.
  id uuid not null,
  book_id uuid not null,
  merchant_id uuid not null,
  store_id uuid,
  terminal_id uuid,
  reference text not null,
  amount bigint not null,
  refunded bigint not null default 0,
  status text not null,
  hold_id uuid,
  -- [{card, kind, amount, refunded, balance}] in the order of consumption; amounts in fen, balance after it.
  allocations jsonb not null,
  receipt_number text not null,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_payment primary key (lane, id, month),
  constraint ck_payment_amount check (amount > 0),
  constraint ck_payment_refunded check (refunded between 0 and amount),
  constraint ck_payment_status check (status in ('succeeded', 'cancelled'))
) partition by list (month);
create table lika.payment_default partition of lika.payment default;
create index payment_by_merchant on lika.payment (lane, merchant_id, id);
create index payment_by_hold on lika.payment (lane, hold_id) where hold_id is not null;
comment on table lika.payment is 'What a till took from cards.';
grant select, insert, update on lika.payment to lika_app;

create table lika.refund (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  payment_id uuid not null,
  amount bigint not null,
  reference text not null,
  reason text,
  allocations jsonb not null,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_refund primary key (lane, id),
  constraint ck_refund_amount check (amount > 0)
);
create index refund_by_payment on lika.refund (lane, payment_id);
comment on table lika.refund is 'What a payment gave back to its cards.';
grant select, insert on lika.refund to lika_app;

create table lika.payment_hold (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  merchant_id uuid not null,
  store_id uuid,
  terminal_id uuid,
  reference text not null,
  amount bigint not null,
  captured bigint not null default 0,
  released bigint not null default 0,
  -- Past expires_at a held one reads expired, whether or not the sweeper has come.
  status text not null default 'held',
  expires_at timestamptz not null,
  -- As those of a payment; what was captured of which lies in the ledger's lines of the hold.
  allocations jsonb not null,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_payment_hold primary key (lane, id),
  constraint ck_payment_hold_amount check (amount > 0),
  constraint ck_payment_hold_parts check (captured >= 0 and released >= 0 and captured + released <= amount),
  constraint ck_payment_hold_status check (status in ('held', 'captured', 'released', 'expired')),
  constraint ck_payment_hold_held check ((status = 'held') = (captured + released < amount))
);
create index payment_hold_due on lika.payment_hold (lane, expires_at) where status = 'held';
comment on table lika.payment_hold is 'Money of cards set aside for a merchant.';
grant select, insert, update on lika.payment_hold to lika_app;
