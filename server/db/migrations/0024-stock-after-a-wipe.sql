-- How much of a product may be sold is set up by the seller, like the product: a wipe of the test data forgets what was
-- taken of it, and leaves the limits.
create or replace function lika.wipe_test_sales(in_lane int, book uuid) returns void
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
  delete from combined_call where lane = in_lane and book_id = book;
  delete from combined_refund where lane = in_lane and book_id = book;
  delete from combined_payment where lane = in_lane and book_id = book;
  delete from red_packet where lane = in_lane and book_id = book;
  delete from share_return where lane = in_lane and book_id = book;
  delete from profit_share where lane = in_lane and book_id = book;
  delete from shared_trade where lane = in_lane and book_id = book;
  delete from stock_reservation where lane = in_lane and book_id = book;
  delete from stock_member where lane = in_lane and book_id = book;
  update product_stock
  set reserved = 0, sold = 0
  where lane = in_lane
    and book_id = book
    and (reserved > 0 or sold > 0);
end
$$;
