-- Cards, their sealed secrets, pay codes, and who bought them how.

create table lika.card (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  product_id uuid not null,
  product_version int not null,
  state text not null,
  number text not null,
  -- Keyed hash of the secret; null: the card is known by its number alone and pays by id or pay code only.
  secret_digest bytea,
  -- What activation will put on it (physical cards); 0 once active.
  face_amount bigint not null,
  face_bonus bigint not null,
  -- The first instant at which it no longer pays; null: never, or not counted before activation.
  expires_at timestamptz,
  parent_id uuid,
  depth int not null default 0,
  replaced_by uuid,
  replaces uuid,
  batch_id uuid,
  import_id uuid,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  activated_at timestamptz,
  constraint pk_card primary key (lane, id),
  -- By book: two issuers may bring the same number along from their old systems.
  constraint uq_card_number unique (lane, number, book_id),
  constraint ck_card_state check (state in ('created', 'active', 'frozen', 'lost', 'closed', 'replaced')),
  constraint ck_card_face_amount check (face_amount >= 0 and face_bonus >= 0),
  constraint ck_card_replaced check ((state = 'replaced') = (replaced_by is not null)),
  constraint ck_card_depth check (depth >= 0)
) with (fillfactor = 85);
create index card_by_book on lika.card (lane, book_id, id);
-- Somebody at the desk reads the last digits from the plastic.
create index card_by_last_digits on lika.card (lane, book_id, right(number, 4));
-- For the sweeper that renews.
create index card_by_expiry on lika.card (lane, expires_at) where expires_at is not null;
create index card_by_batch on lika.card (lane, batch_id, id) where batch_id is not null;
create index card_by_import on lika.card (lane, import_id, id) where import_id is not null;
comment on table lika.card is 'Cards; their money lies in accounts of the same lane.';
grant select, insert, update on lika.card to lika_app;

create table lika.card_seal (
  lane int not null,
  card_id uuid not null,
  -- Number and secret under the master key; removed ten minutes after the first reveal, or after export.
  sealed bytea not null,
  revealed_at timestamptz,
  constraint pk_card_seal primary key (lane, card_id)
);
comment on table lika.card_seal is 'Secrets that nobody has seen yet, encrypted under a key outside the database.';
grant select, insert, update, delete on lika.card_seal to lika_app;

create table lika.pay_handle (
  lane int not null,
  handle int not null,
  card_id uuid not null,
  constraint pk_pay_handle primary key (lane, handle),
  constraint uq_pay_handle_card unique (lane, card_id),
  constraint ck_pay_handle check (handle between 0 and 99999999)
);
comment on table lika.pay_handle is 'The eight digits by which pay codes name a card.';
grant select, insert on lika.pay_handle to lika_app;

create table lika.pay_code_use (
  lane int not null,
  handle int not null,
  step bigint not null,
  command_id uuid not null,
  -- Whether it made a hold; else a payment.
  for_hold boolean not null,
  constraint pk_pay_code_use primary key (lane, handle, step)
);
comment on table lika.pay_code_use is 'Pay codes that were used: each pays once.';
grant select, insert, delete on lika.pay_code_use to lika_app;

create table lika.person (
  id uuid not null,
  book_id uuid not null,
  -- The key of this person under the master key: thrown away, the person is forgotten.
  sealed_key bytea not null,
  -- Name, id number, phone, under that key.
  sealed bytea not null,
  kind text not null,
  id_type text,
  created_at timestamptz not null,
  constraint pk_person primary key (id),
  constraint ck_person_kind check (kind in ('person', 'unit'))
);
comment on table lika.person is 'Buyers, as the law wants them recorded; personal data encrypted under a key per person.';
grant select, insert, delete on lika.person to lika_app;

create table lika.funding (
  lane int not null,
  -- Of the command that put value on cards: an issue, an activation, a load, a batch, an import.
  id uuid not null,
  book_id uuid not null,
  card_id uuid,
  batch_id uuid,
  method text not null,
  -- Of the payment by which it was funded: a bank's number, a receipt.
  reference text,
  -- The caller's own number for the load.
  own_reference text,
  person_id uuid,
  amount bigint not null,
  bonus bigint not null,
  at timestamptz not null,
  metadata jsonb,
  constraint pk_funding primary key (lane, id),
  constraint ck_funding_method check (method in ('cash', 'bank_transfer', 'card', 'wechat', 'none')),
  constraint ck_funding_amounts check (amount >= 0 and bonus >= 0)
);
comment on table lika.funding is 'Every sale and load: how it was paid, by whom.';
grant select, insert on lika.funding to lika_app;

create table lika.card_note (
  lane int not null,
  -- Of the command that it explains: a freeze, a close, an adjustment.
  id uuid not null,
  book_id uuid not null,
  card_id uuid not null,
  kind text not null,
  reason text not null,
  reference text,
  metadata jsonb,
  at timestamptz not null,
  constraint pk_card_note primary key (lane, id)
);
comment on table lika.card_note is 'Why people did what they did to a card: free text, which the journal never holds.';
grant select, insert, delete on lika.card_note to lika_app;

-- Removes what one issuer made in test mode, lane by lane in pieces of at most `most` cards; answers how many rows went.
-- Runs with the owner's rights, for the application's role may delete neither cards nor payments; what it can be asked
-- for is closed: only test lanes, only the book of a test mode. Journal, transfers and accounts are never touched: see
-- docs/decisions/0006-wiping-test-data.md.
create function lika.wipe_test_book(in_lane int, book uuid, most int) returns bigint
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
comment on function lika.wipe_test_book is 'Empties the test book of one issuer in one lane, but for journal and ledger.';
revoke execute on function lika.wipe_test_book from public;
grant execute on function lika.wipe_test_book to lika_app;

-- Frees the idempotency keys and the outside names of one issuer's test mode.
create function lika.forget_test_claims(book uuid) returns void
language plpgsql
security definer
set search_path = lika, pg_catalog, pg_temp
as $$
declare
  buckets constant int[] := array(select generate_series(0, 1023));
begin
  if ('x' || right(book::text, 4))::bit(16)::int >> 10 <> 1 then
    raise exception 'not the book of a test mode: %', book using errcode = 'invalid_parameter_value';
  end if;
  -- Both keys begin with the bucket: naming every one of them finds the book's rows by index.
  delete from claim where bucket = any(buckets) and book_id = book;
  delete from directory where bucket = any(buckets) and book_id = book;
end
$$;
comment on function lika.forget_test_claims is 'Makes the idempotency keys and references of a test mode free again.';
revoke execute on function lika.forget_test_claims from public;
grant execute on function lika.forget_test_claims to lika_app;
