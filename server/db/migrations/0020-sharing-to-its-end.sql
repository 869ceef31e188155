-- Shares to their end: what WeChat keeps for sharing is let go, receivers may be members, and what comes back says why not.

-- What WeChat was told of a payment before it was paid: its number, once said, is shared for ever.
create table lika.shared_trade (
  lane int not null,
  out_trade_no text not null,
  book_id uuid not null,
  constraint pk_shared_trade primary key (lane, out_trade_no)
);
comment on table lika.shared_trade is 'Numbers at WeChat that were asked for as shared, so that WeChat keeps their money.';
grant select, insert on lika.shared_trade to lika_app;

-- held: it goes with the share that is under way. waiting, asked: it is to be let go, and WeChat may know it. free: it is the
-- merchant's. refunded: nothing is left. refused: WeChat will not; a person has to look.
alter table lika.profit_share
  add column rest text not null default 'held',
  add column rest_reason text;
update lika.profit_share
set
  rest = case state when 'finished' then 'free' else 'waiting' end,
  tries = 0
where state in ('finished', 'failed', 'cancelled');
alter table lika.profit_share
  drop constraint ck_profit_share_amount,
  add constraint ck_profit_share_amount check (amount >= 0 and amount <= total and returned between 0 and amount),
  add constraint ck_profit_share_rest check (
    rest in ('held', 'waiting', 'asked', 'free', 'refunded', 'refused')
    and (rest = 'held') = (state in ('waiting', 'asked', 'processing'))
  );
drop index lika.ix_profit_share_waiting;
create index ix_profit_share_due on lika.profit_share (account_id, next_at) where rest in ('held', 'waiting', 'asked');
create index ix_profit_share_refused on lika.profit_share (book_id) where rest = 'refused';

-- Who has it: a merchant or a member. Why it does not come back.
alter table lika.share_return
  alter column mchid drop not null,
  add column member_id uuid,
  add column reason text,
  add constraint ck_share_return_payee check ((mchid is null) <> (member_id is null));

create or replace function lika.wipe_test_sales(in_lane int, book uuid) returns void
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
  delete from shared_trade where lane = in_lane and book_id = book;
  delete from stock_reservation where lane = in_lane and book_id = book;
  delete from stock_member where lane = in_lane and book_id = book;
  delete from product_stock where lane = in_lane and book_id = book;
end
$$;
