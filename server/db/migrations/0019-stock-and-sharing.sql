-- What is sold through WeChat beside orders: payments at a till of a card and WeChat together, scarce stock, shares of
-- sales for others, and the bills of WeChat.

-- Set aside for the card part of a combined payment: ends with that only.
alter table lika.payment_hold add column tied boolean not null default false;

create table lika.combined_payment (
  lane int not null,
  -- Of the command that made it; the hold of its card part has the same.
  id uuid not null,
  book_id uuid not null,
  merchant_id uuid not null,
  reference text not null,
  amount bigint not null,
  card_amount bigint not null,
  wechat_amount bigint not null,
  status text not null default 'waiting',
  -- Why it failed.
  reason text,
  account_id uuid not null,
  appid text not null,
  member_id uuid,
  scene text not null,
  out_trade_no text not null,
  -- Until then it may be paid at WeChat; the hold outlives it.
  leg_expires_at timestamptz not null,
  transaction_id text,
  -- Of the card part.
  payment_id uuid,
  -- Fen of the part by WeChat that were promised back.
  wechat_refunded bigint not null default 0,
  metadata jsonb,
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_combined_payment primary key (lane, id),
  constraint ck_combined_payment_amounts check (amount = card_amount + wechat_amount and card_amount > 0 and wechat_amount >= 0),
  constraint ck_combined_payment_status check (status in ('waiting', 'succeeded', 'failed')),
  constraint ck_combined_payment_scene check (scene in ('native', 'jsapi', 'mini_program', 'micropay')),
  constraint ck_combined_payment_paid check ((status = 'succeeded') = (payment_id is not null)),
  constraint ck_combined_payment_ended check ((status = 'waiting') = (ended_at is null)),
  constraint ck_combined_payment_refunded check (wechat_refunded between 0 and wechat_amount)
);
comment on table lika.combined_payment is 'Payments at a till: a part of cards, the rest by WeChat, both or neither.';
grant select, insert, update on lika.combined_payment to lika_app;

create table lika.combined_refund (
  lane int not null,
  -- Of the command that made it; the refund of its card part has the same.
  id uuid not null,
  book_id uuid not null,
  combined_id uuid not null,
  card_amount bigint not null,
  wechat_amount bigint not null,
  -- Null: WeChat paid after the payment had failed; nobody asked for it.
  reference text,
  reason text,
  status text not null default 'processing',
  out_refund_no text not null,
  -- WeChat's own number.
  refund_id text,
  metadata jsonb,
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_combined_refund primary key (lane, id),
  constraint ck_combined_refund_amounts check (card_amount >= 0 and wechat_amount >= 0 and card_amount + wechat_amount > 0),
  constraint ck_combined_refund_status check (status in ('processing', 'succeeded', 'abnormal'))
);
create index combined_refund_by_payment on lika.combined_refund (lane, combined_id);
comment on table lika.combined_refund is 'What a combined payment gave back, each part its own way.';
grant select, insert, update on lika.combined_refund to lika_app;

-- What is under way at WeChat. Written with the command that calls for it, before the call; gone with the command that
-- knows the end.
create table lika.combined_call (
  lane int not null,
  -- Of the combined payment, or of its refund.
  subject_id uuid not null,
  book_id uuid not null,
  kind text not null,
  -- In the time of the book.
  started_at timestamptz not null,
  next_at timestamptz not null,
  tries int not null default 0,
  -- Whether it was given up: from now on only its end is wanted.
  ending text,
  constraint pk_combined_call primary key (lane, subject_id),
  constraint ck_combined_call_kind check (kind in ('trade', 'refund'))
);
create index combined_call_due on lika.combined_call (lane, next_at);
comment on table lika.combined_call is 'Calls to WeChat for combined payments whose end is not known yet.';
grant select, insert, update, delete on lika.combined_call to lika_app;

