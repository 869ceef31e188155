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
