-- Campaigns and what they give: budgets by lane, rebates on cards, vouchers, loads given back, pre-sales.

create table lika.campaign (
  id uuid not null,
  book_id uuid not null,
  -- The lane in which its budgets are opened and to which they are called home.
  home_lane int not null,
  -- The newest version; and the one that is in force, 0: none was published.
  latest int not null,
  version int not null,
  status text not null,
  -- Who ended it before its time.
  ended_by uuid,
  ended_owner text,
  ended_at timestamptz,
  reference text,
  metadata jsonb not null,
  created_at timestamptz not null,
  constraint pk_campaign primary key (id),
  constraint uq_campaign_reference unique (book_id, reference),
  constraint ck_campaign_version check (version between 0 and latest),
  constraint ck_campaign_status check (status in ('draft', 'published', 'ended')),
  constraint ck_campaign_published check ((status = 'draft') = (version = 0)),
  constraint ck_campaign_ended check (
    (status = 'ended') = (ended_at is not null)
    and (ended_by is null) = (ended_at is null)
    and (ended_owner is null) = (ended_at is null)
  )
);
create index campaign_by_book on lika.campaign (book_id, id);
comment on table lika.campaign is 'Campaigns of issuers; what they promise lies in versions.';
grant select, insert, update on lika.campaign to lika_app;

create table lika.campaign_version (
  campaign_id uuid not null,
  version int not null,
  book_id uuid not null,
  name text not null,
  kind text not null,
  rule jsonb not null,
  -- Fen; for each week where the campaign gives by the week.
  budget bigint not null,
  starts_on date not null,
  ends_on date not null,
  -- Whose cards, and at whose tills; empty: all.
  products uuid[] not null,
  merchants uuid[] not null,
  proposed_by uuid not null,
  proposed_owner text not null,
  published_by uuid,
  published_owner text,
  created_at timestamptz not null,
  published_at timestamptz,
  constraint pk_campaign_version primary key (campaign_id, version),
  constraint fk_campaign_version_campaign foreign key (campaign_id) references lika.campaign (id),
  constraint ck_campaign_version_version check (version > 0),
  constraint ck_campaign_version_kind check (
    kind in ('load_bonus', 'ladder', 'cash_back', 'voucher', 'monthly', 'random', 'presale')
  ),
  constraint ck_campaign_version_budget check (budget > 0),
  constraint ck_campaign_version_dates check (starts_on <= ends_on),
  constraint ck_campaign_version_people check (
    published_by <> proposed_by and published_owner <> proposed_owner
  ),
  constraint ck_campaign_version_published check (
    (published_by is null) = (published_at is null) and (published_owner is null) = (published_at is null)
  )
);
comment on table lika.campaign_version is 'What a campaign promises, who proposed it and who published it; never changed but by its publication.';
grant select, insert, update on lika.campaign_version to lika_app;

create table lika.budget_line (
  lane int not null,
  -- Of the command that opened it; owner of the budget accounts in all lanes.
  id uuid not null,
  book_id uuid not null,
  campaign_id uuid not null,
  -- The Monday of its week; 1970-01-01 for the one line of a campaign that does not give by the week.
  period date not null,
  -- Fen put in, and fen that came back when it was closed.
  opened bigint not null,
  returned bigint not null default 0,
  status text not null,
  created_at timestamptz not null,
  constraint pk_budget_line primary key (lane, id),
  constraint uq_budget_line_period unique (lane, campaign_id, period),
  constraint ck_budget_line_opened check (opened > 0),
  constraint ck_budget_line_returned check (returned between 0 and opened),
  constraint ck_budget_line_status check (status in ('open', 'closed'))
);
comment on table lika.budget_line is 'Money set aside for a campaign, in its home lane; shares of it lie in budget accounts of every lane.';
grant select, insert, update on lika.budget_line to lika_app;

create table lika.rebate (
  lane int not null,
  -- Of the command that gave it; one command may give several.
  id uuid not null,
  line int not null,
  book_id uuid not null,
  campaign_id uuid not null,
  version int not null,
  budget_line uuid not null,
  card_id uuid not null,
  form text not null,
  source text not null,
  -- The load, payment or pre-sale that it was given for; the card where it was given for a month.
  source_id uuid not null,
  -- First day of the month; 1970-01-01 for what is not given by the month.
  period date not null,
  -- Fen that the rule counts, net of what went back since.
  base bigint not null,
  amount bigint not null,
  -- Of the amount: set off against what the holder owed, and taken back.
  set_off bigint not null default 0,
  reversed bigint not null default 0,
  voucher_id uuid,
  created_at timestamptz not null,
  constraint pk_rebate primary key (lane, id, line),
  constraint uq_rebate_source unique (lane, campaign_id, source_id, period, card_id),
  constraint ck_rebate_form check (form in ('bonus', 'voucher')),
  constraint ck_rebate_voucher check ((form = 'voucher') = (voucher_id is not null)),
  constraint ck_rebate_source check (source in ('load', 'payment', 'month', 'presale')),
  constraint ck_rebate_base check (base >= 0),
  constraint ck_rebate_amount check (amount > 0),
  constraint ck_rebate_set_off check (set_off between 0 and amount),
  constraint ck_rebate_reversed check (reversed between 0 and amount)
);
create index rebate_by_source on lika.rebate (lane, source_id);
create index rebate_by_card on lika.rebate (lane, card_id, id);
create index rebate_by_campaign on lika.rebate (lane, campaign_id, id);
comment on table lika.rebate is 'What a campaign gave to a card, what for, and what of it was taken back.';
grant select, insert, update on lika.rebate to lika_app;

