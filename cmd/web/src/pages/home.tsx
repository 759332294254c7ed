import { t } from "../i18n";
import { PageHead } from "../ui/basics";

export function Home() {
  return <PageHead title={t("home")} />;
}
