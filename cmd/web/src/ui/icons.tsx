/* Signs, from lucide (https://lucide.dev), in the colour of the text around them. They say nothing to
 * who cannot see: the text beside them does. */
import {
  Activity,
  Bell,
  Bike,
  BookOpen,
  CodeXml,
  Compass,
  Database,
  Gauge,
  House,
  type IconNode,
  Inbox,
  ShoppingBag,
  Soup,
  Tag,
  Workflow,
  Zap,
} from "lucide";
import { h } from "preact";

export function Sign({ node, size = 20 }: { node: IconNode; size?: number }) {
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {node.map(([tag, attributes], i) => h(tag, { key: i, ...attributes }))}
    </svg>
  );
}

const pages: Record<string, IconNode> = {
  "": House,
  try: Compass,
  shop: ShoppingBag,
  food: Soup,
  bike: Bike,
  secondhand: Tag,
  dr: Zap,
  data: Database,
  events: Activity,
  sagas: Workflow,
  operations: Gauge,
  notify: Bell,
  api: CodeXml,
};

/* Of a page; a system that is not known here has a sign, too. */
export function PageSign({ name, size }: { name: string; size?: number }) {
  return <Sign node={pages[name] ?? BookOpen} size={size} />;
}

export function SystemIcon({ name }: { name: string }) {
  return (
    <span class={`icon sys-${name}`}>
      <PageSign name={name} size={22} />
    </span>
  );
}

export function EmptySign() {
  return <Sign node={Inbox} size={28} />;
}
