\set n :n + 1
select reserve_many(array_agg(:session::text || '-' || :client_id::text || '-' || :n::text || '-' || i), array_agg('store-' || floor(random() * 1000)), array_agg('sku-' || floor(random() * 1000)), array_agg(1::bigint), 600) from generate_series(1, 100) as i;
