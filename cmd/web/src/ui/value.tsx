/* A value of an item or an event, as people read it. */
import type { Json } from "../api";
import { moment, number, t } from "../i18n";
import { isStatus } from "../statuses";
import { Said, Status } from "./basics";

/* A number that counts something, and is no name of something. */
export function isAmount(name: string): boolean {
  return !/id$|no$|^subject$/i.test(name);
}

const DATE = /^\d{4}-\d\d-\d\dT[\d:.]+([+-]\d\d:?\d\d|Z)$/;

/* What the node itself put into words; elsewhere people did. */
const words = new Set(["message", "reason"]);

export function Value({ name, value, status }: { name: string; value: Json | undefined; status?: boolean }) {
  if (value === null || value === undefined) return <span class="faint">–</span>;
  if (typeof value === "boolean") return <>{value ? t("yes") : t("no")}</>;
  if (typeof value === "number") return <>{isAmount(name) ? number(value) : String(value)}</>;
  if (typeof value !== "string") return <>{JSON.stringify(value)}</>;
  if (status || isStatus(value)) return <Status value={value} />;
  if (DATE.test(value)) return <>{moment(value)}</>;
  if (words.has(name)) return <Said text={value} />;
  return <>{value}</>;
}
