-- What a payee could not give back is asked about ever less often, by one process at a time, and found without reading every
-- return there ever was; and what WeChat has once said that it has ends by its word only. Not of the round.
alter table lika.share_return
  -- WeChat has it, and carries it out or says why not.
  add column is_there boolean not null default false,
  -- When WeChat is asked next of what no refund waits for any more; null: at once.
  add column next_at timestamptz,
  -- How often it was asked of that.
  add column tries int not null default 0;
update lika.share_return set is_there = true where state = 'asked' and reason = 'NOT_ENOUGH';
create index share_return_to_follow on lika.share_return (lane, coalesce(next_at, created_at))
  where state = 'asked';
create index share_return_waiting on lika.share_return (share_id)
  where state = 'asked' and reason is not null;
