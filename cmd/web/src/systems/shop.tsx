/*
 * The shop: what is for sale, who pays, and what became of one's orders. The owner's part (new products)
 * and the customer's stand side by side, since both is what somebody tries out.
 */
import { useState } from "preact/hooks";
import type { Row } from "../api";
import { useList } from "../data";
import { number, t, tr, won } from "../i18n";
import { may, rowKey } from "../rows";
import { Art } from "../ui/art";
import { Await, Button, Card, Empty, PageHead, Stat, Status } from "../ui/basics";
import { SystemFeed } from "../ui/feed";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { Who, who } from "../ui/who";

const newest = { sort: "id,desc", size: 50 };

function Account({ user }: { user: number }) {
  const accounts = useList("/shop/pays", { userId: user });
  const [topping, setTopping] = useState(false);
  return (
    <Card
      title={tr(["Account", "계좌"])}
      id="account"
      actions={
        <Button small onClick={() => setTopping(true)} id="top-up">
          {tr(["Add money", "충전하기"])}
        </Button>
      }
    >
      <Await shown={accounts}>
        {({ rows }) =>
          rows[0] === undefined ? (
            <Empty title={tr(["Shopper {user} has no account yet", "{user}번 고객의 계좌가 아직 없습니다"], { user })}>
              <Button kind="main" onClick={() => setTopping(true)}>
                {tr(["Open one", "계좌 만들기"])}
              </Button>
            </Empty>
          ) : (
            <Stat label={tr(["Balance", "잔액"])} value={<span data-id="balance">{won(Number(rows[0].payAmount))}</span>} />
          )
        }
      </Await>
      {topping && (
        <FormDialog
          title={tr(["Add money", "충전하기"])}
          onClose={() => setTopping(false)}
          id="top-up-form"
          fields={[
            { name: "payAmount", label: tr(["Amount (won)", "금액(원)"]), kind: "number", required: true, value: 100000 },
          ]}
          call={(body) => ({ method: "POST", path: "/shop/pays", body: { userId: user, ...body } })}
          submit={tr(["Add", "충전"])}
          done={tr(["The money is in the account", "계좌에 충전했습니다"])}
        />
      )}
    </Card>
  );
}

function Product({ product, onOrder }: { product: Row; onOrder: () => void }) {
  const left = Number(product.stockCount ?? 0);
  return (
    <li class="tile" data-product={product.id}>
      <Art name={String(product.stockName ?? "")} seed={Number(product.id)} kind="thing" />
      <h3>{String(product.stockName ?? "–")}</h3>
      <p class="price">{won(product.price as number | null)}</p>
      <p class={left === 0 ? "bad-text" : "faint"} data-id="stock">
        {left === 0 ? tr(["Sold out", "품절"]) : tr(["{n} left", "재고 {n}개"], { n: number(left) })}
      </p>
      <Button kind="main" small onClick={onOrder} disabled={left === 0} label={`${tr(["Order", "주문하기"])} ${product.stockName ?? `#${product.id}`}`} id="order">
        {tr(["Order", "주문하기"])}
      </Button>
    </li>
  );
}

function Products({ user }: { user: number }) {
  const products = useList("/shop/inventories", { ...newest, size: 60 });
  const [adding, setAdding] = useState(false);
  const [ordering, setOrdering] = useState<Row | null>(null);
  return (
    <Card
      title={tr(["Products", "상품"])}
      id="products"
      actions={
        <Button small onClick={() => setAdding(true)} id="add-product">
          {tr(["New product", "상품 등록"])}
        </Button>
      }
    >
      <Await shown={products}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["The shelves are empty", "진열된 상품이 없습니다"])}>
              <Samples system="shop" user={user} kind="main" />
            </Empty>
          ) : (
            <ul class="tiles">
              {rows.map((product) => (
                <Product key={product.id} product={product} onOrder={() => setOrdering(product)} />
              ))}
            </ul>
          )
        }
      </Await>
      {adding && (
        <FormDialog
          title={tr(["New product", "상품 등록"])}
          onClose={() => setAdding(false)}
          id="product-form"
          fields={[
            { name: "stockName", label: tr(["Name", "상품명"]), required: true },
            { name: "stockCount", label: tr(["Pieces in stock", "재고 수량"]), kind: "number", required: true, value: 100 },
            { name: "price", label: tr(["Price (won)", "가격(원)"]), kind: "number", required: true, value: 1000 },
          ]}
          call={(body) => ({ method: "POST", path: "/shop/inventories", body })}
          submit={t("add")}
          done={tr(["On the shelf", "상품을 등록했습니다"])}
        />
      )}
      {ordering && (
        <FormDialog
          title={tr(["Order {name}", "{name} 주문"], { name: String(ordering.stockName ?? `#${ordering.id}`) })}
          onClose={() => setOrdering(null)}
          id="order-form"
          fields={[
            { name: "quantity", label: tr(["How many", "수량"]), kind: "number", required: true, value: 1 },
            { name: "address", label: tr(["Where to", "배송지"]), value: tr(["12 Sejong-daero, Seoul", "서울시 중구 세종대로 12"]) },
          ]}
          call={(body) => ({
            method: "POST",
            path: "/shop/orders",
            body: { productId: ordering.id ?? null, userId: user, ...body },
          })}
          submit={tr(["Order", "주문하기"])}
          done={tr(["Ordered: paid, taken from stock, on its way", "주문 완료: 결제, 재고, 배송까지 처리했습니다"])}
          showCurl
        />
      )}
    </Card>
  );
}

