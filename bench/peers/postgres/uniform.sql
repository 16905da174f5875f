\set n :n + 1
\set location random(0, 999)
\set sku random(0, 999)
select reserve(:session::text || '-' || :client_id::text || '-' || :n::text, 'store-' || :location::text, 'sku-' || :sku::text, 1, 600);
