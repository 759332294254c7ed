/* The frame: navigation at the side (on a phone behind a button), the page, what is said in passing. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { reachable } from "./api";
import { choose, language, t, type Word } from "./i18n";
import { state } from "./live";
import { pageFor } from "./pages";
import { path } from "./router";
import { served } from "./served";
import { theme, type Theme } from "./theme";
import { PageSign } from "./ui/icons";
import { Toasts } from "./ui/toast";

const systems = ["shop", "food", "bike", "secondhand", "dr"] as const;

function Nav({ to, children }: { to: string; children: ComponentChildren }) {
  const here = path.value[0] ?? "";
  return (
    <a href={`#/${to}`} aria-current={here === to ? "page" : undefined} data-id={`nav-${to || "home"}`}>
      <PageSign name={to} size={18} />
      {children}
    </a>
  );
}

function Connection() {
  const words = { live: "stateLive", joining: "stateJoining", lost: "stateLost", flood: "stateFlood" } as const;
  const now = reachable.value ? state.value : "lost";
  return (
    <span class={`connection ${now}`} role="status" data-id="connection" data-state={now}>
      <span class="dot" aria-hidden="true" />
      {t(words[now])}
    </span>
  );
}

const themes: readonly (readonly [Theme, Word])[] = [
  ["auto", "themeAuto"],
  ["light", "themeLight"],
  ["dark", "themeDark"],
];

function Preferences() {
  return (
    <div class="preferences">
      <div class="segmented" role="group" aria-label={t("language")}>
        <button type="button" lang="en" aria-pressed={language.value === "en"} onClick={() => choose("en")} data-id="lang-en">
          English
        </button>
        <button type="button" lang="ko" aria-pressed={language.value === "ko"} onClick={() => choose("ko")} data-id="lang-ko">
          한국어
        </button>
      </div>
      <label class="compact">
        <span>{t("theme")}</span>
        <select
          value={theme.value}
          onChange={(event) => {
            theme.value = event.currentTarget.value as Theme;
          }}
          data-id="theme"
        >
          {themes.map(([key, word]) => (
            <option key={key} value={key}>
              {t(word)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

export function App() {
  const [open, setOpen] = useState(false);
  const here = path.value.join("/");
  useEffect(() => {
    setOpen(false);
    scrollTo(0, 0);
  }, [here]);
  const shown = systems.filter((system) => served.value === null || served.value.includes(system));
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById("main")?.focus();
      }}>
        {t("skip")}
      </a>
      <div class="frame">
        <header class={`side${open ? " open" : ""}`}>
          <div class="brand">
            <a href="#/" class="logo">
              <img src="/console/icon.svg" alt="" width="28" height="28" />
              <span>
                dure <span lang="ko">두레</span>
              </span>
            </a>
            <Connection />
            <button
              type="button"
              class="menu-button"
              aria-expanded={open}
              aria-controls="nav"
              onClick={() => setOpen(!open)}
              data-id="menu"
            >
              {t("menu")}
            </button>
          </div>
          <div class="side-body" id="nav">
            <nav aria-label={t("menu")}>
              <Nav to="">{t("home")}</Nav>
              <Nav to="try">{t("tour")}</Nav>
              <p class="nav-title">{t("systems")}</p>
              {shown.map((system) => (
                <Nav key={system} to={system}>
                  {t(system)}
                </Nav>
              ))}
              <p class="nav-title">{t("operations")}</p>
              <Nav to="data">{t("data")}</Nav>
              <Nav to="events">{t("events")}</Nav>
              <Nav to="sagas">{t("sagas")}</Nav>
              <Nav to="operations">{t("operations")}</Nav>
              <Nav to="api">{t("api")}</Nav>
            </nav>
            <Preferences />
          </div>
        </header>
        <main id="main" tabIndex={-1}>
          {!reachable.value && (
            <p class="note bad" role="alert">
              {t("offline")}
            </p>
          )}
          {pageFor(path.value)}
        </main>
      </div>
      <Toasts />
    </>
  );
}
