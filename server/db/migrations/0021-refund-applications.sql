-- A refund that the payer's account could not take back is sent to a bank card of his: WeChat is applied to, and whether
-- it has answered is kept. Of the card nothing is.
create table lika.refund_application (
  lane int not null,
  -- The number of the refund at WeChat, of an order or of a combined payment.
  out_refund_no text not null,
  book_id uuid not null,
  -- Counts the applications for the refund, from 1; the row is the last one.
  n int not null,
  -- The command that asked for it.
  asked_by uuid not null,
  asked_at timestamptz not null,
  -- Null: not known yet. `done`: the refund is under way again, or at its end.
  answer text,
  constraint pk_refund_application primary key (lane, out_refund_no),
  constraint ck_refund_application_n check (n > 0),
  constraint ck_refund_application_answer check (answer in ('done', 'refused'))
);
comment on table lika.refund_application is 'Abnormal refunds for which WeChat was given a bank card of the payer.';
grant select, insert, update on lika.refund_application to lika_app;

-- Beside `wipe_test_orders` and `wipe_test_sales`: what of their refunds was applied for.
create function lika.wipe_test_refund_applications(in_lane int, book uuid) returns void
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
  delete from refund_application where lane = in_lane and book_id = book;
end
$$;
revoke all on function lika.wipe_test_refund_applications(int, uuid) from public;
grant execute on function lika.wipe_test_refund_applications(int, uuid) to lika_app;
