/* A picture for a thing that has none: a sign chosen by its name, on a colour of its own. */
import {
  Bike,
  BookOpen,
  Camera,
  Clock,
  CookingPot,
  CupSoda,
  Drumstick,
  Fish,
  Guitar,
  Headphones,
  type IconNode,
  LampDesk,
  Laptop,
  Leaf,
  Notebook,
  Package,
  Pizza,
  Salad,
  Sandwich,
  Shirt,
  Smartphone,
  Sofa,
  Soup,
  Tv,
  Utensils,
  Watch,
} from "lucide";
import { type Text, tr } from "../i18n";
import { Sign } from "./icons";

/* The first that fits. */
const words: readonly (readonly [RegExp, IconNode])[] = [
  [/pizza|피자/i, Pizza],
  [/chicken|drumstick|치킨|닭/i, Drumstick],
  [/noodle|soup|ramen|면|국|탕|찌개/i, Soup],
  [/salad|bibimbap|비빔밥|샐러드/i, Salad],
  [/burger|sandwich|toast|버거|샌드위치/i, Sandwich],
  [/fish|sushi|회|초밥/i, Fish],
  [/cola|soda|coffee|cup|커피|음료|콜라/i, CupSoda],
  [/cooker|pot|pan|밥솥|냄비/i, CookingPot],
  [/tea|녹차|차$/i, Leaf],
  [/lamp|light|조명|스탠드/i, LampDesk],
  [/laptop|computer|노트북|컴퓨터/i, Laptop],
  [/notebook|공책|노트/i, Notebook],
  [/book|novel|책/i, BookOpen],
  [/watch|워치|시계/i, Watch],
  [/clock/i, Clock],
  [/camera|카메라/i, Camera],
  [/guitar|기타/i, Guitar],
  [/headphone|earphone|이어폰|헤드폰/i, Headphones],
  [/phone|폰/i, Smartphone],
  [/shirt|옷|셔츠/i, Shirt],
  [/sofa|chair|소파|의자/i, Sofa],
  [/\btv\b|television|텔레비전/i, Tv],
];

export function Art({ name, seed, kind }: { name: string; seed: number; kind: "dish" | "thing" }) {
  const node = words.find(([pattern]) => pattern.test(name))?.[1] ?? (kind === "dish" ? Utensils : Package);
  return (
    <div class="tile-art" aria-hidden="true" style={{ "--hue": String((seed * 47 + 150) % 360) }}>
      <Sign node={node} size={38} />
    </div>
  );
}

/* The colours that bikes come in. */
const paints: Record<string, readonly [hue: number, saturation: number, name: Text]> = {
  green: [140, 45, ["green", "초록"]],
  white: [200, 6, ["white", "흰색"]],
  blue: [215, 60, ["blue", "파랑"]],
  red: [4, 60, ["red", "빨강"]],
  yellow: [46, 70, ["yellow", "노랑"]],
  black: [220, 4, ["black", "검정"]],
  orange: [26, 70, ["orange", "주황"]],
  purple: [275, 45, ["purple", "보라"]],
};

const paint = (color: string) => paints[color.trim().toLowerCase()];

/* What people may type is shown as they did. */
export function colourName(color: string): string {
  const known = paint(color);
  return known === undefined ? color : tr(known[2]);
}

export function BikeArt({ color }: { color: string }) {
  const [hue, saturation] = paint(color) ?? [170, 20];
  return (
    <div class="tile-art" aria-hidden="true" style={{ "--hue": String(hue), "--sat": `${saturation}%` }}>
      <Sign node={Bike} size={42} />
    </div>
  );
}
