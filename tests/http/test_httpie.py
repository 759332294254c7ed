"""Every call that SPEC C, E, F and G document, typed with httpie as the originals' documents do:
unprefixed at a node whose root is that system, and prefixed at one whose root is another.
test_bike_httpie.py does the same for SPEC D."""
import pytest

import node as nodes
from node import wait_until
from typed import typed

# Of each system: what is typed; the status; some of the answer's fields, or for a list those of each
# item in their order. What follows by itself (settlements) may take a moment: GETs are repeated.
DR = [
    ("http POST :8088/users name=samsung point=1000 capacity=400", 201,
     {"id": 1, "name": "samsung", "point": 1000, "capacity": 400}),
    ("http POST :8088/users name=lg point=1000 capacity=300", 201, {"id": 2}),
    ("http POST :8088/users name=sk point=1000 capacity=500", 201, {"id": 3}),
    ("http POST :8088/drs name=summer type=reliable date=2024-07-01", 201,
     {"id": 1, "status": "running", "date": "2024-07-01T00:00:00.000+00:00"}),
    ("http GET :8088/responses", 200,
     [{"userCapacity": capacity, "answer": "ignore"} for capacity in (400, 300, 500)]),
    ("http PUT :8088/responses/1/accept", 200, {"answer": "accept"}),
    ("http PUT :8088/responses/2/accept", 200, {"answer": "accept"}),
    ("http PUT :8088/responses/3/accept", 200, {"answer": "accept"}),
    ("http PUT :8088/responses/3/deny", 200, {"answer": "deny"}),
    ("http PATCH :8088/responses/3 answer=accept", 200, {"answer": "accept"}),
    ("http PATCH :8088/responses/3 answer=deny", 200, {"answer": "deny"}),
    ("http GET :8088/responses/3", 200, {"userName": "sk", "answer": "deny"}),
    ("http PUT :8088/drs/1/end", 200, {"status": "end", "name": "summer", "type": "reliable"}),
    ("http PUT :8088/responses/3/accept", 409, {"status": 409}),
    ("http GET :8088/kepcos", 200,
     [{"responseId": 1, "isReal": None}, {"responseId": 2, "isReal": None}]),
    ("http POST :8088/kepcos drId=1 userId=1 responseId=1 responseAnswer=accept adjustPoint=383 "
     "isReal=true", 201, {"adjustPoint": 383, "isReal": True}),
    ("http POST :8088/kepcos drId=1 userId=2 responseId=2 responseAnswer=accept adjustPoint=295 "
     "isReal=true", 201, {"adjustPoint": 295, "isReal": True}),
    ("http POST :8088/kepcos responseId=2 adjustPoint=295 isReal=true", 409, {"status": 409}),
    ("http POST :8088/kepcos responseId=99 adjustPoint=1 isReal=true", 404, {"status": 404}),
    ("http GET :8088/getUserInfos", 200, [{"point": point} for point in (1383, 1295, 1000)]),
    ("http PUT :8088/users/1/withdrawpoint point=383", 200, {"point": 1000}),
    ("http PUT :8088/users/1/withdrawpoint point=1001", 409, {"status": 409}),
    ("http GET :8088/users/1", 200, {"point": 1000}),
    ("http POST :8088/drs/startdr name=autumn type=reliable", 200, {"id": 2, "status": "running"}),
    ("http PATCH :8088/drs/2 status=end", 200, {"name": "autumn", "status": "end"}),
    ("http POST :8088/startdr name=winter type=reliable", 200, {"id": 3, "status": "running"}),
    ("http PUT :8088/drs/3 name=frost status=end", 200,
     {"name": "frost", "type": "reliable", "status": "end"}),
    ("http PUT :8088/drs/3/end", 409, {"status": 409}),
    ("http GET :8088/drs", 200, [{"status": "end"}] * 3),
    ("http POST :8088/getUserInfos name=x", 405, {"status": 405}),
]

