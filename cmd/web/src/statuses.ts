/*
 * What a status means: an English gloss for the Korean words that are data, and a tone; a Korean one
 * for those that are not Korean.
 */
import { language } from "./i18n";

export type Tone = "good" | "busy" | "wait" | "bad" | "quiet";

const glosses: Record<string, [string, Tone]> = {
  // shop
  주문접수: ["Placed", "busy"],
  주문완료: ["Ordered", "good"],
  잔액부족: ["Not enough money", "bad"],
  재고부족: ["Out of stock", "bad"],
  상품없음: ["No such product", "bad"],
  가격불일치: ["Price differs", "bad"],
  주문취소중: ["Being cancelled", "busy"],
  주문취소: ["Cancelled", "quiet"],
  배송중: ["On its way", "good"],
  배송취소: ["Delivery cancelled", "quiet"],
  // food
  주문됨: ["Placed", "busy"],
  결제완료: ["Paid", "wait"],
  주문접수됨: ["Accepted", "busy"],
  요리중: ["Cooking", "busy"],
  요리완료: ["Cooked", "good"],
  배달대기: ["Waiting for a rider", "wait"],
  배달중: ["On its way", "busy"],
  배달완료: ["Delivered", "good"],
  주문거부됨: ["Rejected", "bad"],
  주문취소됨: ["Cancelled", "quiet"],
  대기중: ["Waiting", "wait"],
  접수됨: ["Accepted", "busy"],
  거부됨: ["Rejected", "bad"],
  취소됨: ["Cancelled", "quiet"],
  성공: ["Paid", "good"],
  "결제 취소됨": ["Refunded", "quiet"],
  "결제 취소됨(User)": ["Refunded to the customer", "quiet"],
  요리시작: ["Cooking started", "busy"],
  배달시작: ["On its way", "busy"],
  // bike
  예약접수: ["Placed", "busy"],
  예약완료: ["Reserved", "good"],
  예약취소: ["Cancelled", "quiet"],
  사용완료: ["Returned", "quiet"],
  // secondhand
  "거래 진행중": ["In progress", "busy"],
  거래완료: ["Completed", "good"],
  "예약취소로 거래취소": ["Cancelled with its reservation", "quiet"],
  "판매글 등록 불가": ["Not listed", "bad"],
  "거래 진행 중 재고와 실제 거래량 일치": ["Stock matched the trade", "good"],
  "거래 진행 중 재고와 실제 거래량 불일치로 거래 불가": ["Not enough stock: no trade", "bad"],
  "거래 취소로 인한 재고 감소 없음": ["Cancelled: stock given back", "quiet"],
  // dr
  running: ["Running", "busy"],
  end: ["Ended", "quiet"],
  ignore: ["No answer", "wait"],
  accept: ["Accepted", "good"],
  deny: ["Denied", "bad"],
  // notify
  waiting: ["Waiting", "wait"],
  failed: ["Failed", "bad"],
  disabled: ["Disabled", "quiet"],
};

const korean: Record<string, string> = {
  "결제 취소됨(User)": "결제 취소됨(고객)",
  running: "진행 중",
  end: "종료",
  ignore: "응답 없음",
  accept: "수락",
  deny: "거절",
  waiting: "대기 중",
  failed: "실패",
  disabled: "중지됨",
};

export function isStatus(value: unknown): boolean {
  return typeof value === "string" && Object.hasOwn(glosses, value);
}

export function toneOf(status: string): Tone {
  return glosses[status]?.[1] ?? (status.startsWith("주문거부됨") ? "bad" : "quiet");
}

/* In the language of the page. */
export function glossOf(status: string): string {
  if (language.value === "ko") return korean[status] ?? status;
  return glosses[status]?.[0] ?? status;
}
