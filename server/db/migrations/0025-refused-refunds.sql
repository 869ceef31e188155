-- What WeChat refuses of a refund at a till is shown, and asked for less and less often.
alter table lika.combined_refund
  -- WeChat's last code; null: it has taken what it was last asked.
  add column problem text,
  -- How often in a row it was that code.
  add column refusals int not null default 0;

-- Under one number WeChat is told the same for ever: the first answer stays, also where it was no.
alter table lika.shared_trade
  add column shared boolean not null default true;
comment on table lika.shared_trade is
  'What WeChat was first told of a number: whether it is shared, so that WeChat keeps its money.';