SECONDHAND = [
    ("http POST :8088/inventories productid=100 productname=애플워치 qty=5", 201, {"qty": 5}),
    ("http POST :8088/trades productid=100 userid=seller productname=애플워치 qty=1 price=50000", 201,
     {"id": 1, "price": "50000"}),
    ("http POST :8088/reserves productid=100 userid=abc productname=애플워치 qty=1 "
     "reserveDt=2024-04-04 address=서울 price=50000 status=예약완료", 201,
     {"id": 1, "status": "예약완료", "price": 50000, "reserveDt": "2024-04-04T00:00:00.000+00:00"}),
    ("http POST :8088/reserves productid=100 userid=abc productname=애플워치 qty=2 price=50000", 201,
     {"qty": 2}),
    ("http POST :8088/reserves productid=100 userid=abc productname=애플워치 qty=2 price=50000", 201,
     {"qty": 2}),
    ("http POST :8088/reserves productid=100 userid=abc qty=1", 409, {"status": 409}),
    ("http GET :8088/inventories/1", 200, {"qty": 0}),
    ("http GET :8088/trades/1", 200, {"status": "거래 진행중", "reserveid": 1}),
    ("http GET :8088/reserves/1", 200, {"status": "예약완료"}),
    ("http PUT :8088/reserves/1/reservecancel", 200, {"status": "예약취소"}),
    ("http PUT :8088/reserves/1/reservecancel", 409, {"status": 409}),
    ("http PUT :8088/trades/2/complete", 200, {"status": "거래완료"}),
    ("http DELETE :8088/reserves/3", 204, None),
    ("http GET :8088/reserves", 200,
     [{"status": status} for status in ("예약취소", "예약완료", "예약취소", "예약취소")]),
    ("http GET :8088/trades", 200,
     [{"status": status} for status in ("예약취소로 거래취소", "거래완료", "예약취소로 거래취소",
                                        "예약취소로 거래취소")]),
    ("http GET :8088/inventories", 200, [{"qty": 3, "status": "거래 취소로 인한 재고 감소 없음"}]),
    ("http POST :8088/notices productid=100 userid=abc productname=애플워치 status=알림", 201,
     {"status": "알림"}),
    ("http GET :8088/notices/1", 200, {"status": "예약완료", "userid": "abc"}),
    ("http GET :8088/notices userid==abc size==1", 200, [{"id": 1}]),
    ("http PATCH :8088/inventories/1 productname=시계", 200, {"productname": "시계", "qty": 3}),
    ("http PUT :8088/inventories/1 productname=워치", 200, {"productname": "워치", "qty": 3}),
    ("http DELETE :8088/notices/1", 204, None),
]

FOOD = [
    ("http POST :8088/foods name=Pizza storeId=1", 201,
     {"id": 1, "count": 0, "score": 0, "storeId": 1, "available": True}),
    ("http POST :8088/foods name=Soup storeId=1 available=false", 201, {"available": False}),
    ("http POST :8088/orders foodId=1 customerId=7 options=cheese address=서울", 201,
     {"id": 1, "status": "결제완료", "score": 0, "paymentId": 1, "storeId": 1}),
    ("http POST :8088/orders foodId=2 customerId=7", 409, {"detail": "현재 주문 불가능한 메뉴입니다."}),
    ("http POST :8088/orders foodId=99 customerId=7", 409, {"detail": "현재 주문 불가능한 메뉴입니다."}),
    ("http GET :8088/payments/1", 200, {"orderId": 1, "status": "성공"}),
    ("http POST :8088/payments orderId=1", 409, {"status": 409}),
    ("http GET :8088/storeOrders/1", 200, {"orderId": 1, "status": "대기중", "options": "cheese"}),
    ("http PUT :8088/storeOrders/1/accept", 200, {"status": "접수됨"}),
    ("http PUT :8088/storeOrders/1/start-cook", 200, {"status": "요리중"}),
    ("http PUT :8088/orders/1/cancel", 409, {"detail": "주문을 취소할 수 없습니다."}),
    ("http PUT :8088/storeOrders/1/finish-cook", 200, {"status": "요리완료"}),
    ("http GET :8088/deliveries status==대기중 near==서", 200, [{"id": 1, "orderId": 1}]),
    ("http PUT :8088/deliveries/1/accept", 200, {"status": "배달중"}),
    ("http PUT :8088/deliveries/1/confirm", 200, {"status": "배달완료"}),
    ("http PUT :8088/orders/1/evaluate score=5", 200, {"status": "배달완료", "score": 5}),
    ("http PUT :8088/orders/1/evaluate score=5", 409, {"status": 409}),
    ("http PUT :8088/orders/1/evaluate score=6", 400, {"status": 400}),
    ("http GET :8088/topFoods/1", 200,
     {"name": "Pizza", "evalCount": 1, "score": 5, "totalScore": 5, "orderCount": 1}),
    ("http GET :8088/topMenus/1", 200, {"name": "Pizza", "orderCount": 1}),
    ("http GET :8088/orderStatuses/1", 200, {"foodId": 1, "customerId": 7, "status": "배달완료"}),
    ("http POST :8088/orders foodId=1 customerId=7 address=서울", 201, {"id": 2}),
    ("http PUT :8088/storeOrders/2/reject reason=품절", 200, {"status": "거부됨"}),
    ("http GET :8088/orders/2", 200, {"status": "주문거부됨"}),
    ("http GET :8088/payments/2", 200, {"status": "결제 취소됨"}),
    ("http POST :8088/orders foodId=1 customerId=7", 201, {"id": 3}),
    ("http DELETE :8088/orders/3", 204, None),
    ("http GET :8088/storeOrders/3", 200, {"status": "취소됨"}),
    ("http POST :8088/orders foodId=1 customerId=7", 201, {"id": 4}),
    ("http PUT :8088/orders/4/cancel", 200, {"status": "주문취소됨"}),
    ("http GET :8088/payments/4", 200, {"status": "결제 취소됨(User)"}),
    ("http GET :8088/notificationLogs orderId==2", 200,
     [{"message": message} for message in ("주문됨", "결제완료", "주문완료", "주문거부됨-품절")]),
    ("http PATCH :8088/foods/1 available=false", 200, {"available": False, "name": "Pizza"}),
    ("http POST :8088/topFoods name=x", 405, {"status": 405}),
]

