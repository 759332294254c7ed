/* Below a list that has several pages: how much there is, where one is, on and back. */
import { number, t, tr } from "../i18n";
import { Button } from "./basics";

export function Pager(props: { page: number; pages: number; total: number; onPage: (page: number) => void }) {
  const { page, total, onPage } = props;
  const pages = Math.max(props.pages, 1);
  return (
    <nav class="pager" aria-label={tr(["Pages", "페이지"])}>
      <span class="faint" data-id="total">{t("entries", { n: number(total) })}</span>
      <Button small disabled={page <= 0} onClick={() => onPage(page - 1)} id="previous">
        {t("previous")}
      </Button>
      <span>{t("pageOf", { page: number(Math.min(page + 1, pages)), pages: number(pages) })}</span>
      <Button small disabled={page + 1 >= pages} onClick={() => onPage(page + 1)} id="next">
        {t("next")}
      </Button>
    </nav>
  );
}
