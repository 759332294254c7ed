import type { Row } from "../api";
import { type Text, tr } from "../i18n";
import { firstOf, get, idOf, post, put, some, type Step } from "./steps";

const rows = (data: unknown, count: number) =>
  Object.values((data as { _embedded?: Record<string, Row[]> })._embedded ?? {})[0]!.length >= count;

const shop: Step[] = [
  {
    title: ["Put a product on the shelf", "상품 등록하기"],
    why: ["1,000 pieces at ₩1,000. The answer means that it is on disk.", "1,000원짜리 상품 1,000개입니다. 응답이 왔다면 이미 디스크에 저장된 것입니다."],
    call: () => post("/shop/inventories", { stockName: "TV", stockCount: 1000, price: 1000 }),
    keep: (kept, data) => { kept.product = idOf(data); },
  },
  {
    title: ["Open an account with money", "계좌에 돈 넣기"],
    why: ["Every member has one account; depositing again adds to it.", "회원마다 계좌가 하나 있고, 다시 넣으면 더해집니다."],
    call: (k) => post("/shop/pays", { userId: k.user ?? 1, payAmount: 1999999 }),
    keep: (kept, data) => { kept.account = idOf(data); },
  },
  {
    title: ["Order ten", "열 개 주문하기"],
    why: ["A saga takes the money, the stock and starts the delivery; the answer comes when all of it is done.", "사가가 결제하고, 재고를 빼고, 배송을 시작합니다. 모두 끝나면 응답이 옵니다."],
    call: (k) => post("/shop/orders", { productId: k.product ?? "PRODUCT", quantity: 10, userId: k.user ?? 1 }),
    keep: (kept, data) => { kept.order = idOf(data); },
  },
  {
    title: ["The account: 10,000 less", "계좌 확인: 10,000 감소"],
    why: ["1,999,999 − 10 × 1,000 = 1,989,999.", "1,999,999 − 10 × 1,000 = 1,989,999입니다."],
    call: (k) => get(`/shop/pays/${k.account ?? "ACCOUNT"}`),
  },
  {
    title: ["Order more than there is", "재고보다 많이 주문하기"],
    why: ["The money is taken first, then the stock turns out to be short: the saga goes back and returns the money. The order is kept, refused.", "먼저 결제한 뒤 재고가 모자라면 사가가 거꾸로 되돌려 돈을 돌려줍니다. 주문은 거절된 상태로 남습니다."],
    call: (k) => post("/shop/orders", { productId: k.product ?? "PRODUCT", quantity: 991, userId: k.user ?? 1 }),
    refused: 409,
  },
  {
    title: ["Cancel the order", "주문 취소하기"],
    why: ["Backwards: delivery, stock, money.", "거꾸로 되돌립니다: 배송, 재고, 돈."],
    call: (k) => put(`/shop/orders/${k.order ?? "ORDER"}/cancel`),
  },
  {
    title: ["All the money is back", "돈이 모두 돌아왔습니다"],
    why: ["1,999,999 again. The stock is 1,000 again, too.", "다시 1,999,999입니다. 재고도 다시 1,000개입니다."],
    call: (k) => get(`/shop/pays/${k.account ?? "ACCOUNT"}`),
  },
  {
    title: ["What happened to the order, from the journal", "저널에 남은 주문의 이력"],
    why: ["Every event stays, in order, forever.", "모든 이벤트는 순서대로 영원히 남습니다."],
    call: (k) => get(`/shop/orders/${k.order ?? "ORDER"}/events`),
  },
];