SHOP = [
    ("http POST :8088/inventories stockName=TV stockCount=1000 price=1000", 201,
     {"id": 1, "stockName": "TV", "stockCount": 1000, "price": 1000}),
    ("http POST :8088/pays userId=1 payAmount=999999 point=5", 201,
     {"id": 1, "payAmount": 999999, "userId": 1, "point": 5}),
    ("http POST :8088/orders productId=1 quantity=10 userId=1", 201,
     {"id": 1, "quantity": 10, "price": 1000, "status": "주문완료"}),
    ("http GET :8088/pays/1", 200, {"payAmount": 989999}),
    ("http GET :8088/inventories/1", 200, {"stockCount": 990}),
    ("http GET :8088/deliveries", 200, [{"orderId": 1, "quantity": 10, "status": "배송중"}]),
    ("http GET :8088/mypages", 200, [{"orderId": 1, "userId": 1, "deliveryStatus": "배송중"}]),
    ("http DELETE :8088/orders/1", 204, None),
    ("http DELETE :8088/orders/1", 409, {"status": 409}),
    ("http GET :8088/orders/1", 200, {"status": "주문취소"}),
    ("http GET :8088/pays/1", 200, {"payAmount": 999999}),
    ("http GET :8088/inventories/1", 200, {"stockCount": 1000}),
    ("http GET :8088/mypages/1", 200, {"deliveryStatus": "배송취소"}),
    ("http POST :8088/orders productId=1 quantity=10 userId=1 price=1000 address=서울", 201,
     {"id": 2, "price": 1000}),
    ("http GET :8088/deliveries orderId==2", 200, [{"address": "서울"}]),
    ("http PUT :8088/orders/2/cancel", 200, {"status": "주문취소"}),
    ("http POST :8088/orders productId=1 quantity=1 userId=1 price=999", 409, {"status": 409}),
    ("http POST :8088/orders productId=1 quantity=1000 userId=1", 409, {"status": 409}),
    ("http GET :8088/orders/4", 200, {"status": "잔액부족"}),
    ("http POST :8088/pays userId=1 payAmount=1000001", 201, {"payAmount": 2000000}),
    ("http POST :8088/orders productId=1 quantity=1001 userId=1", 409, {"status": 409}),
    ("http GET :8088/orders/5", 200, {"status": "재고부족"}),
    ("http GET :8088/pays/1", 200, {"payAmount": 2000000}),
    ("http POST :8088/orders productId=1 quantity=0 userId=1", 400, {"status": 400}),
    ("http PATCH :8088/inventories/1 stockName=Radio", 200, {"stockName": "Radio"}),
    ("http POST :8088/mypages orderId=1", 405, {"status": 405}),
]

CALLS = {"dr": DR, "food": FOOD, "secondhand": SECONDHAND, "shop": SHOP}


def fits(got, status, answer):
    got_status, body = got
    if got_status != status:
        return False
    if isinstance(answer, dict):
        return answer.items() <= body.items()
    if answer is None:
        return body is None
    rows, = body["_embedded"].values()
    return len(rows) == len(answer) and all(
        wanted.items() <= row.items() for wanted, row in zip(answer, rows))


@pytest.mark.parametrize("prefixed", [False, True], ids=["unprefixed", "prefixed"])
@pytest.mark.parametrize("system", CALLS)
def test_httpie(tmp_path, system, prefixed):
    """Each call is answered with its status, and says what SPEC says."""
    other = "food" if system == "shop" else "shop"
    running = nodes.Node(tmp_path / "data", "--root", other if prefixed else system, "--meter",
                         "manual").start()
    prefix = f"/{system}" if prefixed else ""
    for line, status, answer in CALLS[system]:
        got = typed(running.port, line, prefix)
        if line.startswith("http GET") and not fits(got, status, answer):
            wait_until(lambda: fits(typed(running.port, line, prefix), status, answer), 10,
                       f"{line} to say {answer}, which said {got}")
        else:
            assert fits(got, status, answer), (line, got)
    running.stop()
