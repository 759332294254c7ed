/*
 * What /openapi.json says of the API, in Korean; in English it is said as it stands there. Rows are as in
 * sentences.ts. tests/cmd/test_words.py asks a node for the document, and fails while something in it has
 * no row here, or a row is of no use: it prints the row that is to be added.
 *
 * The generic rows are of operations that are named after a command: "Place an order".
 */
import type { Sentence } from "./sentences";

export const descriptions: readonly Sentence[] = [
  // What an operation does.
  ["List %s", "=", "{1:collection} 목록"],
  ["Get a %s", "=", "{1:item} 보기"],
  ["Get an %s", "=", "{1:item} 보기"],
  ["The history of a %s", "=", "{1:item} 이력"],
  ["The history of an %s", "=", "{1:item} 이력"],
  ["Change a %s", "=", "{1:item} 수정"],
  ["Change an %s", "=", "{1:item} 수정"],
  ["Replace a %s", "=", "{1:item} 통째로 바꾸기"],
  ["Replace an %s", "=", "{1:item} 통째로 바꾸기"],
  ["Delete a %s", "=", "{1:item} 삭제"],
  ["Delete an %s", "=", "{1:item} 삭제"],
  ["List a %s", "=", "{1:item} 판매 등록"],
  ["%s a %s", "=", "{2:item} {1:command}"],
  ["%s an %s", "=", "{2:item} {1:command}"],
  ["%s a %s, as the original does", "=", "{2:item} {1:command} (원래 시스템의 경로)"],
  ["The fields of a collection", "=", "컬렉션의 필드"],
  ["Events: a batch with from, else a stream (Server-Sent Events)", "=", "이벤트: from이 있으면 묶음, 없으면 스트림 (Server-Sent Events)"],
  ["The events", "=", "이벤트 문서"],
  ["The console", "=", "콘솔"],
  ["This document", "=", "이 문서"],
  ["Numbers for Prometheus", "=", "Prometheus용 수치"],
  ["Whether the node runs", "=", "노드가 실행 중인지"],
  ["Whether the node takes requests", "=", "노드가 요청을 받는지"],
  ["Sagas under way", "=", "진행 중인 사가"],
  ["One saga under way", "=", "진행 중인 사가 하나"],
  ["retry the step of a parked saga", "=", "멈춘 사가의 단계 다시 시도"],
  ["skip the step of a parked saga", "=", "멈춘 사가의 단계 건너뛰기"],

  // Parameters.
  ["of the item", "=", "항목의 번호"],
  ["of the saga", "=", "사가의 종류나 번호"],
  ["from 0", "=", "0부터"],
  ["items of a page; out of range is clamped", "=", "한 페이지의 항목 수. 범위를 벗어나면 한계값을 씁니다"],
  ["field,asc or field,desc; repeatable", "=", "필드,asc 또는 필드,desc. 여러 번 쓸 수 있습니다"],
  ["the items behind this id, by ascending id: for walking large collections", "=", "이 번호 다음의 항목을 번호 순서로. 큰 컬렉션을 훑을 때 씁니다"],
  ["only items that have this value", "=", "이 값을 가진 항목만"],
  ["only items in which %s begins with this", "=", "{1:field} 항목이 이렇게 시작하는 것만"],
  ["304 when the item still has this version", "=", "항목이 아직 이 버전이면 304"],
  ["only this version, else 412", "=", "이 버전일 때만, 아니면 412"],
  ["the same key and body again: the stored answer, for 24 h (draft-ietf-httpapi-idempotency-key-header)", "=", "같은 키와 본문을 다시 보내면 저장된 응답을 줍니다. 24시간 (draft-ietf-httpapi-idempotency-key-header)"],
  ["respond-async: answer once the item is on disk; wait=N: wait N seconds for the outcome, at most 30 (RFC 7240)", "=", "respond-async: 디스크에 저장되면 바로 응답. wait=N: 결과를 N초까지 기다림, 최대 30 (RFC 7240)"],
  ["the trace that what follows from this goes on with (w3.org/TR/trace-context-1); an invalid one is as none", "=", "여기서 이어지는 일이 따를 추적 (w3.org/TR/trace-context-1). 잘못되면 없는 것과 같습니다"],
  ["start, end, or the position of an earlier batch or event", "=", "start, end, 또는 앞선 묶음이나 이벤트의 위치"],
  ["only types that begin so; several with commas", "=", "이렇게 시작하는 종류만. 여러 개는 쉼표로"],
  ["events of a batch", "=", "한 묶음의 이벤트 수"],
  ["of a stream: goes on exactly behind it", "=", "스트림에서: 바로 그다음부터 이어집니다"],

  // Answers; what refusals say is in sentences.ts.
  ["a page", "=", "한 페이지"],
  ["the item", "=", "항목"],
  ["on disk", "=", "디스크에 저장됨"],
  ["done and on disk", "=", "처리하고 디스크에 저장함"],
  ["on disk; if others had to agree, they have (or see status)", "=", "디스크에 저장됨. 다른 곳의 동의가 필요했다면 받았습니다 (아니면 status 참고)"],
  ["in bulk: a result a line, in the order of the lines", "=", "대량: 한 줄에 결과 하나, 보낸 줄의 순서대로"],
  ["it still has that version", "=", "아직 그 버전입니다"],
  ["it is the same still", "=", "아직 같습니다"],
  ["its published events, oldest first", "=", "공개된 이벤트, 오래된 것부터"],
  ["done; the item stays", "=", "처리함. 항목은 남습니다"],
  ["done; the item is gone", "=", "처리함. 항목이 사라집니다"],
  ["gone", "=", "삭제됨"],
  ["names and types", "=", "이름과 종류"],
  ["a page for people", "=", "사람을 위한 페이지"],
  ["it does", "=", "그렇습니다"],
  ["it does not", "=", "아닙니다"],
  ["text format 0.0.4", "=", "텍스트 형식 0.0.4"],
  ["a batch, or a stream without an end", "=", "묶음, 또는 끝없는 스트림"],
  ["all of them", "=", "전부"],
  ["the saga", "=", "사가"],
  ["Any other refusal", "=", "그 밖의 거절"],
];
