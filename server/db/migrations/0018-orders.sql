-- Orders: what is sold through WeChat, the numbers under which it may be paid there, the refunds that go back that way;
-- and the seal on cards for the hours in which their buyer may change his mind.

alter table lika.product_version
  -- null: as usual; 0: cards are not sealed.
  add column cooling_off_hours int,
  add constraint ck_product_version_cooling_off check (cooling_off_hours between 0 and 720);

alter table lika.card
  -- Until then nothing is taken from it and nobody sees its secret.
  add column sealed_until timestamptz;

create table lika.sale_order (
  lane int not null,
  -- Of the command that made it.
  id uuid not null,
  book_id uuid not null,
  kind text not null,
  channel text not null,
  status text not null,
  product_id uuid not null,
  product_version int not null,
  -- Of a top-up.
  card_id uuid,
  member_id uuid,
  -- Fen, of each card.
  amount bigint not null,
  bonus bigint not null,
  quantity int not null,
  -- Fen, what is paid.
  total bigint not null,
  account_id uuid,
  has_buyer boolean not null,
  review text,
  asked_by uuid,
  asked_owner text,
  reviewed_by uuid,
  reviewed_owner text,
  cooling_off_hours int not null,
  trades int not null,
  paid_trade int,
  paid_at timestamptz,
  refunds int not null,
  -- Fen that have arrived at the payer.
  refunded bigint not null,
  card_ids uuid[] not null,
  -- Of the command that delivered it.
  delivery_id uuid,
  sealed_until timestamptz,
  undeliverable text,
  expires_at timestamptz not null,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_sale_order primary key (lane, id),
  constraint ck_sale_order_kind check (kind in ('purchase', 'top_up')),
  constraint ck_sale_order_channel check (channel in ('official_account', 'mini_program', 'h5', 'till', 'corporate')),
  constraint ck_sale_order_status check (
    status in ('created', 'paying', 'paid', 'delivered', 'completed', 'refunding', 'refunded', 'closed')
  ),
  constraint ck_sale_order_amounts check (
    amount > 0 and bonus >= 0 and quantity > 0 and total = amount * quantity
  ),
  constraint ck_sale_order_card check ((kind = 'top_up') = (card_id is not null)),
  constraint ck_sale_order_review check (review in ('pending', 'approved', 'rejected')),
  constraint ck_sale_order_reviewed check (
    (reviewed_by is null) = (review is null or review = 'pending')
    and (reviewed_by is null) = (reviewed_owner is null)
    and (reviewed_by is null or reviewed_by <> asked_by)
  ),
  constraint ck_sale_order_paid check (
    (paid_trade is null) = (paid_at is null)
    and (paid_trade is not null) = (status in ('paid', 'delivered', 'completed', 'refunding', 'refunded'))
  ),
  constraint ck_sale_order_refunded check (refunded between 0 and total)
);
create index sale_order_by_book on lika.sale_order (lane, book_id, id);
create index sale_order_by_reference on lika.sale_order (lane, book_id, reference) where reference is not null;
create index sale_order_by_member on lika.sale_order (lane, member_id, id) where member_id is not null;
create index sale_order_open on lika.sale_order (lane, expires_at) where status in ('created', 'paying');
create index sale_order_sealed on lika.sale_order (lane, sealed_until) where status = 'delivered';
comment on table lika.sale_order is 'What was ordered, how far it is, what was delivered for it.';
grant select, insert, update on lika.sale_order to lika_app;

create table lika.order_trade (
  lane int not null,
  order_id uuid not null,
  -- Counts the numbers that the order has at WeChat, from 1.
  n int not null,
  book_id uuid not null,
  account_id uuid not null,
  mchid text not null,
  scene text not null,
  appid text not null,
  -- Keyed digest of the OpenID that was invited; null: anybody may pay.
  payer_digest bytea,
  amount bigint not null,
  expires_at timestamptz not null,
  state text not null,
  transaction_id text,
  paid_at timestamptz,
  -- Of the command that took the payment into the book.
  paid_by uuid,
  asked_at timestamptz not null,
  -- Not of the round: how the buyer was asked to pay, when WeChat is asked next, how often it was, what it said.
  invitation jsonb,
  look_at timestamptz not null,
  looks int not null default 0,
  problem text,
  constraint pk_order_trade primary key (lane, order_id, n),
  constraint ck_order_trade_n check (n > 0),
  constraint ck_order_trade_amount check (amount > 0),
  constraint ck_order_trade_scene check (scene in ('jsapi', 'mini_program', 'native', 'h5')),
  constraint ck_order_trade_state check (state in ('asked', 'open', 'closing', 'closed', 'paid')),
  constraint ck_order_trade_paid check (
    (state = 'paid') = (transaction_id is not null)
    and (state = 'paid') = (paid_at is not null)
    and (state = 'paid') = (paid_by is not null)
  )
);
create index order_trade_due on lika.order_trade (lane, look_at) where state in ('asked', 'open', 'closing');
comment on table lika.order_trade is 'Under which numbers WeChat was asked for the money of an order, and what became of each.';
grant select, insert, update on lika.order_trade to lika_app;

create table lika.order_refund (
  lane int not null,
  order_id uuid not null,
  -- Counts the refunds of the order, from 1.
  n int not null,
  book_id uuid not null,
  trade int not null,
  total bigint not null,
  amount bigint not null,
  basis text not null,
  state text not null,
  -- WeChat's own number.
  refund_id text,
  reason text,
  asked_at timestamptz not null,
  ended_at timestamptz,
  -- Of the command that took its end into the book.
  ended_by uuid,
  -- Not of the round: when WeChat is asked next, how often it was, what stands in the way.
  look_at timestamptz not null,
  looks int not null default 0,
  problem text,
  constraint pk_order_refund primary key (lane, order_id, n),
  constraint ck_order_refund_n check (n > 0),
  constraint ck_order_refund_amount check (amount > 0 and amount <= total),
  constraint ck_order_refund_basis check (basis in ('cooling_off', 'statutory', 'load', 'undeliverable', 'surplus')),
  constraint ck_order_refund_state check (state in ('asked', 'processing', 'abnormal', 'closed', 'succeeded')),
  constraint ck_order_refund_ended check (
    (state in ('closed', 'succeeded')) = (ended_at is not null)
    and (ended_at is null) = (ended_by is null)
  )
);
create index order_refund_due on lika.order_refund (lane, look_at) where state in ('asked', 'processing', 'abnormal');
comment on table lika.order_refund is 'Money that goes back to a payer through WeChat, and how far it is.';
grant select, insert, update on lika.order_refund to lika_app;

-- Beside `wipe_test_book`: the orders of a test book in a lane.
create function lika.wipe_test_orders(in_lane int, book uuid) returns void
language plpgsql
security definer
set search_path = lika, pg_catalog, pg_temp
as $$
begin
  if ('x' || right(book::text, 4))::bit(16)::int >> 10 <> 1 then
    raise exception 'not the book of a test mode: %', book using errcode = 'invalid_parameter_value';
  end if;
  perform from lane where lane = in_lane and pool = 'test' for update;
  if not found then
    raise exception 'not a test lane: %', in_lane using errcode = 'invalid_parameter_value';
  end if;
  delete from order_refund where lane = in_lane and book_id = book;
  delete from order_trade where lane = in_lane and book_id = book;
  delete from sale_order where lane = in_lane and book_id = book;
end
$$;
revoke all on function lika.wipe_test_orders(int, uuid) from public;
grant execute on function lika.wipe_test_orders(int, uuid) to lika_app;