function Orders({ user }: { user: number }) {
  const orders = useList("/shop/orders", { ...newest, userId: user });
  const pages = useList("/shop/mypages", { size: 50, userId: user, sort: "orderId,desc" });
  const products = useList("/shop/inventories", { size: 1000 });
  const delivery = new Map(pages.value?.rows.map((row) => [row.orderId, row.deliveryStatus]));
  const names = new Map(products.value?.rows.map((row) => [row.id, row.stockName]));
  const cancel = (order: Row) =>
    act(
      { method: "PUT", path: `/shop/orders/${rowKey(order)}/cancel` },
      tr(["Cancelled, money and stock are back", "취소되었습니다. 금액과 재고가 복구되었습니다"]),
    );
  return (
    <Card title={tr(["My page", "마이페이지"])} id="mypage">
      <Await shown={orders}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["No orders yet", "주문 내역이 없습니다"])} />
          ) : (
            <Table
              label={tr(["My orders", "내 주문"])}
              rows={rows}
              columns={[
                { head: tr(["Order", "주문"]), cell: (order) => <a href={`#/data/shop/orders/${rowKey(order)}`}>#{rowKey(order)}</a> },
                { head: tr(["Product", "상품"]), cell: (order) => String(names.get(order.productId ?? null) ?? order.productId) },
                { head: tr(["Pieces", "수량"]), cell: (order) => number(Number(order.quantity)), num: true },
                { head: tr(["Sum", "금액"]), cell: (order) => won(order.price === null ? null : Number(order.price) * Number(order.quantity)), num: true },
                { head: tr(["Status", "상태"]), cell: (order) => <Status value={order.status} /> },
                { head: tr(["Delivery", "배송"]), cell: (order) => <Status value={delivery.get(order.id ?? null)} /> },
                {
                  head: <span class="hidden">{t("commands")}</span>,
                  num: true,
                  cell: (order) =>
                    may(order, "cancel") && (
                      <Button small onClick={() => cancel(order)} label={`${t("cancel")} #${rowKey(order)}`} id="cancel">
                        {t("cancel")}
                      </Button>
                    ),
                },
              ]}
            />
          )
        }
      </Await>
    </Card>
  );
}

export function Shop() {
  const user = who("shop");
  return (
    <>
      <PageHead
        title={t("shop")}
        lead={tr([
          "An order takes money, stock and a delivery, all or nothing. Cancel it, and everything is back.",
          "주문 한 번에 결제, 재고, 배송이 모두 처리되거나 모두 취소됩니다. 주문을 취소하면 전부 되돌아옵니다.",
        ])}
      >
        <Who system="shop" label={tr(["Shopper", "고객 번호"])} />
      </PageHead>
      <div class="columns wide-left">
        <Products user={user} />
        <div class="stack side-stack">
          <Account user={user} />
          <SystemFeed system="shop" />
        </div>
      </div>
      <Orders user={user} />
    </>
  );
}
