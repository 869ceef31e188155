-- The ground that every other migration stands on: the schema, the book of migrations, what the application's role
-- may do at all, and the function that makes monthly partitions. The runner has created the role lika_app before.

create schema lika;
revoke all on schema lika from public;
grant usage on schema lika to lika_app;

create table lika.migration (
  number int not null,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now(),
  constraint pk_migration primary key (number),
  constraint ck_migration_checksum check (checksum ~ '^[0-9a-f]{64}$')
);
comment on table lika.migration is 'Migrations that ran here, with the SHA-256 of their file.';
grant select on lika.migration to lika_app;

-- Makes the partition `<parent>_<month>` of a table of this schema that is partitioned by list over its column
-- `month` (yyyymm); false when it is there already. Runs with the owner's rights so that the application's role needs
-- none to create tables; what it can be asked for is closed: only such parents, only such months.
--
-- The partition is made apart and then attached: `create table … partition of` would lock the parent against
-- every reader and writer, `attach partition` does not (it does so only with the empty default partition).
create function lika.ensure_month(parent text, month int) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  partition text := parent || '_' || month;
begin
  if month not between 200001 and 999912 or month % 100 not between 1 and 12 then
    raise exception 'not a month: %', month using errcode = 'invalid_parameter_value';
  end if;
  if not exists (
    select
    from pg_class
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    join pg_partitioned_table on pg_partitioned_table.partrelid = pg_class.oid
    join pg_attribute on pg_attribute.attrelid = pg_class.oid
      and pg_attribute.attnum = pg_partitioned_table.partattrs[0]
    where pg_namespace.nspname = 'lika'
      and pg_class.relname = parent
      and pg_partitioned_table.partstrat = 'l'
      and pg_partitioned_table.partnatts = 1
      and pg_attribute.attname = 'month'
  ) then
    raise exception 'not a table with a partition for each month: %', parent
      using errcode = 'invalid_parameter_value';
  end if;
  if to_regclass(format('lika.%I', partition)) is not null then
    return false;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('lika.ensure_month', 0));
  -- Not to_regclass again: an advisory lock does not refresh what it remembers.
  if exists (
    select
    from pg_class
    where relnamespace = 'lika'::regnamespace
      and relname = partition
  ) then
    return false;
  end if;
  execute format('create table lika.%I (like lika.%I including all)', partition, parent);
  execute format('alter table lika.%I attach partition lika.%I for values in (%s)', parent, partition, month);
  return true;
end
$$;
revoke all on function lika.ensure_month(text, int) from public;
grant execute on function lika.ensure_month(text, int) to lika_app;