const food: Step[] = [
  {
    title: ["The store adds a dish", "가게: 메뉴 등록"],
    why: ["Store 1 sells pizza.", "1번 가게가 피자를 팝니다."],
    call: () => post("/food/foods", { name: tr(["Pizza", "피자"]), storeId: 1 }),
    keep: (kept, data) => { kept.food = idOf(data); },
  },
  {
    title: ["A customer orders it", "고객: 주문"],
    why: ["Paid at once: the status in the answer says so already.", "바로 결제됩니다. 응답에 이미 결제완료라고 나옵니다."],
    call: (k) => post("/food/orders", { foodId: k.food ?? "FOOD", customerId: k.user ?? 1, options: tr(["extra cheese", "치즈 추가"]), address: tr(["Seoul, Gangnam-gu 1", "서울시 강남구 1"]) }),
    keep: (kept, data) => {
      kept.order = idOf(data);
      kept.near = String((data as Row).address).split(/[ ,]/)[0]!;
    },
  },
  {
    title: ["The store sees it", "가게: 들어온 주문 보기"],
    why: ["The payment made an entry in the kitchen.", "결제가 되면 주방에 주문이 생깁니다."],
    call: (k) => get(`/food/storeOrders?orderId=${k.order ?? "ORDER"}`),
    until: some,
    keep: (kept, data) => { kept.ticket = firstOf(data)!.id as number; },
  },
  {
    title: ["Accepts", "가게: 접수"],
    why: ["The customer's order follows: accepted.", "고객의 주문도 주문접수됨이 됩니다."],
    call: (k) => put(`/food/storeOrders/${k.ticket ?? "STORE-ORDER"}/accept`),
  },
  {
    title: ["Starts cooking", "가게: 요리 시작"],
    why: ["From now on it cannot be cancelled any more.", "이제부터는 취소할 수 없습니다."],
    call: (k) => put(`/food/storeOrders/${k.ticket ?? "STORE-ORDER"}/start-cook`),
  },
  {
    title: ["The customer tries to cancel: too late", "고객: 취소 시도, 너무 늦음"],
    why: ["409, with the sentence to show.", "409와 보여줄 문장이 함께 옵니다."],
    call: (k) => put(`/food/orders/${k.order ?? "ORDER"}/cancel`),
    refused: 409,
  },
  {
    title: ["It is cooked", "가게: 요리 완료"],
    why: ["A delivery comes into being, and waits for a rider.", "배달이 생기고 라이더를 기다립니다."],
    call: (k) => put(`/food/storeOrders/${k.ticket ?? "STORE-ORDER"}/finish-cook`),
  },
  {
    title: ["A rider looks around", "라이더: 주변 배달 찾기"],
    why: ["Waiting deliveries near the customer.", "고객 근처에서 기다리는 배달입니다."],
    call: (k) => get(`/food/deliveries?status=대기중&near=${k.near ?? "CITY"}&orderId=${k.order ?? "ORDER"}`),
    until: some,
    keep: (kept, data) => { kept.delivery = firstOf(data)!.id as number; },
  },
  {
    title: ["Takes it", "라이더: 배달 시작"],
    why: ["A second rider would get a 409.", "다른 라이더가 잡으려 하면 409를 받습니다."],
    call: (k) => put(`/food/deliveries/${k.delivery ?? "DELIVERY"}/accept`),
  },
  {
    title: ["The customer has it", "고객: 수령 확인"],
    why: ["The order is delivered.", "배달완료가 됩니다."],
    call: (k) => put(`/food/deliveries/${k.delivery ?? "DELIVERY"}/confirm`),
  },
  {
    title: ["Five stars", "고객: 별점 5점"],
    why: ["The top menus learn of it.", "인기 메뉴에 반영됩니다."],
    call: (k) => put(`/food/orders/${k.order ?? "ORDER"}/evaluate`, { score: 5 }),
  },
  {
    title: ["Every step was told to the customer", "고객에게 간 알림"],
    why: ["One notification for each change.", "변경마다 알림이 하나씩 갔습니다."],
    call: (k) => get(`/food/notificationLogs?orderId=${k.order ?? "ORDER"}&sort=id`),
    until: (data) => rows(data, 8),
  },
];