create table lika.rebate_debt (
  lane int not null,
  card_id uuid not null,
  book_id uuid not null,
  amount bigint not null,
  constraint pk_rebate_debt primary key (lane, card_id),
  constraint ck_rebate_debt_amount check (amount >= 0)
);
comment on table lika.rebate_debt is 'Rebates that could not be taken back because they were spent; set off against the next ones.';
grant select, insert, update on lika.rebate_debt to lika_app;

create table lika.voucher (
  lane int not null,
  -- Owner of its account: what is left of it is the balance there.
  id uuid not null,
  book_id uuid not null,
  campaign_id uuid not null,
  card_id uuid not null,
  face bigint not null,
  -- The least payment for which it can be used, fen.
  min_amount bigint not null,
  -- Where it can be used; empty: everywhere.
  merchants uuid[] not null,
  expires_at timestamptz not null,
  status text not null,
  -- What was left when its time was over.
  lapsed bigint not null default 0,
  created_at timestamptz not null,
  constraint pk_voucher primary key (lane, id),
  constraint ck_voucher_face check (face > 0),
  constraint ck_voucher_lapsed check (lapsed between 0 and face),
  constraint ck_voucher_min_amount check (min_amount >= 0),
  constraint ck_voucher_status check (status in ('open', 'revoked', 'expired'))
);
create index voucher_by_card on lika.voucher (lane, card_id, id);
create index voucher_due on lika.voucher (lane, expires_at) where status = 'open';
comment on table lika.voucher is 'Vouchers of cards; an open one past its expiry pays no more, whether or not it was swept.';
grant select, insert, update on lika.voucher to lika_app;

create table lika.load_refund (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  load_id uuid not null,
  card_id uuid not null,
  amount bigint not null,
  -- Of the amount: owed to whoever paid, and kept for bonus that was spent.
  paid_out bigint not null,
  deducted bigint not null,
  -- The entry's body.
  outcome jsonb not null,
  reference text not null,
  reason text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_load_refund primary key (lane, id),
  constraint ck_load_refund_amount check (amount > 0),
  constraint ck_load_refund_parts check (paid_out >= 0 and deducted >= 0 and paid_out + deducted = amount)
);
create index load_refund_by_load on lika.load_refund (lane, load_id);
comment on table lika.load_refund is 'Loads that were given back, in part or whole.';
grant select, insert on lika.load_refund to lika_app;

create table lika.load_rest (
  lane int not null,
  load_id uuid not null,
  book_id uuid not null,
  refunded bigint not null,
  constraint pk_load_rest primary key (lane, load_id),
  constraint ck_load_rest_refunded check (refunded > 0)
);
comment on table lika.load_rest is 'Loads of which something was given back: how much in all.';
grant select, insert, update on lika.load_rest to lika_app;

create table lika.presale (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  campaign_id uuid not null,
  version int not null,
  product_id uuid not null,
  product_version int not null,
  price bigint not null,
  face bigint not null,
  method text not null,
  funding_reference text,
  person_id uuid,
  charter_id uuid,
  status text not null,
  card_id uuid,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_presale primary key (lane, id),
  constraint ck_presale_price check (price > 0 and price < face),
  constraint ck_presale_status check (status in ('sold', 'delivered', 'refunded')),
  constraint ck_presale_card check ((status = 'delivered') = (card_id is not null))
);
create index presale_by_book on lika.presale (lane, book_id, id);
comment on table lika.presale is 'Cards that were paid for at a discount and are delivered later.';
grant select, insert, update on lika.presale to lika_app;

create table lika.rebate_run (
  campaign_id uuid not null,
  -- The day, or the first day of the month, whose payments were gone through.
  day date not null,
  book_id uuid not null,
  granted int not null,
  finished_at timestamptz not null,
  constraint pk_rebate_run primary key (campaign_id, day)
);
comment on table lika.rebate_run is 'Days and months whose rebates are posted: the work of the schedule that is done.';
grant select, insert on lika.rebate_run to lika_app;

-- What a refund took back of rebates: [{campaign, card, taken, deducted, owed}].
alter table lika.refund add column rebates jsonb;

-- Beside `wipe_test_book`: what campaigns gave to the cards of a test book in a lane.
create function lika.wipe_test_rebates(in_lane int, book uuid) returns void
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
  delete from rebate where lane = in_lane and book_id = book;
  delete from rebate_debt where lane = in_lane and book_id = book;
  delete from voucher where lane = in_lane and book_id = book;
  delete from load_refund where lane = in_lane and book_id = book;
  delete from load_rest where lane = in_lane and book_id = book;
  delete from presale where lane = in_lane and book_id = book;
end
$$;
revoke all on function lika.wipe_test_rebates(int, uuid) from public;
grant execute on function lika.wipe_test_rebates(int, uuid) to lika_app;