-- What there is of a product that is scarce: all of it in one lane, with its orders, cards and counters, so that what is
-- left is known under the lane's lock.
create table lika.product_stock (
  lane int not null,
  product_id uuid not null,
  book_id uuid not null,
  -- Cards that may be sold in all.
  count bigint not null,
  -- Of them in orders that are not paid yet, and sold.
  reserved bigint not null default 0,
  sold bigint not null default 0,
  per_member int,
  -- How long an order keeps what it has before it is paid.
  unpaid_seconds int not null,
  changed_at timestamptz not null,
  constraint pk_product_stock primary key (lane, product_id),
  constraint ck_product_stock_count check (count >= 0 and reserved >= 0 and sold >= 0 and reserved + sold <= count),
  constraint ck_product_stock_per_member check (per_member > 0),
  constraint ck_product_stock_unpaid check (unpaid_seconds between 120 and 86400)
);
comment on table lika.product_stock is 'How much of scarce products may be sold, and is.';
grant select, insert, update on lika.product_stock to lika_app;

-- In which lane that is, said once for each product, before there is stock in it.
create table lika.stock_place (
  product_id uuid not null,
  kept_in int not null,
  constraint pk_stock_place primary key (product_id)
);
comment on table lika.stock_place is 'In which lane the stock of a scarce product is kept; it never moves.';
grant select, insert on lika.stock_place to lika_app;

create table lika.stock_member (
  lane int not null,
  product_id uuid not null,
  member_id uuid not null,
  book_id uuid not null,
  -- Cards that the member has bought or ordered.
  taken bigint not null,
  constraint pk_stock_member primary key (lane, product_id, member_id),
  constraint ck_stock_member_taken check (taken >= 0)
);
comment on table lika.stock_member is 'How much of a scarce product each member has taken.';
grant select, insert, update on lika.stock_member to lika_app;

create table lika.stock_reservation (
  lane int not null,
  order_id uuid not null,
  product_id uuid not null,
  member_id uuid,
  book_id uuid not null,
  quantity int not null,
  state text not null default 'reserved',
  constraint pk_stock_reservation primary key (lane, order_id),
  constraint ck_stock_reservation_quantity check (quantity > 0),
  constraint ck_stock_reservation_state check (state in ('reserved', 'sold', 'returned'))
);
comment on table lika.stock_reservation is 'What orders keep of scarce products.';
grant select, insert, update on lika.stock_reservation to lika_app;

-- Who gets what share of a sale by WeChat; the newest rule of a product or merchant holds.
create table lika.sharing_rule (
  id uuid not null,
  book_id uuid not null,
  product_id uuid,
  merchant_id uuid,
  -- [{mchid, name, relation, shareBp}]; none: nothing is shared any more.
  receivers jsonb not null,
  created_at timestamptz not null,
  constraint pk_sharing_rule primary key (id),
  constraint ck_sharing_rule_subject check ((product_id is null) <> (merchant_id is null))
);
create index ix_sharing_rule_product on lika.sharing_rule (book_id, product_id, id) where product_id is not null;
create index ix_sharing_rule_merchant on lika.sharing_rule (book_id, merchant_id, id) where merchant_id is not null;
comment on table lika.sharing_rule is 'Who gets what share of what is sold by WeChat.';
grant select, insert on lika.sharing_rule to lika_app;

create table lika.profit_share (
  lane int not null,
  -- Of the order or combined payment.
  id uuid not null,
  book_id uuid not null,
  account_id uuid not null,
  appid text not null,
  transaction_id text not null,
  out_trade_no text not null,
  total bigint not null,
  -- [{mchid, amount}]
  receivers jsonb not null,
  amount bigint not null,
  state text not null default 'waiting',
  reason text,
  returned bigint not null default 0,
  -- Not of the round: when WeChat is asked, and how often it was.
  next_at timestamptz not null,
  tries int not null default 0,
  created_at timestamptz not null,
  constraint pk_profit_share primary key (lane, id),
  constraint ck_profit_share_amount check (amount > 0 and amount <= total and returned between 0 and amount),
  constraint ck_profit_share_state check (state in ('waiting', 'asked', 'processing', 'finished', 'failed', 'cancelled'))
);
create index ix_profit_share_waiting on lika.profit_share (account_id, next_at) where state in ('waiting', 'asked', 'processing');
create index ix_profit_share_trade on lika.profit_share (account_id, out_trade_no);
comment on table lika.profit_share is 'Shares of sales on their way to those who get them.';
grant select, insert, update on lika.profit_share to lika_app;

