-- What the law asks to be kept beside a sale and a redemption: the charter that a buyer was shown, who acted for the
-- buyer, whether an issuer may sell at all, and how money came off a card again.

create table lika.charter (
  id uuid not null,
  book_id uuid not null,
  version int not null,
  title text not null,
  -- SHA-256 of the text.
  digest bytea not null,
  -- null: the text is kept elsewhere; the digest tells whether it is the same.
  document text,
  reference text,
  metadata jsonb not null,
  published_at timestamptz not null,
  constraint pk_charter primary key (id),
  constraint uq_charter_version unique (book_id, version),
  constraint uq_charter_reference unique (book_id, reference),
  constraint ck_charter_version check (version > 0),
  constraint ck_charter_digest check (length(digest) = 32)
);
comment on table lika.charter is 'Charters under which cards are sold; never changed, so that what a buyer was shown stays.';
grant select, insert on lika.charter to lika_app;

create table lika.sale_switch (
  issuer_id uuid not null,
  -- Counts the changes of the issuer; the last one holds.
  number int not null,
  stopped boolean not null,
  reason text not null,
  at timestamptz not null,
  constraint pk_sale_switch primary key (issuer_id, number),
  constraint ck_sale_switch_number check (number > 0)
);
comment on table lika.sale_switch is 'Every time that the operator stopped the sale of an issuer or let it go on.';
grant select, insert on lika.sale_switch to lika_app;

-- The charter that was shown when the card was sold; null: none was, or another system sold it.
alter table lika.card add column charter_id uuid;
alter table lika.batch add column charter_id uuid;
alter table lika.funding add column charter_id uuid;
-- Who acted for the buyer.
alter table lika.funding add column agent_id uuid;

create table lika.redemption (
  lane int not null,
  -- Of the command that made it.
  id uuid not null,
  book_id uuid not null,
  card_id uuid not null,
  reason text not null,
  payout_method text not null,
  -- Owed to the holder, kept as a fee, and taken back of what was given: fen.
  principal_returned bigint not null,
  fee bigint not null,
  bonus_forfeited bigint not null,
  -- The entry's body: the formula with its figures.
  outcome jsonb not null,
  -- Where the money goes back the way it came: the fundings, the last first, and how much of each.
  routes jsonb not null,
  -- The holder with the account, encrypted.
  person_id uuid not null,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_redemption primary key (lane, id),
  constraint ck_redemption_reason check (reason in ('cooling_off', 'consumer', 'operator', 'withdrawal')),
  constraint ck_redemption_payout_method check (payout_method in ('original_route', 'same_name_account')),
  constraint ck_redemption_principal_returned check (principal_returned > 0),
  constraint ck_redemption_kept check (fee >= 0 and bonus_forfeited >= 0)
);
comment on table lika.redemption is 'Cards that were redeemed for money: what is owed to the holder, and by which formula.';
grant select, insert on lika.redemption to lika_app;

-- As before, and redemptions with it.
create or replace function lika.wipe_test_book(in_lane int, book uuid, most int) returns bigint
language plpgsql
security definer
set search_path = lika, pg_catalog, pg_temp
as $$
declare
  gone uuid[];
  removed bigint;
  total bigint;
begin
  if ('x' || right(book::text, 4))::bit(16)::int >> 10 <> 1 then
    raise exception 'not the book of a test mode: %', book using errcode = 'invalid_parameter_value';
  end if;
  -- The lock of the lane: no round is under way in it.
  perform from lane where lane = in_lane and pool = 'test' for update;
  if not found then
    raise exception 'not a test lane: %', in_lane using errcode = 'invalid_parameter_value';
  end if;
  with chosen as (
    select id from card where lane = in_lane and book_id = book limit most
  ), deleted as (
    delete from card using chosen where card.lane = in_lane and card.id = chosen.id returning card.id
  )
  select coalesce(array_agg(id), '{}') into gone from deleted;
  total := cardinality(gone);
  delete from card_seal where lane = in_lane and card_id = any(gone);
  delete from pay_handle where lane = in_lane and card_id = any(gone);
  if total = most then
    return total;
  end if;
  delete from card_note where lane = in_lane and book_id = book;
  delete from redemption where lane = in_lane and book_id = book;
  delete from funding where lane = in_lane and book_id = book;
  get diagnostics removed = row_count;
  total := total + removed;
  delete from refund where lane = in_lane and book_id = book;
  delete from payment_hold where lane = in_lane and book_id = book;
  delete from payment where lane = in_lane and book_id = book;
  get diagnostics removed = row_count;
  return total + removed;
end
$$;
