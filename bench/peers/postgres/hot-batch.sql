\set n :n + 1
select reserve_many(array_agg(:session::text || '-' || :client_id::text || '-' || :n::text || '-' || i), array_agg('store-0'::text), array_agg('sku-0'::text), array_agg(1::bigint), 600) from generate_series(1, 100) as i;