const dr: Step[] = [
  {
    title: ["A customer who can save 400", "400을 줄일 수 있는 고객"],
    why: ["With 1,000 points to begin with.", "포인트 1,000으로 시작합니다."],
    call: () => post("/dr/users", { name: "samsung", point: 1000, capacity: 400 }),
    keep: (kept, data) => { kept.one = idOf(data); },
  },
  {
    title: ["And one who can save 300", "300을 줄일 수 있는 고객"],
    why: ["They are asked together.", "함께 요청을 받습니다."],
    call: () => post("/dr/users", { name: "lg", point: 1000, capacity: 300 }),
    keep: (kept, data) => { kept.two = idOf(data); },
  },
  {
    title: ["Power is short: start a demand response", "전력 부족: 수요반응 시작"],
    why: ["Every customer there is gets asked.", "등록된 모든 고객에게 요청이 갑니다."],
    call: () => post("/dr/drs/startdr", { name: "peak", type: "reliable" }),
    keep: (kept, data) => { kept.dr = idOf(data); },
  },
  {
    title: ["Samsung's question", "samsung에게 온 요청"],
    why: ["No answer yet: ignore.", "아직 응답이 없습니다."],
    call: (k) => get(`/dr/responses?drId=${k.dr ?? "DR"}&userId=${k.one ?? "USER"}`),
    until: some,
    keep: (kept, data) => { kept.first = firstOf(data)!.id as number; },
  },
  {
    title: ["Samsung accepts", "samsung 수락"],
    why: ["They may change their mind while it runs.", "진행 중에는 마음을 바꿀 수 있습니다."],
    call: (k) => put(`/dr/responses/${k.first ?? "RESPONSE"}/accept`),
  },
  {
    title: ["LG's question", "lg에게 온 요청"],
    why: ["The other customer's.", "다른 고객의 요청입니다."],
    call: (k) => get(`/dr/responses?drId=${k.dr ?? "DR"}&userId=${k.two ?? "USER"}`),
    until: some,
    keep: (kept, data) => { kept.second = firstOf(data)!.id as number; },
  },
  {
    title: ["LG denies", "lg 거절"],
    why: ["So there is nothing to settle for them.", "그래서 정산할 것이 없습니다."],
    call: (k) => put(`/dr/responses/${k.second ?? "RESPONSE"}/deny`),
  },
  {
    title: ["The demand ends", "수요반응 종료"],
    why: ["Now the meters of those who accepted are read.", "이제 수락한 고객의 계량기를 읽습니다."],
    call: (k) => put(`/dr/drs/${k.dr ?? "DR"}/end`),
  },
  {
    title: ["What was really saved", "실제로 줄인 양"],
    why: ["One settlement, for Samsung only.", "samsung 한 건만 정산됩니다."],
    call: (k) => get(`/dr/kepcos?drId=${k.dr ?? "DR"}&userId=${k.one ?? "USER"}`),
    until: (data) => firstOf(data)?.isReal !== null && firstOf(data) !== undefined,
  },
  {
    title: ["The points are paid", "포인트 지급"],
    why: ["1,000 and what the meter showed, once.", "1,000에 계량값이 한 번 더해졌습니다."],
    call: (k) => get(`/dr/users/${k.one ?? "USER"}`),
  },
];

const bike: Step[] = [
  {
    title: ["Register a bike", "자전거 등록"],
    why: ["A green one.", "초록색 자전거입니다."],
    call: () => post("/bike/managements", { color: "green", registeredDate: "2024-04-04" }),
    keep: (kept, data) => { kept.bike = Number((data as Row).bikeId); },
  },
  {
    title: ["Buy 3,000 points", "포인트 3,000 구매"],
    why: ["A reservation costs 1,000.", "예약에는 1,000이 듭니다."],
    call: (k) => post("/bike/approvals", { userId: k.user ?? 10, price: 3000, approveDate: "2024-04-04" }),
  },
  {
    title: ["The points are there", "포인트 확인"],
    why: ["They come by an event, a moment later.", "이벤트로 잠시 뒤에 들어옵니다."],
    call: (k) => get(`/bike/points/${k.user ?? 10}`),
    until: (data) => Number((data as Row | null)?.totalPoint) >= 3000,
  },
  {
    title: ["Reserve the bike", "자전거 예약"],
    why: ["The bike is held, the points are taken: both or neither.", "자전거를 잡고 포인트를 뺍니다. 둘 다 되거나 둘 다 안 됩니다."],
    call: (k) => post("/bike/reservations", { userId: k.user ?? 10, bikeId: k.bike ?? "BIKE" }),
    keep: (kept, data) => { kept.reservation = Number((data as Row).reserveNo); },
  },
  {
    title: ["Somebody else wants the same bike", "다른 사람이 같은 자전거 예약"],
    why: ["Refused; their points are untouched.", "거절되고 그 사람의 포인트는 그대로입니다."],
    call: (k) => post("/bike/reservations", { userId: Number(k.user ?? 10) + 1, bikeId: k.bike ?? "BIKE" }),
    refused: 409,
  },
  {
    title: ["Cancel", "예약 취소"],
    why: ["The bike is free again, 1,000 points come back, once.", "자전거가 풀리고 1,000 포인트가 한 번 돌아옵니다."],
    call: (k) => put(`/bike/reservations/${k.reservation ?? "RESERVATION"}/cancel`),
  },
  {
    title: ["3,000 points again", "다시 포인트 3,000"],
    why: ["Nothing is lost on the way.", "도중에 잃어버린 것이 없습니다."],
    call: (k) => get(`/bike/points/${k.user ?? 10}`),
    until: (data) => Number((data as Row | null)?.totalPoint) === 3000,
  },
  {
    title: ["Reserve and ride", "다시 예약"],
    why: ["The same bike, a new reservation.", "같은 자전거를 새로 예약합니다."],
    call: (k) => post("/bike/reservations", { userId: k.user ?? 10, bikeId: k.bike ?? "BIKE" }),
    keep: (kept, data) => { kept.reservation = Number((data as Row).reserveNo); },
  },
  {
    title: ["Bring it back", "반납"],
    why: ["Returned: no refund, the bike is free.", "사용완료: 환불은 없고 자전거가 풀립니다."],
    call: (k) => put(`/bike/reservations/${k.reservation ?? "RESERVATION"}/return`),
  },
];

