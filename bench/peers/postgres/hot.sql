\set n :n + 1
select reserve(:session::text || '-' || :client_id::text || '-' || :n::text, 'store-0', 'sku-0', 1, 600);
