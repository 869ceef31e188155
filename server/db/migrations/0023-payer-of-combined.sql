-- Who was asked to pay the part by WeChat, as a digest: a payment is compared with whom WeChat was asked for, whoever the
-- member has become since. Null: whoever scans the code, and payments from before, whose member is looked up.
alter table lika.combined_payment
  add column payer_digest bytea;
