-- A refund of a combined payment that WeChat closed: nothing went back, it is owed, and may be asked for again under
-- another number.
alter table lika.combined_refund
  drop constraint ck_combined_refund_status,
  add constraint ck_combined_refund_status check (status in ('processing', 'succeeded', 'abnormal', 'closed')),
  -- Counts the numbers under which WeChat was asked for it, from 1; WeChat takes 50 refunds of a payment.
  add column attempt int not null default 1,
  add constraint ck_combined_refund_attempt check (attempt between 1 and 50);
