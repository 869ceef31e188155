-- What was paid at a till in a mini-program is reported to WeChat as delivered, as orders are. Not of the round.
alter table lika.combined_payment
  -- `reported`: WeChat took it. `not_due`: all of it went back. `given_up`: WeChat has not taken it in time.
  add column shipping text,
  add column shipping_look_at timestamptz,
  add column shipping_looks int not null default 0,
  add column shipping_problem text,
  add constraint ck_combined_payment_shipping check (shipping in ('reported', 'not_due', 'given_up'));
create index combined_payment_to_report on lika.combined_payment (lane, coalesce(shipping_look_at, ended_at))
  where scene = 'mini_program' and status = 'succeeded' and wechat_amount > 0 and shipping is null;
