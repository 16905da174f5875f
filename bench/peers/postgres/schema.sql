-- The stock and the work of one reservation, as a careful PostgreSQL user would write them.
-- Kind to PostgreSQL on purpose: no foreign keys, few indexes, bytewise collation, room in each page for
-- HOT updates, ids taken from the sequence in blocks, and the row lock taken last, so that it is held briefly.

begin;

create table level (
    location text   not null,
    sku      text   not null,
    on_hand  bigint not null,
    reserved bigint not null default 0
) with (fillfactor = 80);

create sequence reservation_id cache 100;

create table reservation (
    id         bigint      primary key,
    location   text        not null,
    sku        text        not null,
    quantity   bigint      not null,
    ttl        integer     not null,
    state      smallint    not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

-- What finds the reservations that have expired. Ids and expiries only grow, so both indexes grow at one end.
create index reservation_expiry on reservation (expires_at) where state = 0;

create table idempotency_key (
    key         text   primary key,
    reservation bigint not null
);

create table ledger (
    entry       bigint generated always as identity (cache 100) primary key,
    at          timestamptz not null default now(),
    kind        smallint    not null,
    location    text        not null,
    sku         text        not null,
    quantity    bigint      not null,
    reservation bigint      not null
);

-- 1,000 locations x 1,000 SKUs, so full that no run empties one.
insert into level (location, sku, on_hand)
select 'store-' || location, 'sku-' || sku, 1000000000000
from generate_series(0, 999) as location, generate_series(0, 999) as sku;

alter table level add primary key (location, sku);

-- One reservation. Gives its id; the first id again for a key already used with the same request.
create function reserve(asked_key text, asked_location text, asked_sku text, asked_quantity bigint, asked_ttl integer)
returns bigint language plpgsql as $$
declare
    new_id bigint := nextval('reservation_id');
    first_id bigint;
begin
    insert into idempotency_key (key, reservation) values (asked_key, new_id) on conflict do nothing;
    if not found then
        select r.id into first_id
        from idempotency_key k join reservation r on r.id = k.reservation
        where k.key = asked_key and (r.location, r.sku, r.quantity, r.ttl)
            = (asked_location, asked_sku, asked_quantity, asked_ttl);
        if not found then
            raise exception 'the key was used for another request' using errcode = 'OH001';
        end if;
        return first_id;
    end if;

    insert into reservation (id, location, sku, quantity, ttl, expires_at)
    values (new_id, asked_location, asked_sku, asked_quantity, asked_ttl, now() + asked_ttl * interval '1 second');
    insert into ledger (kind, location, sku, quantity, reservation)
    values (1, asked_location, asked_sku, asked_quantity, new_id);

    update level set reserved = reserved + asked_quantity
    where location = asked_location and sku = asked_sku and on_hand - reserved >= asked_quantity;
    if not found then
        raise exception 'not enough available' using errcode = 'OH002';
    end if;
    return new_id;
end $$;

-- Many reservations in one transaction, set by set: PostgreSQL's best practice for batches. All or none: a key seen
-- before, or one level that is short, refuses the batch, and the caller asks one by one. Levels are locked in one
-- order, so that batches do not deadlock.
create function reserve_many(keys text[], locations text[], skus text[], quantities bigint[], asked_ttl integer)
returns bigint[] language plpgsql as $$
declare
    ids bigint[];
    asked bigint := cardinality(keys);
    changed bigint;
    short bigint;
begin
    select array_agg(nextval('reservation_id')) into ids from generate_series(1, asked);
    insert into idempotency_key (key, reservation)
    select key, id from unnest(keys, ids) as a (key, id) order by key on conflict do nothing;
    get diagnostics changed = row_count;
    if changed < asked then
        raise exception 'a key was used before' using errcode = 'OH001';
    end if;

    insert into reservation (id, location, sku, quantity, ttl, expires_at)
    select id, location, sku, quantity, asked_ttl, now() + asked_ttl * interval '1 second'
    from unnest(ids, locations, skus, quantities) as a (id, location, sku, quantity);
    insert into ledger (kind, location, sku, quantity, reservation)
    select 1, location, sku, quantity, id
    from unnest(ids, locations, skus, quantities) as a (id, location, sku, quantity);

    perform 1 from level l
    join (select distinct location, sku from unnest(locations, skus) as a (location, sku)) as a using (location, sku)
    order by l.location, l.sku for no key update of l;

    with wanted as (
        select location, sku, sum(quantity)::bigint as quantity
        from unnest(locations, skus, quantities) as a (location, sku, quantity) group by location, sku
    ), held as (
        update level l set reserved = l.reserved + w.quantity from wanted w
        where l.location = w.location and l.sku = w.sku and l.on_hand - l.reserved >= w.quantity
        returning 1
    )
    select (select count(*) from wanted) - (select count(*) from held) into short;
    if short > 0 then
        raise exception 'not enough available' using errcode = 'OH002';
    end if;
    return ids;
end $$;

commit;
