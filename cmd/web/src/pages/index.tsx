/* Which page belongs to which address. */
import { t } from "../i18n";
import { Bike } from "../systems/bike";
import { Dr } from "../systems/dr";
import { Food } from "../systems/food";
import { Secondhand } from "../systems/secondhand";
import { Shop } from "../systems/shop";
import { TourPage } from "../tour/page";
import { Empty, PageHead } from "../ui/basics";
import { Api } from "./api";
import { Data } from "./data";
import { Events } from "./events";
import { Home } from "./home";
import { Operations } from "./operations";
import { Sagas } from "./sagas";

export function pageFor(path: string[]) {
  switch (path[0] ?? "") {
    case "": return <Home />;
    case "try": return <TourPage name={path[1] ?? ""} />;
    case "shop": return <Shop />;
    case "food": return <Food />;
    case "bike": return <Bike />;
    case "secondhand": return <Secondhand />;
    case "dr": return <Dr />;
    case "data": return <Data path={path} />;
    case "events": return <Events />;
    case "sagas": return <Sagas />;
    case "operations": return <Operations />;
    case "api": return <Api />;
    default:
      return (
        <>
          <PageHead title={t("notFound")} />
          <Empty title={<code>{path.join("/")}</code>}>
            <a href="#/">{t("home")}</a>
          </Empty>
        </>
      );
  }
}