const secondhand: Step[] = [
  {
    title: ["One watch in stock", "재고 한 개"],
    why: ["Product 100-something, one piece.", "상품 하나, 수량 1개입니다."],
    call: (k) => post("/secondhand/inventories", { productid: k.user ?? 100, productname: tr(["Smart watch", "애플워치"]), qty: 1 }),
    keep: (kept, data) => { kept.stock = idOf(data); },
  },
  {
    title: ["Somebody reserves it", "구매자가 예약"],
    why: ["A trade begins, and the stock is taken.", "거래가 시작되고 재고가 빠집니다."],
    call: (k) => post("/secondhand/reserves", { productid: k.user ?? 100, productname: tr(["Smart watch", "애플워치"]), userid: "abc", qty: 1, price: 50000, address: tr(["12 Sejong-daero, Seoul", "서울시 중구 세종대로 12"]) }),
    keep: (kept, data) => { kept.reserve = idOf(data); },
  },
  {
    title: ["The stock is empty", "재고 확인"],
    why: ["qty 0.", "수량이 0입니다."],
    call: (k) => get(`/secondhand/inventories/${k.stock ?? "STOCK"}`),
    until: (data) => (data as Row | null)?.qty === 0,
  },
  {
    title: ["A second buyer comes too late", "두 번째 구매자는 늦었습니다"],
    why: ["Never −1: refused.", "−1이 되는 일은 없습니다. 거절됩니다."],
    call: (k) => post("/secondhand/reserves", { productid: k.user ?? 100, productname: tr(["Smart watch", "애플워치"]), userid: "xyz", qty: 1, price: 50000, address: tr(["7 Haeundae-ro, Busan", "부산시 해운대로 7"]) }),
    refused: 409,
  },
  {
    title: ["The first one cancels", "첫 구매자가 취소"],
    why: ["The trade is called off, the piece comes back.", "거래가 취소되고 물건이 돌아옵니다."],
    call: (k) => put(`/secondhand/reserves/${k.reserve ?? "RESERVE"}/reservecancel`),
  },
  {
    title: ["One piece again", "다시 한 개"],
    why: ["qty 1.", "수량이 1입니다."],
    call: (k) => get(`/secondhand/inventories/${k.stock ?? "STOCK"}`),
    until: (data) => (data as Row | null)?.qty === 1,
  },
  {
    title: ["What abc was told", "abc에게 간 알림"],
    why: ["A notice for every change.", "변경마다 알림이 하나씩 갔습니다."],
    call: () => get("/secondhand/notices?userid=abc&sort=id,desc"),
    until: some,
  },
];

export type Tour = "food" | "shop" | "bike" | "secondhand" | "dr";

export const tours: Record<Tour, { steps: Step[]; about: Text }> = {
  food: { steps: food, about: ["An order through all four roles", "네 역할을 거치는 주문 한 건"] },
  shop: { steps: shop, about: ["An order, a refusal, a cancellation", "주문, 거절, 취소"] },
  bike: { steps: bike, about: ["Reserve, race, cancel, return", "예약, 경쟁, 취소, 반납"] },
  secondhand: { steps: secondhand, about: ["The last piece, and two who want it", "마지막 하나와 두 구매자"] },
  dr: { steps: dr, about: ["A demand, two answers, a settlement", "요청, 두 응답, 정산"] },
};
