"""The catalogues at work, without a browser: what becomes of a sentence in each language."""
import json
import pathlib
import re
import subprocess

import pytest

import catalogue

WEB = pathlib.Path(__file__).parents[2] / "cmd" / "web"
# What the modules want of a browser.
ENTRY = """
Object.defineProperty(globalThis, "navigator", {value: {languages: ["en"]}});
globalThis.document = {documentElement: {}};
globalThis.localStorage = {getItem() { return null; }, setItem() {}};
const {choose} = await import("./src/i18n");
const {said, described} = await import("./src/translate");
const asked = JSON.parse(process.argv[2]);
const answers = asked.map(([how, text]) => ["en", "ko"].map((language) => {
  choose(language);
  return (how === "said" ? said : described)(text);
}));
console.log(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """[(English, Korean)] of such texts."""
    bundle = tmp_path_factory.mktemp("translate") / "bundle.mjs"
    subprocess.run([WEB / "node_modules/.bin/esbuild", "--bundle", "--format=esm", "--platform=node",
                    "--log-level=warning", f"--outfile={bundle}"], input=ENTRY, text=True, cwd=WEB, check=True)

    def ask(texts, how="said"):
        answer = subprocess.run(["node", bundle, json.dumps([[how, text] for text in texts])],
                                capture_output=True, text=True, check=True)
        return json.loads(answer.stdout)
    return ask


@pytest.mark.parametrize("text, english, korean", [
    ("주문완료", "Ordered", "주문완료"),
    ("accept", "Accepted", "수락"),
    ("포인트가 부족합니다: 1000 중 999", "Not enough points: 999 of 1,000", "포인트가 부족합니다: 필요한 1,000 중 999"),
    # A status and a command within a sentence.
    ("주문이 요리중 상태입니다: accept", 'The order is in the state "Cooking": accept is not possible',
     "주문이 요리중 상태입니다: 수락 불가"),
    # Two words one behind the other, either of them a sentence.
    ("거래를 완료할 수 없습니다: 거래 진행중, 예약 취소 중",
     "The trade cannot be completed: In progress, its reservation is being cancelled",
     "거래를 완료할 수 없습니다: 거래 진행중, 예약 취소 중"),
    ("주문 4은 결제를 기다리지 않습니다", "Order 4 does not wait for a payment", "주문 4는 결제를 기다리지 않습니다"),
    ("주문 3은 결제를 기다리지 않습니다: 성공", "Order 3 does not wait for a payment: Paid",
     "주문 3은 결제를 기다리지 않습니다: 성공"),
    # A field and its message.
    ("qty must be from 1 to 1000000", "qty must be from 1 to 1,000,000", "수량: 1에서 1,000,000 사이여야 합니다"),
    ("name is required", "name is required", "이름 항목은 필수입니다"),
    ("must be one of running, end", "must be one of Running, Ended", "다음 중 하나여야 합니다: 진행 중, 종료"),
    # A particle by the word before it: 포인트가, 주문이.
    ("there is no point with userId 7", "there is no point with userId 7", "사용자 번호 7번의 포인트가 없습니다"),
    ("there is no order with userId 7", "there is no order with userId 7", "사용자 번호 7번의 주문이 없습니다"),
    ("주문거부됨-sold out", "Rejected: sold out", "주문거부됨: sold out"),
    ("주문거부됨-", "Rejected", "주문거부됨"),
    # What nobody has said before.
    ("every copy of book 7 is lent", "every copy of book 7 is lent", "every copy of book 7 is lent"),
])
def test_a_sentence_in_both_languages(translated, text, english, korean):
    """What stands within a sentence is translated too; what is unknown stays as it is."""
    assert translated([text]) == [[english, korean]]


def test_refusals_in_the_document(translated):
    """A title with the sentences that it may have; and what is named after a command."""
    assert translated(["Conflict: the present state forbids it; memory ran out", "Place an order",
                       "Get a trade", "List orders"], "described") == [
        ["Conflict: the present state forbids it; memory ran out",
         "충돌: 지금 상태에서는 할 수 없습니다; 메모리가 부족합니다"],
        ["Place an order", "주문 접수"], ["Get a trade", "거래 보기"], ["List orders", "주문 목록"]]


@pytest.mark.parametrize("name, how", [("sentences.ts", "said"), ("descriptions.ts", "described")])
def test_no_row_leaves_a_gap(translated, name, how):
    """Every row with something in its holes becomes whole words in both languages, by itself and not by
    another row."""
    rows = catalogue.rows(name)
    texts = [catalogue.HOLE.sub(lambda hole: "⑦" if hole.group().endswith("s") else "7", row[0]) for row in rows]
    for (said, english, korean), text, answer in zip(rows, texts, translated(texts, how)):
        if said == "%s %s":
            continue  # It holds other rows only.
        assert not [one for one in answer if re.search(r"[{}%]|\[[가-힣]", one)], answer
        wanted = text if english == "=" else re.sub(r"\{(\d)[^}]*\}", lambda m: hole_of(said, int(m.group(1))), english)
        assert answer[0] == wanted
        assert korean != "=" or answer[1] == text


def hole_of(said, number):
    return "⑦" if catalogue.HOLE.findall(said)[number - 1].endswith("s") else "7"
