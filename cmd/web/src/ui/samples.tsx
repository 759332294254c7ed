import { tr } from "../i18n";
import { makeSamples } from "../samples";
import { Button } from "./basics";

export function Samples({ system, user, kind }: { system: string; user?: number; kind?: "main" | "ghost" }) {
  return (
    <Button kind={kind ?? "ghost"} small={kind !== "main"} onClick={() => makeSamples(system, user)} id="samples">
      {tr(["Create sample data", "예제 데이터 만들기"])}
    </Button>
  );
}