create table lika.share_return (
  lane int not null,
  -- Under which WeChat knows it.
  out_return_no text not null,
  share_id uuid not null,
  book_id uuid not null,
  out_refund_no text not null,
  mchid text not null,
  amount bigint not null,
  state text not null default 'asked',
  created_at timestamptz not null,
  constraint pk_share_return primary key (lane, out_return_no),
  constraint ck_share_return_amount check (amount > 0),
  constraint ck_share_return_state check (state in ('asked', 'succeeded', 'failed'))
);
create index ix_share_return_share on lika.share_return (lane, share_id);
comment on table lika.share_return is 'Shares that come back before a refund.';
grant select, insert, update on lika.share_return to lika_app;

-- How many shares were asked for within a second, over all processes: in all, of a merchant number, for a payee.
create table lika.share_rate (
  scope text not null,
  second bigint not null,
  used int not null,
  constraint pk_share_rate primary key (scope)
);
comment on table lika.share_rate is 'Calls for shares within a second; every process counts here.';
grant select, insert, update on lika.share_rate to lika_app;

create table lika.wechat_bill (
  account_id uuid not null,
  day date not null,
  book_id uuid not null,
  -- empty: WeChat says that nothing happened.
  state text not null,
  payments int not null,
  paid bigint not null,
  refunds int not null,
  refunded bigint not null,
  fees bigint not null,
  -- What the account gained by the bill of funds.
  funds bigint not null,
  -- Payments and refunds of which the books learned from the bill.
  learnt int not null,
  -- Cases that were opened.
  exceptions int not null,
  reconciled_at timestamptz not null,
  constraint pk_wechat_bill primary key (account_id, day),
  constraint ck_wechat_bill_state check (state in ('reconciled', 'empty'))
);
create index ix_wechat_bill_book on lika.wechat_bill (book_id, day, account_id);
comment on table lika.wechat_bill is 'Bills of WeChat Pay that were held against the books.';
grant select, insert, update, delete on lika.wechat_bill to lika_app;

create table lika.red_packet (
  lane int not null,
  -- Of the command that made it.
  id uuid not null,
  book_id uuid not null,
  campaign_id uuid not null,
  -- Whose money it is, and where it goes back to.
  budget_line uuid not null,
  member_id uuid not null,
  account_id uuid not null,
  appid text not null,
  amount bigint not null,
  status text not null default 'sending',
  reason text,
  out_bill_no text not null,
  remark text not null,
  reference text not null,
  metadata jsonb,
  created_at timestamptz not null,
  ended_at timestamptz,
  -- Not of the round: when WeChat is asked, and how often it was.
  next_at timestamptz not null,
  tries int not null default 0,
  constraint pk_red_packet primary key (lane, id),
  constraint ck_red_packet_amount check (amount > 0),
  constraint ck_red_packet_status check (status in ('sending', 'received', 'returned')),
  constraint ck_red_packet_ended check ((status = 'sending') = (ended_at is null))
);
create index ix_red_packet_due on lika.red_packet (lane, next_at) where status = 'sending';
comment on table lika.red_packet is 'Money from the budgets of campaigns to members, by WeChat; what nobody takes goes back.';
grant select, insert, update on lika.red_packet to lika_app;

-- Beside `wipe_test_book`: what a test book sold in a lane through WeChat.
create function lika.wipe_test_sales(in_lane int, book uuid) returns void
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
  delete from combined_call where lane = in_lane and book_id = book;
  delete from combined_refund where lane = in_lane and book_id = book;
  delete from combined_payment where lane = in_lane and book_id = book;
  delete from red_packet where lane = in_lane and book_id = book;
  delete from share_return where lane = in_lane and book_id = book;
  delete from profit_share where lane = in_lane and book_id = book;
  delete from stock_reservation where lane = in_lane and book_id = book;
  delete from stock_member where lane = in_lane and book_id = book;
  delete from product_stock where lane = in_lane and book_id = book;
end
$$;
revoke all on function lika.wipe_test_sales(int, uuid) from public;
grant execute on function lika.wipe_test_sales(int, uuid) to lika_app;
