/* Which page belongs to which address. */
import { t } from "../i18n";
import { Shop } from "../systems/shop";
import { Empty, PageHead } from "../ui/basics";
import { Home } from "./home";

export function pageFor(path: string[]) {
  switch (path[0] ?? "") {
    case "":
      return <Home />;
    case "shop":
      return <Shop />;
    default:
      return (
        <>
          <PageHead title={t("notFound")} />
          <Empty title={path.join("/")}>
            <a href="#/">{t("home")}</a>
          </Empty>
        </>
      );
  }
}
