-- What belongs to the whole installation: the check of its master key, and wrong secrets and forged codes, counted
-- over all processes.

create table lika.installation (
  only_row boolean not null default true,
  -- Derived from the master key: another key is noticed at start.
  key_check bytea not null,
  created_at timestamptz not null default now(),
  constraint pk_installation primary key (only_row),
  constraint ck_installation_only_row check (only_row),
  constraint ck_installation_key_check check (length(key_check) = 32)
);
comment on table lika.installation is 'One row since the first start; says which master key belongs to this database.';
grant select, insert on lika.installation to lika_app;

create table lika.guess (
  -- Keyed digest of who or what: a presented number, a handle, an API key, an address.
  subject bytea not null,
  -- Minutes of real time since 1970.
  minute int not null,
  wrong int not null,
  constraint pk_guess primary key (subject, minute),
  constraint ck_guess_subject check (length(subject) = 16),
  constraint ck_guess_wrong check (wrong >= 0)
);
comment on table lika.guess is 'Wrong secrets and forged codes of the last quarter of an hour, counted by minute.';
grant select, insert, update, delete on lika.guess to lika_app;
