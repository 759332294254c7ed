-- The peer: PostgreSQL doing the order of the shop system, everything in one transaction.
--
-- The work is the same as dure's saga: check the product and its price, take the money, take the
-- stock, create the delivery, the order and the mypage row, and put the same four events into an
-- outbox. The tables are what a careful PostgreSQL user would build: no foreign keys on the hot
-- path, free space in the pages of the two updated tables (so that updates stay HOT), sequences that
-- do not go to the WAL for every number.
--
-- Variables: products, users (how many of each to create).

CREATE TABLE inventories (
    id          bigint PRIMARY KEY,
    stock_name  text NOT NULL,
    stock_count bigint NOT NULL CHECK (stock_count >= 0),
    status      text,
    price       bigint NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE pays (
    id         bigint PRIMARY KEY,
    user_id    bigint NOT NULL UNIQUE,
    pay_amount bigint NOT NULL CHECK (pay_amount >= 0),
    status     text,
    point      bigint
) WITH (fillfactor = 50);

CREATE SEQUENCE order_ids CACHE 100;
CREATE SEQUENCE delivery_ids CACHE 100;
CREATE SEQUENCE outbox_ids CACHE 100;

CREATE TABLE orders (
    id         bigint PRIMARY KEY DEFAULT nextval('order_ids'),
    product_id bigint NOT NULL,
    quantity   bigint NOT NULL,
    user_id    bigint NOT NULL,
    status     text NOT NULL,
    price      bigint NOT NULL
);

CREATE TABLE deliveries (
    id         bigint PRIMARY KEY DEFAULT nextval('delivery_ids'),
    order_id   bigint NOT NULL,
    user_id    bigint NOT NULL,
    address    text,
    quantity   bigint NOT NULL,
    status     text NOT NULL,
    product_id bigint NOT NULL
);

CREATE TABLE mypages (
    order_id        bigint PRIMARY KEY,
    product_id      bigint NOT NULL,
    user_id         bigint NOT NULL,
    quantity        bigint NOT NULL,
    delivery_status text NOT NULL
);

CREATE TABLE outbox (
    id        bigint PRIMARY KEY DEFAULT nextval('outbox_ids'),
    type      text NOT NULL,
    source    text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    data      text NOT NULL
);

-- One order, one call. Returns the order's id; a refusal raises, which undoes all of it.
CREATE FUNCTION place_order(the_product bigint, the_quantity bigint, the_user bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    the_price    bigint;
    the_order    bigint;
    the_delivery bigint;
    the_account  bigint;
    money_left   bigint;
    stock_left   bigint;
    the_stock    text;
BEGIN
    SELECT price, stock_name INTO the_price, the_stock FROM inventories WHERE id = the_product;
    IF NOT FOUND THEN RAISE EXCEPTION 'unknown product %', the_product; END IF;

    UPDATE pays SET pay_amount = pay_amount - the_price * the_quantity
     WHERE user_id = the_user AND pay_amount >= the_price * the_quantity
    RETURNING id, pay_amount INTO the_account, money_left;
    IF NOT FOUND THEN RAISE EXCEPTION '잔액부족'; END IF;

    INSERT INTO orders (product_id, quantity, user_id, status, price)
    VALUES (the_product, the_quantity, the_user, '주문완료', the_price)
    RETURNING id INTO the_order;

    INSERT INTO deliveries (order_id, user_id, quantity, status, product_id)
    VALUES (the_order, the_user, the_quantity, '배송중', the_product)
    RETURNING id INTO the_delivery;

    INSERT INTO mypages VALUES (the_order, the_product, the_user, the_quantity, '배송중');

    -- The most contended row comes last, so that its lock is held for the shortest time.
    UPDATE inventories SET stock_count = stock_count - the_quantity
     WHERE id = the_product AND stock_count >= the_quantity
    RETURNING stock_count INTO stock_left;
    IF NOT FOUND THEN RAISE EXCEPTION '재고부족'; END IF;

    INSERT INTO outbox (type, source, data) VALUES
    ('shop.order.OrderPlaced', '/shop/orders/' || the_order,
     format('{"eventType":"OrderPlaced","id":%s,"quantity":%s,"userId":%s,"status":"주문완료","productId":%s,"price":%s}',
            the_order, the_quantity, the_user, the_product, the_price)),
    ('shop.pay.PayApproval', '/shop/pays/' || the_account,
     format('{"eventType":"PayApproval","id":%s,"payAmount":%s,"userId":%s,"status":"결제승인","point":null,"orderId":%s}',
            the_account, money_left, the_user, the_order)),
    ('shop.inventory.StockDecreased', '/shop/inventories/' || the_product,
     format('{"eventType":"StockDecreased","id":%s,"stockName":"%s","status":"재고차감","stockCount":%s,"price":%s,"orderId":%s}',
            the_product, the_stock, stock_left, the_price, the_order)),
    ('shop.delivery.DeliveryStarted', '/shop/deliveries/' || the_delivery,
     format('{"eventType":"DeliveryStarted","id":%s,"orderId":%s,"userId":%s,"address":null,"quantity":%s,"status":"배송중","productId":%s}',
            the_delivery, the_order, the_user, the_quantity, the_product));
    RETURN the_order;
END $$;

-- Bulk, order by order: `count` random orders in one transaction. Rows are locked in key order
-- first, or two such calls would deadlock.
CREATE FUNCTION place_orders_each(count int, products bigint, users bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    the_users    bigint[];
    the_products bigint[];
BEGIN
    SELECT array_agg(1 + floor(random() * users)::bigint),
           array_agg(1 + floor(random() * products)::bigint)
      INTO the_users, the_products FROM generate_series(1, count);
    PERFORM 1 FROM pays WHERE user_id = ANY (the_users) ORDER BY user_id FOR NO KEY UPDATE;
    PERFORM 1 FROM inventories WHERE id = ANY (the_products) ORDER BY id FOR NO KEY UPDATE;
    FOR i IN 1 .. count LOOP
        PERFORM place_order(the_products[i], 1, the_users[i]);
    END LOOP;
    RETURN count;
END $$;

-- Bulk, by sets: the fastest way PostgreSQL has. Every account and every product is updated once per
-- call. Like the loop above it is all or nothing (a single short account refuses the whole call),
-- which is less than dure's bulk promises; it is here as the strongest peer.
CREATE FUNCTION place_orders_set(count int, products bigint, users bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    placed bigint;
    wanted_users bigint;
    wanted_products bigint;
    taken bigint;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS wanted (
        id bigint, delivery_id bigint, product_id bigint, user_id bigint, quantity bigint,
        price bigint, stock_name text
    ) ON COMMIT DELETE ROWS;

    INSERT INTO wanted
    SELECT nextval('order_ids'), nextval('delivery_ids'), w.product_id, w.user_id, 1,
           i.price, i.stock_name
      FROM (SELECT 1 + floor(random() * products)::bigint AS product_id,
                   1 + floor(random() * users)::bigint AS user_id
              FROM generate_series(1, count)) w
      JOIN inventories i ON i.id = w.product_id;
    GET DIAGNOSTICS placed = ROW_COUNT;
    IF placed <> count THEN RAISE EXCEPTION 'unknown product'; END IF;

    PERFORM 1 FROM pays WHERE user_id IN (SELECT user_id FROM wanted)
      ORDER BY user_id FOR NO KEY UPDATE;
    GET DIAGNOSTICS wanted_users = ROW_COUNT;
    UPDATE pays p SET pay_amount = p.pay_amount - w.money
      FROM (SELECT user_id, sum(price * quantity)::bigint AS money FROM wanted GROUP BY user_id) w
     WHERE p.user_id = w.user_id AND p.pay_amount >= w.money;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> wanted_users THEN RAISE EXCEPTION '잔액부족'; END IF;

    INSERT INTO orders SELECT id, product_id, quantity, user_id, '주문완료', price FROM wanted;
    INSERT INTO deliveries
    SELECT delivery_id, id, user_id, NULL, quantity, '배송중', product_id FROM wanted;
    INSERT INTO mypages SELECT id, product_id, user_id, quantity, '배송중' FROM wanted;

    PERFORM 1 FROM inventories WHERE id IN (SELECT product_id FROM wanted)
      ORDER BY id FOR NO KEY UPDATE;
    GET DIAGNOSTICS wanted_products = ROW_COUNT;
    UPDATE inventories i SET stock_count = i.stock_count - w.quantity
      FROM (SELECT product_id, sum(quantity)::bigint AS quantity FROM wanted GROUP BY product_id) w
     WHERE i.id = w.product_id AND i.stock_count >= w.quantity;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> wanted_products THEN RAISE EXCEPTION '재고부족'; END IF;

    INSERT INTO outbox (type, source, data)
    SELECT e.type, e.source, e.data
      FROM wanted w
      JOIN pays p ON p.user_id = w.user_id
      JOIN inventories i ON i.id = w.product_id
     CROSS JOIN LATERAL (VALUES
      ('shop.order.OrderPlaced', '/shop/orders/' || w.id,
       format('{"eventType":"OrderPlaced","id":%s,"quantity":%s,"userId":%s,"status":"주문완료","productId":%s,"price":%s}',
              w.id, w.quantity, w.user_id, w.product_id, w.price)),
      ('shop.pay.PayApproval', '/shop/pays/' || p.id,
       format('{"eventType":"PayApproval","id":%s,"payAmount":%s,"userId":%s,"status":"결제승인","point":null,"orderId":%s}',
              p.id, p.pay_amount, w.user_id, w.id)),
      ('shop.inventory.StockDecreased', '/shop/inventories/' || w.product_id,
       format('{"eventType":"StockDecreased","id":%s,"stockName":"%s","status":"재고차감","stockCount":%s,"price":%s,"orderId":%s}',
              w.product_id, w.stock_name, i.stock_count, w.price, w.id)),
      ('shop.delivery.DeliveryStarted', '/shop/deliveries/' || w.delivery_id,
       format('{"eventType":"DeliveryStarted","id":%s,"orderId":%s,"userId":%s,"address":null,"quantity":%s,"status":"배송중","productId":%s}',
              w.delivery_id, w.id, w.user_id, w.quantity, w.product_id))
     ) AS e(type, source, data);
    RETURN count;
END $$;

INSERT INTO inventories
SELECT n, 'product ' || n, 1000000000000, NULL, 10 FROM generate_series(1, :products) n;
INSERT INTO pays SELECT n, n, 1000000000000, NULL, 0 FROM generate_series(1, :users) n;
VACUUM ANALYZE;
