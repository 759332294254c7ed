/* The event stream as it comes, to look at. */
import { useState } from "preact/hooks";
import { number, systemName, t, tr } from "../i18n";
import { type LiveEvent, rate, recent, state } from "../live";
import { nameOf } from "../names";
import { served } from "../served";
import { Button, Card, Empty, PageHead, Tabs } from "../ui/basics";
import { eventName, Feed } from "../ui/feed";
import { Field } from "../ui/form";

export function Events() {
  const [system, setSystem] = useState("all");
  const [text, setText] = useState("");
  const [held, setHeld] = useState<LiveEvent[] | null>(null);
  const shown = (held ?? recent.value).filter(
    (event) =>
      (system === "all" || event.type.startsWith(`${system}.`)) &&
      (text === "" || `${nameOf("event", eventName(event), event.type.split(".")[0])} ${event.type} ${event.source} ${JSON.stringify(event.data)}`.toLowerCase().includes(text.toLowerCase())),
  );
  const names = (served.value ?? []).filter((name) => name !== "notify");
  return (
    <>
      <PageHead
        title={t("events")}
        lead={tr([
          "Every published event, live. After a break the stream goes on exactly where it was.",
          "공개된 모든 이벤트를 실시간으로 봅니다. 끊겨도 정확히 이어서 받습니다.",
        ])}
      >
        <Button onClick={() => setHeld(held === null ? recent.value : null)} id="hold">
          {held === null ? tr(["Hold", "멈추기"]) : tr(["Go on", "계속"])}
        </Button>
      </PageHead>
      <Tabs
        label={t("systems")}
        value={system}
        items={[["all", t("all")], ...names.map((name) => [name, systemName(name)] as const)]}
        onChange={setSystem}
      />
      <Card>
        <Field field={{ name: "search", label: t("search") }} value={text} onInput={setText} />
        {state.value === "flood" && (
          <p class="note warn" data-id="flood" data-rate={rate.value}>
            {tr(
              [
                "{n} events a second, too many to show each: you see a few of them. When it is over you see each again.",
                "초당 이벤트 {n}건으로 너무 많아 일부만 표시합니다. 줄어들면 다시 모두 표시합니다.",
              ],
              { n: number(rate.value) },
            )}
          </p>
        )}
        {shown.length === 0 ? (
          <Empty title={tr(["No events yet", "아직 이벤트가 없습니다"])} />
        ) : (
          <Feed events={shown.slice(0, 100)} details />
        )}
      </Card>
    </>
  );
}
