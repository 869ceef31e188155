-- Members: people who are known by an OpenID, their sessions in the wallet, and what WeChat told of their cards.

create table lika.member (
  lane int not null,
  id uuid not null,
  book_id uuid not null,
  -- The app in which the OpenID holds; null: a guest, who has none.
  appid text,
  -- Under a keyed digest; members with the same one are one person.
  union_digest bytea,
  phone_digest bytea,
  -- By which staff tell phones apart.
  phone_last4 text,
  -- The key of this person under the master key: thrown away, the person is forgotten.
  sealed_key bytea not null,
  -- OpenID, UnionID and phone, under that key.
  sealed bytea not null,
  created_at timestamptz not null,
  constraint pk_member primary key (lane, id),
  constraint ck_member_union check (length(union_digest) = 16),
  constraint ck_member_phone check (length(phone_digest) = 16),
  constraint ck_member_phone_last4 check ((phone_digest is null) = (phone_last4 is null))
);
create index member_by_book on lika.member (book_id, id);
create index member_by_union on lika.member (book_id, union_digest) where union_digest is not null;
comment on table lika.member is 'People known by an OpenID, or as guests; the OpenID itself is encrypted under a key per person.';
grant select, insert, update, delete on lika.member to lika_app;

create table lika.member_link (
  lane int not null,
  member_id uuid not null,
  book_id uuid not null,
  -- The member as whom this one is read now; null: it was, and is its own again.
  into_id uuid,
  -- The merge or its undoing that says so.
  merge_id uuid not null,
  constraint pk_member_link primary key (lane, member_id),
  constraint ck_member_link_other check (into_id <> member_id)
);
create index member_link_by_member on lika.member_link (member_id);
create index member_link_by_into on lika.member_link (into_id) where into_id is not null;
comment on table lika.member_link is 'Which members are one person with another; what each owns is read through it and stays where it is.';
grant select, insert, update, delete on lika.member_link to lika_app;

create table lika.member_merge (
  lane int not null,
  -- Of the command.
  id uuid not null,
  book_id uuid not null,
  member_id uuid not null,
  into_id uuid not null,
  -- The member whose login told it; null: a person undid it.
  told_by uuid,
  -- The merge that this one undoes; null: it is a merge.
  undoes uuid,
  at timestamptz not null,
  constraint pk_member_merge primary key (lane, id)
);
create index member_merge_by_member on lika.member_merge (member_id, id);
create index member_merge_by_into on lika.member_merge (into_id, id);
comment on table lika.member_merge is 'Every merge of members and every undoing, in the order in which they happened.';
grant select, insert, delete on lika.member_merge to lika_app;

create table lika.wallet_session (
  -- SHA-256 of the token, which only the holder has.
  digest bytea not null,
  book_id uuid not null,
  member_id uuid not null,
  -- The app by which the member came.
  app_id uuid not null,
  -- Real time in both modes.
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_wallet_session primary key (digest),
  constraint ck_wallet_session_digest check (length(digest) = 32)
);
create index wallet_session_by_expiry on lika.wallet_session (expires_at);
create index wallet_session_by_book on lika.wallet_session (book_id);
comment on table lika.wallet_session is 'Who is logged in to the wallet.';
grant select, insert, update, delete on lika.wallet_session to lika_app;

create table lika.wallet_login (
  -- Of the state that came back from WeChat.
  digest bytea not null,
  expires_at timestamptz not null,
  constraint pk_wallet_login primary key (digest)
);
create index wallet_login_by_expiry on lika.wallet_login (expires_at);
comment on table lika.wallet_login is 'States of logins that came back, so that each comes back once.';
grant select, insert, delete on lika.wallet_login to lika_app;

create table lika.app_event (
  app_id uuid not null,
  -- The same for every delivery of one event.
  dedupe_key bytea not null,
  book_id uuid not null,
  member_id uuid not null,
  event text not null,
  -- WeChat's card, and the code under which the member has it, as a digest; null: about no card.
  wechat_card_id text,
  code_digest bytea,
  code_last4 text,
  -- What the event says of the card's state; null: nothing.
  means text,
  -- WeChat's time, whole seconds.
  at timestamptz not null,
  constraint pk_app_event primary key (app_id, dedupe_key),
  constraint ck_app_event_means check (means in ('received', 'gifting', 'gifted', 'returned', 'consumed', 'deleted')),
  constraint ck_app_event_card check ((code_digest is null) = (means is null) and (code_digest is null) = (wechat_card_id is null))
);
create index app_event_by_member on lika.app_event (member_id, at);
create index app_event_by_book on lika.app_event (book_id);
create index app_event_passing on lika.app_event (at) where means is null;
comment on table lika.app_event is 'What WeChat told of a member, each event once; the state of a card in WeChat is what these add up to.';
grant select, insert, delete on lika.app_event to lika_app;
