-- What was paid in a mini-program is reported to WeChat as delivered, which keeps the money frozen until then. Not of the
-- round, like the other notes of a number: when WeChat is told next, how often it was, what came of it.
alter table lika.order_trade
  -- `reported`: WeChat took it. `not_due`: nothing was delivered for it. `given_up`: WeChat has not taken it in time.
  add column shipping text,
  add column shipping_look_at timestamptz,
  add column shipping_looks int not null default 0,
  add column shipping_problem text,
  add constraint ck_order_trade_shipping check (shipping in ('reported', 'not_due', 'given_up'));
create index order_trade_to_report on lika.order_trade (lane, coalesce(shipping_look_at, paid_at))
  where scene = 'mini_program' and state = 'paid' and shipping is null;
