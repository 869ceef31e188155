-- Webhooks: who wants to be told of events, how far each of them has been told in each lane, and what was tried.

create table lika.webhook_endpoint (
  id uuid not null,
  book_id uuid not null,
  url text not null,
  -- Types of events, or `payment.*` for all of a noun.
  events text[] not null,
  -- The key of its signatures, sealed under the master key with the id as context.
  sealed_secret bytea not null,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint pk_webhook_endpoint primary key (id),
  constraint ck_webhook_endpoint_events check (cardinality(events) > 0)
);
create index webhook_endpoint_by_book on lika.webhook_endpoint (book_id, id);
create unique index uq_webhook_endpoint_reference on lika.webhook_endpoint (book_id, reference);
comment on table lika.webhook_endpoint is 'Where events of a book are sent.';
grant select, insert, delete on lika.webhook_endpoint to lika_app;

create table lika.webhook_lease (
  endpoint_id uuid not null,
  -- The server process that alone delivers to the endpoint until then.
  owner uuid not null,
  until timestamptz not null,
  constraint pk_webhook_lease primary key (endpoint_id),
  constraint fk_webhook_lease_endpoint foreign key (endpoint_id)
    references lika.webhook_endpoint (id) on delete cascade
) with (fillfactor = 50);
comment on table lika.webhook_lease is 'Which server process delivers to which endpoint.';
grant select, insert, update, delete on lika.webhook_lease to lika_app;

create table lika.webhook_cursor (
  lane int not null,
  endpoint_id uuid not null,
  -- The last journal entry whose events were all delivered, and its digest.
  seq bigint not null,
  digest bytea not null,
  -- Events of the entry after it that were delivered already.
  done int not null default 0,
  -- Raised by each replay, so that a delivery under way does not move the cursor on from where the replay put it.
  replays int not null default 0,
  -- Failed attempts at the next event.
  attempts int not null default 0,
  -- The first failed attempt after the last that was delivered.
  failing_since timestamptz,
  next_attempt_at timestamptz,
  constraint pk_webhook_cursor primary key (lane, endpoint_id),
  constraint fk_webhook_cursor_endpoint foreign key (endpoint_id)
    references lika.webhook_endpoint (id) on delete cascade,
  constraint ck_webhook_cursor_seq check (seq >= 0),
  constraint ck_webhook_cursor_done check (done >= 0),
  constraint ck_webhook_cursor_failing check (attempts = 0 or failing_since is not null)
) with (fillfactor = 50);
create index webhook_cursor_by_endpoint on lika.webhook_cursor (endpoint_id);
comment on table lika.webhook_cursor is 'How far an endpoint has been told of the events of a lane.';
grant select, insert, update, delete on lika.webhook_cursor to lika_app;

create table lika.webhook_delivery (
  lane int not null,
  -- UUIDv7 of the attempt in real time: the order of the list and of the sweep.
  id uuid not null,
  book_id uuid not null,
  endpoint_id uuid not null,
  -- The command's id with the number of the event in its kind bits.
  event_id uuid not null,
  event_type text not null,
  -- Which attempt at this event it was, from 1.
  attempt int not null,
  at timestamptz not null,
  status text not null,
  response_status int,
  error text,
  next_attempt_at timestamptz,
  constraint pk_webhook_delivery primary key (lane, id),
  constraint ck_webhook_delivery_status check (status in ('delivered', 'failed')),
  constraint ck_webhook_delivery_attempt check (attempt > 0)
);
create index webhook_delivery_by_book on lika.webhook_delivery (book_id, id);
comment on table lika.webhook_delivery is 'Every attempt to deliver an event; kept for a month.';
grant select, insert, delete on lika.webhook_delivery to lika_app;
