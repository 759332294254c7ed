/* Sample data, so that nobody has to begin with an empty screen. */
import { send } from "./api";
import { refresh } from "./data";
import { tr } from "./i18n";
import { toast, toastProblem } from "./ui/toast";
import type { Json } from "./api";

type Sample = readonly [path: string, body: Json];

function of(system: string, user: number): Sample[] {
  switch (system) {
    case "shop":
      return [
        ["/shop/inventories", { stockName: tr(["Green tea", "녹차"]), stockCount: 120, price: 8000 }],
        ["/shop/inventories", { stockName: tr(["Rice cooker", "전기밥솥"]), stockCount: 15, price: 129000 }],
        ["/shop/inventories", { stockName: tr(["Notebook", "공책"]), stockCount: 1000, price: 1500 }],
        ["/shop/inventories", { stockName: tr(["Desk lamp", "책상 조명"]), stockCount: 3, price: 45000 }],
        ["/shop/inventories", { stockName: tr(["Headphones", "헤드폰"]), stockCount: 40, price: 79000 }],
        ["/shop/inventories", { stockName: tr(["Novel", "소설책"]), stockCount: 300, price: 14000 }],
        ["/shop/pays", { userId: user, payAmount: 500000 }],
      ];
    case "food":
      return [
        ["/food/foods", { name: tr(["Margherita pizza", "마르게리타 피자"]), storeId: 1 }],
        ["/food/foods", { name: tr(["Bibimbap", "비빔밥"]), storeId: 1 }],
        ["/food/foods", { name: tr(["Fried chicken", "후라이드 치킨"]), storeId: 2 }],
        ["/food/foods", { name: tr(["Cold noodles", "물냉면"]), storeId: 2 }],
        ["/food/foods", { name: tr(["Bulgogi burger", "불고기 버거"]), storeId: 1 }],
        ["/food/foods", { name: tr(["Iced coffee", "아이스 커피"]), storeId: 2 }],
      ];
    case "bike":
      return [
        ...["green", "white", "blue", "red", "green", "white"].map(
          (color): Sample => ["/bike/managements", { color, registeredDate: new Date().toISOString().slice(0, 10) }],
        ),
        ["/bike/approvals", { userId: user, price: 5000, approveDate: new Date().toISOString().slice(0, 10) }],
      ];
    case "secondhand": {
      const first = 100 + Math.floor(Math.random() * 9) * 1000;
      return [
        [tr(["Smart watch", "애플워치"]), 1, 50000],
        [tr(["Camera", "카메라"]), 2, 320000],
        [tr(["Guitar", "기타"]), 1, 90000],
      ].flatMap(([productname, qty, price], i): Sample[] => [
        ["/secondhand/inventories", { productid: first + i, productname: productname!, qty: qty! }],
        ["/secondhand/trades", { productid: first + i, productname: productname!, userid: "seller", qty: 1, price: String(price) }],
      ]);
    }
    case "dr":
      return [
        ["/dr/users", { name: "samsung", point: 1000, capacity: 400 }],
        ["/dr/users", { name: "lg", point: 1000, capacity: 300 }],
        ["/dr/users", { name: "sk", point: 1000, capacity: 500 }],
      ];
    default:
      return [];
  }
}

export async function makeSamples(system: string, user = 1): Promise<void> {
  for (const [path, body] of of(system, user)) {
    const answer = await send({ method: "POST", path, body });
    if (answer.problem !== null) {
      toastProblem(answer.problem);
      break;
    }
  }
  refresh();
  toast("good", tr(["Sample data is there", "예제 데이터를 만들었습니다"]));
}
