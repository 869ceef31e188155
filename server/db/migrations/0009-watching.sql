-- What a server may know of the sessions around it: the application's role sees no more of them than this function says.

-- The transaction that has been open longest among those of clients: vacuum can remove nothing that was deleted since
-- it began. Backups are left out; theirs are meant to be long. Runs with the owner's rights, because PostgreSQL hides the
-- sessions of other users.
create function lika.oldest_transaction(out pid int, out application text, out seconds double precision)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select pid, application_name, extract(epoch from clock_timestamp() - xact_start)
  from pg_stat_activity
  where datname = current_database()
    and backend_type = 'client backend'
    and xact_start is not null
    and (backend_xmin is not null or backend_xid is not null or state like 'idle in transaction%')
    and application_name not in ('pg_dump', 'pg_basebackup')
    and pid <> pg_backend_pid()
  order by xact_start
  limit 1
$$;
revoke all on function lika.oldest_transaction() from public;
grant execute on function lika.oldest_transaction() to lika_app;
