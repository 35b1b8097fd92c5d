// Made by scripts/embed.py. Change Sources/API/Page/operator.html or what it includes, and run it again.
// swift-format-ignore-file

/// The page with the title “Animato Operator”.
enum OperatorHTML {
static let text = #"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title data-t="title">Animato Operator</title>
<link rel="icon" href="data:,">
<script>
// Before anything is painted, so that nothing flashes in the other theme.
try {
  const theme = localStorage.getItem("animato-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* Then the system's theme holds. */ }
</script>
<style>
/* Tokens: one accent, and neutrals that lean towards it. Both themes are stated in one place. */
:root {
  color-scheme: light dark;
  --back: light-dark(#f6f7f6, #101413);
  --surface: light-dark(#ffffff, #181d1c);
  --sunken: light-dark(#eef0ef, #202726);
  --text: light-dark(#17201e, #e8eeec);
  --soft: light-dark(#55625f, #a0aeaa);
  --line: light-dark(#e0e5e3, #2a3331);
  --edge: light-dark(#82908c, #6c7b77);
  --accent: light-dark(#0b6b60, #62d0bf);
  --accent-strong: light-dark(#07564d, #8ae2d4);
  --on-accent: light-dark(#ffffff, #05201c);
  --accent-soft: light-dark(#e0f0ed, #17322e);
  --bad: light-dark(#a8261d, #ff9f96);
  --bad-soft: light-dark(#fcebe9, #3a1f1d);
  --warn: light-dark(#7a4b00, #f0c070);
  --warn-soft: light-dark(#fbf1dd, #33291a);
  --shade: light-dark(rgb(20 40 36 / 7%), rgb(0 0 0 / 40%));
  --veil: light-dark(rgb(16 28 26 / 45%), rgb(0 0 0 / 65%));
  --radius: 14px;
  --radius-small: 9px;
  --lift: 0 1px 2px var(--shade), 0 8px 28px -12px var(--shade);
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  --mono: ui-monospace, "SFMono-Regular", Menlo, Consolas, "Noto Sans Mono", monospace;
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }

/* Base */
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 5rem; }
body { margin: 0; min-height: 100vh; background: var(--back); color: var(--text); font: 16px/1.5 var(--font); -webkit-font-smoothing: antialiased; }
h1, h2, h3, p, dl, dd, ul, ol, figure { margin: 0; }
ul, ol { padding: 0; list-style: none; }
h1, h2, h3 { line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 1.125rem; font-weight: 650; }
h3 { font-size: 1rem; font-weight: 650; }
a { color: var(--accent); text-underline-offset: 0.2em; }
img, video, svg { display: block; max-width: 100%; }
code, pre { font-family: var(--mono); font-size: 0.875em; }
pre { margin: 0; padding: 0.875rem; background: var(--sunken); border-radius: var(--radius-small); overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; top: 0.75rem; z-index: 10; padding: 0.5rem 1rem; background: var(--surface); border-radius: var(--radius-small); box-shadow: var(--lift); }
.skip:focus { left: 0.75rem; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft { color: var(--soft); }
.small { font-size: 0.875rem; }
.numbers { font-variant-numeric: tabular-nums; }
.row { display: flex; align-items: center; gap: 0.5rem; flex-wrap: wrap; }
.spread { justify-content: space-between; }
.stack { display: grid; gap: 0.75rem; align-content: start; }
.icon { width: 1.25em; height: 1.25em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }

/* The bar at the top of every page */
.top { position: sticky; top: 0; z-index: 5; background: color-mix(in srgb, var(--back) 94%, transparent); backdrop-filter: blur(12px); border-bottom: 1px solid var(--line); }
.top > div { display: flex; align-items: center; gap: 0.25rem 0.75rem; max-width: 94rem; min-height: 4rem; margin: 0 auto; padding: 0.5rem clamp(1rem, 2.5vw, 2rem); }
.brand { display: inline-flex; flex: none; align-items: center; gap: 0.6rem; color: inherit; font-size: 1.1875rem; font-weight: 680; letter-spacing: -0.02em; text-decoration: none; }
.brand svg { width: 1.75rem; height: 1.75rem; color: var(--accent); }
.top nav { display: flex; align-items: center; gap: 0.125rem; margin-left: auto; }

/* Buttons */
.button { display: inline-flex; align-items: center; justify-content: center; gap: 0.5rem; min-height: 2.5rem; padding: 0.375rem 1rem; border: 1px solid transparent; border-radius: var(--radius-small); background: var(--sunken); color: var(--text); font: inherit; font-size: 0.9375rem; font-weight: 560; text-decoration: none; cursor: pointer; transition: background-color 120ms, border-color 120ms, color 120ms; }
.button:hover { background: color-mix(in srgb, var(--text) 10%, var(--sunken)); }
.button.main { background: var(--accent); color: var(--on-accent); }
.button.main:hover { background: var(--accent-strong); }
.button.outline { background: transparent; border-color: var(--line); }
.button.outline:hover { border-color: var(--edge); background: var(--sunken); }
.button.plain { background: transparent; color: var(--soft); }
.button.plain:hover { background: var(--sunken); color: var(--text); }
.button.bad { color: var(--bad); }
.button.square { min-width: 2.5rem; padding: 0.375rem; }
.button:disabled, .button[aria-disabled="true"] { opacity: 0.55; cursor: default; }
.button.large { min-height: 3rem; font-size: 1rem; padding-inline: 1.5rem; }

/* Inputs */
label, .label { display: block; font-size: 0.875rem; font-weight: 600; }
.input { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border: 1px solid var(--edge); border-radius: var(--radius-small); background: var(--surface); color: var(--text); font: inherit; }
textarea.input { min-height: 6.5rem; resize: vertical; line-height: 1.5; }
select.input { padding-right: 2rem; text-overflow: ellipsis; }
.input::placeholder { color: var(--soft); opacity: 1; }
.input:focus-visible { outline-offset: 0; border-color: var(--accent); }
.input[aria-invalid="true"] { border-color: var(--bad); }
.input[type="range"] { padding: 0; border: 0; accent-color: var(--accent); background: transparent; }
.field { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.375rem; align-content: start; min-width: 0; }
.hint { color: var(--soft); font-size: 0.8125rem; }
.wrong { color: var(--bad); font-size: 0.875rem; font-weight: 500; }
.wrong:empty { display: none; }
input[type="checkbox"], input[type="radio"] { accent-color: var(--accent); }

/* Cards, badges, progress */
.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); }
.badge { display: inline-flex; align-items: center; gap: 0.375rem; padding: 0.125rem 0.625rem; border-radius: 99px; background: var(--sunken); color: var(--soft); font-size: 0.8125rem; font-weight: 560; white-space: nowrap; }
.badge.accent { background: var(--accent-soft); color: var(--accent); }
.badge.warn { background: var(--warn-soft); color: var(--warn); }
.badge.bad { background: var(--bad-soft); color: var(--bad); }
.dot { width: 0.5rem; height: 0.5rem; border-radius: 50%; background: currentColor; flex: none; }
progress { appearance: none; display: block; width: 100%; height: 0.375rem; border: 0; border-radius: 99px; overflow: hidden; background: var(--sunken); }
progress::-webkit-progress-bar { background: var(--sunken); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 99px; transition: width 300ms; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 99px; }
.notice { padding: 0.75rem 1rem; border-radius: var(--radius-small); background: var(--warn-soft); color: var(--warn); font-size: 0.9375rem; overflow-wrap: anywhere; }
.notice.bad { background: var(--bad-soft); color: var(--bad); }
.notice:empty { display: none; }

/* Tables and lists of facts */
.facts { display: grid; grid-template-columns: minmax(6rem, max-content) minmax(0, 1fr); gap: 0.375rem 1.25rem; font-size: 0.9375rem; }
.facts dt { color: var(--soft); }
.facts dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.table th { color: var(--soft); font-size: 0.8125rem; font-weight: 600; text-align: left; }
.table th, .table td { padding: 0.5rem 0.75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.scroll { overflow-x: auto; }

/* Dialogs and toasts */
dialog { width: min(32rem, calc(100vw - 2rem)); max-height: calc(100dvh - 2rem); padding: 1.5rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); color: var(--text); box-shadow: 0 24px 80px -20px var(--veil); overflow: auto; }
dialog::backdrop { background: var(--veil); }
dialog .buttons { display: flex; justify-content: flex-end; gap: 0.5rem; flex-wrap: wrap; margin-top: 0.5rem; }
.toasts { position: fixed; z-index: 20; inset: auto 1rem 1rem auto; display: grid; gap: 0.5rem; width: min(24rem, calc(100vw - 2rem)); }
.toast { display: flex; align-items: flex-start; justify-content: space-between; gap: 0.75rem; padding: 0.75rem 0.5rem 0.75rem 1rem; background: var(--text); color: var(--back); border-radius: var(--radius-small); box-shadow: var(--lift); font-size: 0.9375rem; overflow-wrap: anywhere; }
.toast .button { min-height: 1.75rem; min-width: 1.75rem; color: inherit; }
.toast .button:hover { background: color-mix(in srgb, var(--back) 18%, var(--text)); color: inherit; }

@media (max-width: 40rem) {
  .top nav .wide { display: none; }
  .top nav { gap: 0; }
  .top .button { padding-inline: 0.625rem; }
  .toasts { inset: auto 1rem 1rem 1rem; width: auto; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: 1ms !important; animation-iteration-count: 1 !important; transition-duration: 1ms !important; scroll-behavior: auto !important; }
}
@media (forced-colors: active) {
  progress { forced-color-adjust: none; }
  .card { border: 1px solid CanvasText; }
}
.operator { display: grid; gap: 1.5rem; max-width: 94rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 2.5vw, 2rem) 4rem; grid-template-columns: minmax(0, 1fr); }
.operator h1 { font-size: 1.5rem; }
.operator #sections { gap: 2.25rem; grid-template-columns: minmax(0, 1fr); }
.operator section { display: grid; gap: 0.75rem; grid-template-columns: minmax(0, 1fr); }
.devices { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 0.75rem; }
.devices > li { display: grid; gap: 0.625rem; padding: 1rem 1.125rem; align-content: start; min-width: 0; }
.devices .name { display: inline-flex; align-items: center; gap: 0.5rem; font-weight: 650; overflow-wrap: anywhere; }
.devices .engine { overflow-wrap: anywhere; }
.devices .buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.counts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 0.75rem; }
.counts > div { display: flex; flex-direction: column-reverse; padding: 0.75rem 1rem; background: var(--surface); border: 1px solid var(--line); border-radius: var(--radius); }
.counts dt { color: var(--soft); font-size: 0.8125rem; font-weight: 600; }
.counts dd { font-size: 1.375rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.list { overflow: hidden; }
.list .table { table-layout: auto; }
.list .table th { padding-top: 0.75rem; }
.list .table td { overflow-wrap: break-word; vertical-align: middle; }
.list .table th.last { text-align: right; }
.list .table tbody tr:last-child td { border-bottom: 0; }
.list .table code { font-size: 0.8125rem; }
.list .none { padding: 1rem 1.125rem; color: var(--soft); font-size: 0.9375rem; }
.list .buttons { display: flex; flex-wrap: wrap; gap: 0.375rem; justify-content: flex-end; }
.list .input { min-height: 2.25rem; padding-block: 0.25rem; font-size: 0.875rem; width: auto; }
.list .button, .devices .button { min-height: 2.25rem; padding-inline: 0.75rem; font-size: 0.875rem; }
.filter .input { width: auto; min-height: 2.25rem; padding-block: 0.25rem; }
.check { display: flex; align-items: center; gap: 0.5rem; font-weight: 400; font-size: 0.9375rem; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
.secret { user-select: all; overflow-wrap: anywhere; }
@media (max-width: 26rem) {
  .top .badge { display: none; }
}
@media (max-width: 60rem) {
  .list thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .list .table, .list tbody, .list tr, .list td { display: block; }
  .list tr { padding: 0.625rem 1rem; border-bottom: 1px solid var(--line); }
  .list tr:last-child { border-bottom: 0; }
  .list .table td { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.125rem 1rem; padding: 0.1875rem 0; border: 0; overflow-wrap: anywhere; }
  .list td::before { content: attr(data-label); color: var(--soft); font-size: 0.8125rem; font-weight: 600; }
  .list td:empty, .list td.last::before { display: none; }
}
</style>
</head>
<body>
<a class="skip" href="#content" data-t="skip">To the content</a>
<header class="top">
  <div>
    <a class="brand" href="/"><span data-icon="brand"></span>Animato</a>
    <span class="badge" id="readiness" role="status" hidden></span>
    <nav data-t-label="pages" aria-label="Pages">
      <a class="button plain wide" href="/" data-t="studio">Studio</a>
      <a class="button plain wide" href="/docs" data-t="api_docs">API</a>
      <button class="button plain" type="button" id="language" data-t="other_language">中文</button>
      <button class="button plain square" type="button" id="theme" data-t-label="dark_theme"></button>
      <button class="button plain square" type="button" id="key" data-t-label="key"><span data-icon="key"></span></button>
    </nav>
  </div>
</header>
<main class="operator" id="content" tabindex="-1">
  <div class="row spread">
    <h1><span data-t="operator">Operator</span> <span class="small soft" id="version"></span></h1>
    <div class="row" id="server-buttons" hidden></div>
  </div>
  <p class="notice" id="obstacles" role="status"></p>
  <div class="stack" id="sections" hidden>
    <section aria-labelledby="devices-title">
      <h2 id="devices-title" data-t="devices">Devices</h2>
      <ul class="devices" id="devices"></ul>
    </section>
    <section aria-labelledby="queue-title">
      <h2 id="queue-title" data-t="queue">Queue</h2>
      <dl class="counts" id="counts"></dl>
      <div class="list card" id="tenants"></div>
    </section>
    <section aria-labelledby="tasks-title">
      <h2 id="tasks-title" data-t="tasks">Tasks that run or wait</h2>
      <div class="list card" id="tasks"></div>
    </section>
    <section aria-labelledby="failures-title">
      <h2 id="failures-title" data-t="failures">Recent failures</h2>
      <div class="list card" id="failures"></div>
    </section>
    <section aria-labelledby="deliveries-title">
      <div class="row spread">
        <h2 id="deliveries-title" data-t="deliveries">Callbacks</h2>
        <div class="row filter"><label for="delivery-status" data-t="show">Show</label><select class="input" id="delivery-status"></select></div>
      </div>
      <div class="list card" id="deliveries"></div>
    </section>
    <section aria-labelledby="keys-title">
      <div class="row spread">
        <h2 id="keys-title" data-t="keys">Keys</h2>
        <button class="button outline" type="button" id="new-key"><span data-icon="key"></span><span data-t="new_key">New key</span></button>
      </div>
      <div class="list card" id="keys"></div>
    </section>
  </div>
</main>
<script type="module">
// Building the page: texts become text and never markup.

const byId = (id) => document.getElementById(id);

/** An element with attributes, handlers (`onclick` and the like, as functions) and children. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const shapes = {
  brand: "M4 18 9 6l4 9 3-5 4 8M3 21h18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  key: "M13 12a4 4 0 1 0 8 0 4 4 0 0 0-8 0M13 12H3M6 12v3.5M9.5 12v2.5",
  book: "M4 5a2 2 0 0 1 2-2h13v16H6a2 2 0 0 0-2 2ZM4 19V5M8 7h7M8 11h5",
  close: "M6 6l12 12M18 6 6 18",
  lock: "M6 11h12v9H6ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6ZM8.5 11V7.5a3.5 3.5 0 0 1 6.7-1.4",
  dice: "M4 4h16v16H4ZM8.5 8.5h.01M15.5 15.5h.01M15.5 8.5h.01M8.5 15.5h.01M12 12h.01",
  image: "M4 5h16v14H4ZM4 16l5-5 4 4 2-2 5 5M15.5 9h.01",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  again: "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  sliders: "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h16",
  spark: "M12 3l1.8 5.2L19 10l-5.2 1.8L12 17l-1.8-5.2L5 10l5.2-1.8ZM19 16v4M17 18h4",
  play: "M8 5.5v13l10.5-6.5Z",
  chip: "M7 7h10v10H7ZM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.5l3 1.5",
  film: "M4 5h16v14H4ZM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4",
};

/** A drawing that screen readers pass over: the words are beside it or in the button's name. */
function icon(name) {
  const space = "http:" + "//www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shapes[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** Puts drawings where the page says `data-icon`. */
function drawIcons(within = document) {
  for (const place of within.querySelectorAll("[data-icon]")) place.replaceChildren(icon(place.dataset.icon));
}

/** Says something in passing; read out politely, and gone by itself or by its button. */
function toast(text) {
  let place = byId("toasts");
  if (!place) {
    place = make("div", { id: "toasts", class: "toasts", role: "status" });
    document.body.append(place);
  }
  // A modal dialog makes everything outside of it inert.
  (document.querySelector("dialog[open]") || document.body).append(place);
  const note = make("div", { class: "toast" }, make("span", {}, text),
    make("button", { type: "button", class: "button plain square", "aria-label": t("close"), onclick: () => note.remove() }, icon("close")));
  place.append(note);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => note.remove(), 8000);
}

/** Shows a dialog built on the spot, and gives it back; it leaves the page when it is closed. */
function showDialog(title, content, attributes = {}) {
  const heading = make("h2", { id: `dialog-title-${showDialog.count += 1}` }, title);
  const dialog = make("dialog", { "aria-labelledby": heading.id, ...attributes },
    make("div", { class: "stack" },
      make("div", { class: "row spread" }, heading,
        make("button", { type: "button", class: "button plain square", "aria-label": t("close"), onclick: () => dialog.close() }, icon("close"))),
      content));
  dialog.addEventListener("close", () => {
    const toasts = byId("toasts");
    if (toasts && dialog.contains(toasts)) document.body.append(toasts);
    dialog.remove();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
showDialog.count = 0;

/** Whether nothing is to move unless it is asked to. */
const wantsStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A value of this browser, kept over visits where the browser allows it. */
const remembered = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) {
    try { if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value); } catch { /* Then for this page alone. */ }
  },
};
// Two languages, and the theme: what a visitor chooses is kept in this browser.

const languages = { en: {}, zh: {} };

/** Adds words: `{key: [English, Chinese]}`. */
function addWords(words) {
  for (const [key, [english, chinese]] of Object.entries(words)) {
    languages.en[key] = english;
    languages.zh[key] = chinese;
  }
}

const preferredLanguage = () => ((navigator.languages || [navigator.language]).find((one) => /^(zh|en)\b/i.test(one)) || "en");
let language = remembered.get("animato-language") || (/^zh/i.test(preferredLanguage()) ? "zh" : "en");
if (!languages[language]) language = "en";

/** The words for a key, with `{name}` filled in. */
function t(key, values = {}) {
  const text = languages[language][key] ?? languages.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Whether there are words for a key. */
const knows = (key) => key in languages.en;

const languageListeners = [];
/** Calls when the language changes; what is built by script is built anew then. */
function onLanguage(listener) { languageListeners.push(listener); }

/** Fills every element that says `data-t` (text), `data-t-label` (its name) or `data-t-placeholder`. */
function translate(within = document) {
  for (const one of within.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of within.querySelectorAll("[data-t-label]")) {
    one.setAttribute("aria-label", t(one.dataset.tLabel));
    if (one.matches("button, a")) one.title = t(one.dataset.tLabel);
  }
  for (const one of within.querySelectorAll("[data-t-placeholder]")) one.placeholder = t(one.dataset.tPlaceholder);
}

function setLanguage(chosen) {
  language = chosen;
  remembered.set("animato-language", chosen);
  showLanguage();
  for (const listener of languageListeners) listener();
}

function showLanguage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  translate();
  const title = document.querySelector("title");
  if (title.dataset.t) document.title = t(title.dataset.t);
}

const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function showTheme() {
  const button = byId("theme");
  if (!button) return;
  button.replaceChildren(icon(isDark() ? "sun" : "moon"));
  button.dataset.tLabel = isDark() ? "light_theme" : "dark_theme";
  translate(button.parentElement);
}

/** The other theme; what the system says is followed until then. */
function switchTheme() {
  const chosen = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  remembered.set("animato-theme", chosen);
  showTheme();
}

addWords({
  close: ["Close", "关闭"],
  cancel: ["Cancel", "取消"],
  light_theme: ["Light theme", "浅色主题"],
  dark_theme: ["Dark theme", "深色主题"],
  other_language: ["中文", "English"],
  skip: ["To the content", "跳到内容"],
  key: ["Key", "密钥"],
  api_docs: ["API", "接口文档"],
  pages: ["Pages", "页面"],
  studio: ["Studio", "创作"],
  operator: ["Operator", "运维"],
});
// Numbers, times and sizes as people read them, in the page's language.

const locale = () => (language === "zh" ? "zh-CN" : "en");

/** Seconds as "12 s", "3 min 20 s", "2 h 5 min". */
function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const unit = language === "zh" ? { h: " 小时", min: " 分", s: " 秒" } : { h: " h", min: " min", s: " s" };
  if (seconds < 9.95) return `${Math.max(0.1, Math.round(seconds * 10) / 10)}${unit.s}`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${unit.s}`;
  const minutes = Math.floor(whole / 60);
  if (whole < 3600) return `${minutes}${unit.min}${minutes < 10 && whole % 60 ? ` ${whole % 60}${unit.s}` : ""}`;
  const hours = Math.floor(minutes / 60);
  return `${hours}${unit.h}${minutes % 60 ? ` ${minutes % 60}${unit.min}` : ""}`;
}

/** Bytes as "1.4 MB". */
function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) { value /= 1000; step += 1; }
  return `${value.toLocaleString(locale(), { maximumFractionDigits: value < 10 && step ? 1 : 0 })} ${units[step]}`;
}

/** A moment as "3 minutes ago". */
function ago(moment, now = Date.now()) {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return format.format(Math.min(0, Math.round(seconds)), "second");
}

/** A moment in full, for details. */
const moment = (text) => new Date(text).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "medium" });

const number = (value, digits = 1) => Number(value).toLocaleString(locale(), { maximumFractionDigits: digits });
// Talking with the server: the key goes along, and what goes wrong becomes words with what to do.

const keyStore = {
  get() { try { return sessionStorage.getItem("animato-key") || ""; } catch { return keyStore.held || ""; } },
  set(key) {
    keyStore.held = key;
    try { if (key) sessionStorage.setItem("animato-key", key); else sessionStorage.removeItem("animato-key"); } catch { /* Held above. */ }
  },
};

/** What the server, or the way to it, has against a request. */
class Refusal extends Error {
  constructor(problem, status, retryAfter) {
    super(problem.detail || problem.title || problem.code || "");
    this.code = problem.code || "unknown";
    this.status = status;
    this.violations = problem.violations || [];
    this.obstacles = problem.obstacles || [];
    this.requestID = problem.request_id || null;
    this.retryAfter = retryAfter;
  }

  /** In the page's language: what is wrong, and what can be done. */
  get words() {
    const key = [`code_${this.code}`, `reason_${this.code}`].find(knows);
    const said = key ? t(key) : this.message || t("code_unknown");
    const again = this.retryAfter ? ` ${t("try_again_in", { time: duration(this.retryAfter) })}` : "";
    const id = this.status >= 500 && this.requestID ? ` ${t("request_id", { id: this.requestID })}` : "";
    return said + again + id;
  }
}

const connectionListeners = [];
let isConnected = true;
/** Calls with `false` when the server cannot be reached, and with `true` when it answers again. */
function onConnection(listener) { connectionListeners.push(listener); }
function noteConnection(now) {
  if (now === isConnected) return;
  isConnected = now;
  for (const listener of connectionListeners) listener(now);
}

/**
 * Sends a request with the key and gives the response, if it is one of success.
 *
 * Where the server asks for a key, it is asked of the visitor until there is a good one or none is given; not for what the page
 * does by itself (`isQuiet`).
 */
async function send(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = keyStore.get();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    noteConnection(false);
    throw new Refusal({ code: "unreachable" }, 0, null);
  }
  noteConnection(true);
  if (response.ok || response.status === 304) return response;
  let problem = {};
  try { problem = await response.json(); } catch { problem = { title: response.statusText }; }
  // The paths under /v1/ speak as the OpenAI API does.
  if (problem.error?.message) problem = { code: problem.error.code, detail: problem.error.message };
  if (response.status === 401 && !options.isQuiet) {
    if (key !== keyStore.get() || await askForKey(problem.code)) return send(path, options);
  }
  throw new Refusal(problem, response.status, Number(response.headers.get("Retry-After")) || null);
}

/** Sends JSON, if there is any, and gives the JSON that comes back. */
async function api(path, { body, headers, ...options } = {}) {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await send(path, { ...sent, ...options, headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers } });
  return response.status === 204 ? null : response.json();
}

/** An address of this server as it is reached from here: a proxy may give it another name. */
function here(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

let askingForKey = null;
const keyListeners = [];
/** Calls when another key is used from now on. */
function onKey(listener) { keyListeners.push(listener); }

/** Asks for a key; `true` once there is one. However many ask, there is one dialog. */
function askForKey(code = null) {
  askingForKey ??= new Promise((resolve) => {
    const input = make("input", { id: "key-input", class: "input", type: "password", autocomplete: "off", spellcheck: "false", "aria-describedby": "key-hint key-wrong" });
    input.value = code ? "" : keyStore.get();
    const wrong = make("p", { id: "key-wrong", class: "wrong", role: "alert" }, code && code !== "key_required" ? t(`code_${code}`) : "");
    let isDone = false;
    const form = make("form", {
      class: "stack", onsubmit: (event) => {
        event.preventDefault();
        const key = input.value.trim();
        if (/[^\x20-\x7e]/.test(key)) { wrong.textContent = t("code_key_invalid"); return; }
        if (code && !key) { wrong.textContent = t("code_key_required"); return; }
        keyStore.set(key);
        isDone = true;
        dialog.close();
      },
    },
    make("div", { class: "field" }, make("label", { for: input.id }, t("key_label")), input, make("p", { class: "hint", id: "key-hint" }, t("key_hint"))), wrong,
    make("div", { class: "buttons" },
      make("button", { type: "button", class: "button outline", onclick: () => dialog.close() }, t("cancel")),
      make("button", { type: "submit", class: "button main" }, t("key_use"))));
    const dialog = showDialog(t(code ? "key_needed" : "key"), form);
    dialog.addEventListener("close", () => {
      askingForKey = null;
      resolve(isDone);
      if (isDone) for (const listener of keyListeners) listener();
    });
    input.focus();
  });
  return askingForKey;
}

addWords({
  key_needed: ["This server asks for a key", "此服务器需要密钥"],
  key_label: ["Your key", "你的密钥"],
  key_hint: ["Kept in this tab alone, until it is closed. Left empty: none.", "只保存在此标签页中，关闭后即清除。留空表示不使用密钥。"],
  key_use: ["Use it", "使用"],
  try_again_in: ["Try again in {time}.", "请在{time}后重试。"],
  request_id: ["The operator finds it in the log as {id}.", "运维人员可在日志中用 {id} 查到。"],
  code_unknown: ["Something went wrong. Try again.", "出了点问题，请重试。"],
  code_unreachable: ["The server cannot be reached. Your work there goes on; this page tries again by itself.", "无法连接服务器。服务器上的任务不受影响，页面会自动重试。"],
  code_key_required: ["A key is needed. Ask the operator for one.", "需要密钥，请向管理员索取。"],
  code_key_invalid: ["This key is not known here. Check that all of it was pasted.", "密钥无效，请检查是否完整粘贴。"],
  code_key_revoked: ["This key was revoked. Ask the operator for another one.", "密钥已被吊销，请向管理员索取新的密钥。"],
  code_key_expired: ["This key has expired. Ask the operator for another one.", "密钥已过期，请向管理员索取新的密钥。"],
  code_scope_missing: ["This key may not do that. Ask the operator for a key with the scope that is needed.", "此密钥没有相应权限，请向管理员索取有权限的密钥。"],
  code_invalid_request: ["Something in the request is wrong: see the marked fields.", "请求中有错误，请查看标出的字段。"],
  code_rate_limited: ["Too many requests with this key at once.", "此密钥的请求过于频繁。"],
  code_waiting_limit: ["As many of your videos wait as may. Wait for one to start, or cancel one.", "排队中的视频已达上限。请等待其中一个开始，或取消一个。"],
  code_device_seconds_limit: ["Today's device time is used up.", "今天的设备时间已用完。"],
  code_queue_full: ["The queue is full.", "队列已满。"],
  code_wait_too_long: ["The wait would be longer than this server allows.", "等待时间会超过服务器允许的上限。"],
  code_upload_too_large: ["This file is too large. Choose a smaller one.", "文件过大，请选择较小的文件。"],
  code_upload_quota_exceeded: ["Your uploads take all the space they may. Wait until some expire, or delete some.", "上传空间已用完。请等待文件过期，或删除一些文件。"],
  code_media_unreadable: ["This file is no picture that can be read. Choose a PNG, JPEG or WebP.", "无法读取此图片，请选择 PNG、JPEG 或 WebP。"],
  code_media_too_large: ["This picture has too many pixels. Choose a smaller one.", "图片像素过多，请选择较小的图片。"],
  code_unsupported_media_type: ["This is no picture. Choose a PNG, JPEG or WebP.", "这不是图片，请选择 PNG、JPEG 或 WebP。"],
  code_disk_full: ["The server's disk is full. Tell the operator.", "服务器磁盘已满，请告知管理员。"],
  code_streams_busy: ["Too many are watching right now.", "当前观看人数过多。"],
  code_task_not_found: ["This task is not there any more.", "任务已不存在。"],
  code_video_expired: ["This video was let go to make room. Generate it again.", "视频已被清理以腾出空间，请重新生成。"],
  code_foreign_host: ["The server does not answer under this name. Open it by its address, or let the operator set http.publicURL.", "服务器不接受此域名。请用 IP 地址打开，或让管理员设置 http.publicURL。"],
});
// Following a task: server-sent events over fetch, because EventSource cannot send a key.

/** The events in a stream of text: `{event, id, data}`. Comments are passed over. */
async function* eventsIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = { event: "message", id: null, data: "" };
        for (const line of block.split(/\r?\n/)) {
          const [, name, text] = /^(\w+): ?(.*)$/.exec(line) || [];
          if (name === "data") event.data += (event.data ? "\n" : "") + text;
          else if (name === "event" || name === "id") event[name] = text;
        }
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => { /* It has ended already. */ });
  }
}

const pause = (seconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/**
 * Follows a task to its end.
 *
 * Connects again with the last id where the stream breaks, and asks now and then where there is no stream.
 * `tell(event, data)` is called with `status`, `progress`, `preview` and, last, `end`; with `gone` if the task is not there any more.
 */
async function follow(id, tell, signal) {
  let last = null;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const headers = last === null ? {} : { "Last-Event-ID": last };
      const response = await send(`/api/v1/tasks/${id}/events`, { headers, signal, isQuiet: true });
      for await (const { event, id: number, data } of eventsIn(response.body)) {
        failures = 0;
        if (number !== null) last = number;
        tell(event, JSON.parse(data));
        if (event === "end") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status === 404) { tell("gone", null); return; }
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) return;
      if (await poll(id, tell, signal)) return;
    }
    failures += 1;
    await pause(Math.min(10, 0.5 * 2 ** Math.min(failures, 5)), signal);
  }
}

/** One look at a task, for want of a stream; `true` if there is nothing more to follow. */
async function poll(id, tell, signal) {
  try {
    const task = await api(`/api/v1/tasks/${id}`, { signal, isQuiet: true });
    const isOver = ["SUCCESS", "FAILED", "CANCELLED"].includes(task.status);
    tell(isOver ? "end" : "status", task);
    return isOver;
  } catch {
    return false;
  }
}
// What the top of every page does: language, theme and key.

/** Call once the page has added its words. */
function startFrame() {
  drawIcons();
  showLanguage();
  showTheme();
  byId("theme").addEventListener("click", switchTheme);
  byId("language").addEventListener("click", () => setLanguage(language === "zh" ? "en" : "zh"));
  byId("key").addEventListener("click", () => askForKey());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
}
// What the operator page says, in English and in Chinese.

addWords({
  title: ["Animato Operator", "Animato 运维"],
  devices: ["Devices", "设备"],
  queue: ["Queue", "队列"],
  tasks: ["Tasks that run or wait", "运行和等待中的任务"],
  failures: ["Recent failures", "最近的失败"],
  deliveries: ["Callbacks", "回调"],
  keys: ["Keys", "密钥"],
  ready: ["Ready", "就绪"],
  not_ready: ["Not ready", "未就绪"],
  offline: ["Offline", "已离线"],
  server_drains: ["The server is drained: it takes tasks, and starts none.", "服务器已排空：接受任务，但不开始处理。"],
  lacks_admin: ["This key has the scopes: {scopes}. This page needs a key with the scope admin.", "此密钥的权限为：{scopes}。此页面需要具有 admin 权限的密钥。"],
  back: ["Back", "返回"],
  show: ["Show", "显示"],
  all: ["All", "全部"],

  drain: ["Drain", "排空"],
  resume: ["Resume", "恢复"],
  unload: ["Unload", "卸载模型"],
  drain_title: ["Drain {device}?", "排空 {device}？"],
  drain_text: ["No more work is started. What runs goes on to its end; what waits goes on waiting.", "不再开始新的工作。正在运行的会继续完成，等待中的继续等待。"],
  drain_done: ["{device} starts no more work", "{device} 不再开始新的工作"],
  resume_done: ["{device} works again", "{device} 已恢复工作"],
  unload_title: ["Unload the models of {device}?", "卸载 {device} 的模型？"],
  unload_text: ["Idle engines give up their memory. The next video loads its model again.", "空闲的引擎会释放内存。下一个视频会重新加载模型。"],
  unload_done: ["The idle engines of {device} give up their models", "{device} 的空闲引擎正在卸载模型"],
  drain_server: ["Drain the server", "排空服务器"],
  drain_server_title: ["Drain the whole server?", "排空整个服务器？"],
  drain_server_done: ["The server starts no more work", "服务器不再开始新的工作"],
  resume_server: ["Resume the server", "恢复服务器"],
  resume_server_done: ["The server works again", "服务器已恢复工作"],

  device_memory: ["{used} of {total} in use", "已用 {used} / {total}"],
  device_load: ["{percent} % busy", "利用率 {percent}%"],
  device_ready: ["Ready", "就绪"],
  device_busy: ["At work", "工作中"],
  device_asleep: ["Asleep", "休眠"],
  device_starting: ["Starting", "启动中"],
  device_down: ["Down", "不可用"],
  device_draining: ["Drained", "已排空"],
  device_lost: ["Lost", "已丢失"],
  engine: ["Engine {index}", "引擎 {index}"],
  engine_ready: ["ready", "就绪"],
  engine_busy: ["at work", "工作中"],
  engine_asleep: ["asleep", "休眠"],
  engine_starting: ["starting", "启动中"],
  engine_down: ["down", "不可用"],
  engine_stopped: ["stopped", "已停止"],
  step_of: ["{stage} {step} of {steps}", "{stage} {step}/{steps}"],
  together: ["{count} together", "{count} 个同批"],
  left: ["{time} left", "剩余{time}"],
  stage_load: ["Loading", "加载"],
  stage_encode: ["Reading the prompt", "编码"],
  stage_denoise: ["Step", "去噪"],
  stage_decode: ["Decoding", "解码"],
  stage_write: ["Writing", "写入"],

  tenant: ["Tenant", "租户"],
  waiting: ["Waiting", "等待"],
  running: ["Running", "运行"],
  device_time_today: ["Device time today", "今日设备时间"],
  storage: ["Uploads", "上传"],
  new_one_waits: ["A new one waits", "新任务等待"],
  no_wait: ["not at all", "无需等待"],
  priority_interactive: ["Interactive", "交互"],
  priority_normal: ["Normal", "普通"],
  priority_batch: ["Batch", "批处理"],

  task: ["Task", "任务"],
  status: ["Status", "状态"],
  size: ["Size", "尺寸"],
  model: ["Model", "模型"],
  progress: ["Progress", "进度"],
  priority: ["Priority", "优先级"],
  actions: ["Actions", "操作"],
  when: ["When", "时间"],
  attempts: ["Attempts", "尝试次数"],
  code: ["Code", "代码"],
  message: ["Message", "信息"],
  runs: ["Running", "运行中"],
  waits: ["Waiting", "等待中"],
  place: ["Place {place}", "第 {place} 位"],
  priority_of: ["Priority of {task}", "{task} 的优先级"],
  priority_done: ["The priority is now: {priority}", "优先级已改为：{priority}"],
  cancel_of: ["Cancel {task}", "取消 {task}"],
  cancel_title: ["Cancel this task?", "取消此任务？"],
  cancel_text: ["It is of the tenant {tenant}, who is told that it was cancelled.", "它属于租户 {tenant}，租户会得知任务已取消。"],
  cancel_task: ["Cancel the task", "取消任务"],
  cancel_done: ["The task was cancelled", "任务已取消"],

  event: ["Event", "事件"],
  receiver: ["Receiver", "接收方"],
  last_error: ["Last answer or error", "最近的响应或错误"],
  next: ["Next or last", "下次或最后"],
  next_at: ["in {time}", "{time}后"],
  delivery_PENDING: ["Waiting", "等待中"],
  delivery_DELIVERED: ["Delivered", "已送达"],
  delivery_DEAD: ["Given up", "已放弃"],
  delivery_SUPERSEDED: ["Superseded", "已被取代"],
  redeliver: ["Send again", "重新发送"],
  redeliver_of: ["Send the callback of {task} again", "重新发送 {task} 的回调"],
  redeliver_done: ["It is being sent again", "正在重新发送"],

  name: ["Name", "名称"],
  key_id: ["Id", "编号"],
  scopes: ["Scopes", "权限"],
  limits: ["Limits", "限额"],
  max_priority: ["Highest priority", "最高优先级"],
  ends: ["Ends", "到期"],
  never: ["never", "永不"],
  no_limits: ["none", "无"],
  limit_requests: ["{count} requests a second", "每秒 {count} 个请求"],
  limit_waiting: ["{count} waiting", "{count} 个等待"],
  limit_running: ["{count} running", "{count} 个运行"],
  limit_device: ["{time} of a device a day", "每天设备时间{time}"],
  limit_storage: ["{size} of uploads", "上传 {size}"],
  key_active: ["Active", "有效"],
  key_expired: ["Expired", "已过期"],
  key_revoked: ["Revoked", "已吊销"],
  new_key: ["New key", "新建密钥"],
  create: ["Create", "创建"],
  tenant_hint: ["Whose tasks it sees and makes. Left empty: a new tenant of its own.", "可查看和创建哪个租户的任务。留空则新建租户。"],
  scope_read: ["read: see one's own tasks, videos and callbacks", "read：查看自己的任务、视频和回调"],
  scope_generate: ["generate: ask for videos, upload, cancel", "generate：创建视频、上传、取消"],
  scope_admin: ["admin: everything, for every tenant", "admin：所有租户的全部权限"],
  requests_per_second: ["Requests a second, at most", "每秒请求上限"],
  waiting_tasks: ["Tasks that may wait", "等待任务上限"],
  running_tasks: ["Generations that may run at once", "同时运行上限"],
  secret_title: ["The key {name}", "密钥 {name}"],
  secret_text: ["This is shown once, and kept nowhere. Copy it now.", "密钥只显示一次，不会保存。请立即复制。"],
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  not_copied: ["The browser does not let this page copy. Select the text and copy it.", "浏览器不允许复制，请手动选择并复制。"],
  rotate: ["Rotate", "轮换"],
  rotate_of: ["Rotate {name}", "轮换 {name}"],
  rotate_title: ["Give {name} a new secret?", "为 {name} 更换密钥？"],
  rotate_text: ["The one so far goes on for a day.", "原密钥在一天内仍然有效。"],
  revoke: ["Revoke", "吊销"],
  revoke_of: ["Revoke {name}", "吊销 {name}"],
  revoke_title: ["Revoke {name} for good?", "永久吊销 {name}？"],
  revoke_text: ["It opens nothing from now on. Its tasks stay, and go on.", "此密钥立即失效。它的任务会保留并继续。"],
  revoke_done: ["{name} opens nothing any more", "{name} 已失效"],

  no_tenants: ["No tenant has anything under way.", "没有租户有进行中的任务。"],
  no_tasks: ["Nothing runs or waits.", "没有运行或等待中的任务。"],
  no_failures: ["Nothing has failed.", "没有失败的任务。"],
  no_deliveries: ["No callbacks.", "没有回调。"],
  no_keys: ["There are no keys. From the first one on everybody needs one; it must have the scope admin.", "没有密钥。创建第一个之后所有人都需要密钥；第一个必须有 admin 权限。"],
});
// Lists that are kept up to date without being built anew: nothing flickers, and what has the focus keeps it.

/** Sets a text only where it is another one. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Brings the children of an element into line with what there is.
 *
 * `create(item)` gives `{element, update(item)}`; an element stays as long as there is an item of its key.
 */
function reconcile(parent, items, keyOf, create) {
  parent.entries ??= new Map();
  const before = parent.entries;
  parent.entries = new Map();
  items.forEach((item, index) => {
    const key = keyOf(item);
    const entry = before.get(key) ?? create(item);
    before.delete(key);
    entry.update(item);
    parent.entries.set(key, entry);
    // What is moved loses the focus, so only what stands elsewhere is.
    if (parent.children[index] !== entry.element) parent.insertBefore(entry.element, parent.children[index] ?? null);
  });
  for (const { element } of before.values()) element.remove();
}

/**
 * A table of items in a place of its own.
 *
 * `columns` are `{title, text(item)}` or `{title, make(item), update(element, item)}`; roles are stated because a narrow
 * page shows rows as blocks, which would make them no table to a screen reader.
 */
function showTable(place, title, columns, items, keyOf, none) {
  if (!place.table) {
    place.body = make("tbody", { role: "rowgroup" });
    place.none = make("p", { class: "none" });
    place.table = make("table", { class: "table", role: "table", "aria-labelledby": title },
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, columns.map((one) => make("th", { role: "columnheader", scope: "col", class: one.title === "actions" ? "last" : null }, t(one.title))))),
      place.body);
    place.replaceChildren(place.table, place.none);
  }
  place.table.hidden = !items.length;
  place.none.hidden = items.length > 0;
  say(place.none, t(none));
  reconcile(place.body, items, keyOf, (item) => {
    const cells = columns.map((one) => make("td", { role: "cell", "data-label": t(one.title), class: one.title === "actions" ? "last" : null }, one.make ? one.make(item) : ""));
    return {
      element: make("tr", { role: "row" }, cells),
      update(now) {
        columns.forEach((one, index) => {
          if (one.text) say(cells[index], one.text(now));
          else one.update?.(cells[index].firstChild, now);
        });
      },
    };
  });
}

/** Forgets what was built, so that it is built anew in the page's language. */
function forgetTable(place) {
  place.table = null;
  place.replaceChildren();
}

/** Asks before something is done, and says what came of it. */
function confirmThen(title, text, button, act, done) {
  const run = async () => {
    dialog.close();
    await attempt(act, done);
  };
  const yes = make("button", { type: "button", class: "button main", onclick: run }, button);
  const dialog = showDialog(title, [make("p", {}, text),
    make("div", { class: "buttons" }, make("button", { type: "button", class: "button outline", onclick: () => dialog.close() }, t("back")), yes)]);
  yes.focus();
}

/** Does something and says what came of it, then looks. */
async function attempt(act, done) {
  try {
    const answer = await act();
    if (done) toast(done(answer));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(error.words);
  }
  look();
}

/** A badge whose colour says how things stand. */
function badge(kind, text) { return make("span", { class: `badge ${kind}` }, text); }
function setBadge(element, kind, text) {
  if (element.className !== `badge ${kind}`) element.className = `badge ${kind}`;
  say(element, text);
}
// Devices and the queue: what they do, and what is done to them.

const deviceKinds = { ready: "accent", busy: "accent", starting: "warn", draining: "warn", down: "bad", lost: "bad" };

function deviceCard(device) {
  const id = device.id;
  const path = `/api/v1/devices/${encodeURIComponent(id)}`;
  const state = badge("", "");
  const bar = make("progress", { max: 1 });
  const facts = make("span", { class: "small soft numbers" });
  const engines = make("ul", { class: "stack small" });
  const act = (verb, confirm) => make("button", {
    type: "button", class: "button outline", onclick: () => {
      const send = () => api(`${path}/${verb}`, { method: "POST" });
      const done = () => t(`${verb}_done`, { device: id });
      if (confirm) confirmThen(t(`${verb}_title`, { device: id }), t(`${verb}_text`), t(verb), send, done);
      else attempt(send, done);
    },
  }, t(verb));
  const drain = act("drain", true);
  const resume = act("resume", false);
  const buttons = make("div", { class: "buttons", role: "group", "aria-label": id }, drain, resume, act("unload", true));
  const element = make("li", { class: "card", "data-device": id },
    make("div", { class: "row spread" }, make("span", { class: "name" }, icon("chip"), device.kind === id ? id : `${device.kind} · ${id}`), state),
    bar, facts, engines, buttons);
  return {
    element,
    update(now) {
      setBadge(state, deviceKinds[now.state] ?? "", t(`device_${now.state}`));
      const memory = t("device_memory", { used: bytes(now.total_bytes - now.free_bytes), total: bytes(now.total_bytes) });
      bar.value = now.total_bytes ? 1 - now.free_bytes / now.total_bytes : 0;
      if (bar.getAttribute("aria-label") !== memory) bar.setAttribute("aria-label", memory);
      say(facts, [memory,
        now.utilisation === null ? null : t("device_load", { percent: Math.round(100 * now.utilisation) }),
        now.temperature_celsius === null ? null : `${Math.round(now.temperature_celsius)} °C`].filter(Boolean).join(" · "));
      // A drained device says so by its state alone.
      const focus = document.activeElement;
      const isDraining = now.state === "draining";
      drain.hidden = isDraining;
      resume.hidden = !isDraining;
      if (focus === drain && isDraining) resume.focus();
      if (focus === resume && !isDraining) drain.focus();
      reconcile(engines, now.engines, (one) => one.index, engineLine);
    },
  };
}

function engineLine() {
  const text = make("span", { class: "engine numbers" });
  const bar = make("progress", { max: 1, hidden: true });
  return {
    element: make("li", { class: "stack" }, text, bar),
    update(engine) {
      const work = engine.work;
      const progress = work?.progress;
      const parts = [t("engine", { index: engine.index }), t(`engine_${engine.state}`), engine.model];
      if (progress) parts.push(progress.total_steps ? t("step_of", { stage: t(`stage_${progress.stage}`), step: progress.step, steps: progress.total_steps }) : t(`stage_${progress.stage}`));
      if (work && work.generations > 1) parts.push(t("together", { count: work.generations }));
      if (work && work.seconds_left !== null) parts.push(t("left", { time: duration(work.seconds_left) }));
      say(text, parts.filter(Boolean).join(" · "));
      bar.hidden = !progress?.total_steps;
      if (progress?.total_steps) {
        bar.value = progress.step / progress.total_steps;
        bar.setAttribute("aria-label", t("step_of", { stage: t(`stage_${progress.stage}`), step: progress.step, steps: progress.total_steps }));
      }
    },
  };
}

function countTile() {
  const name = make("dt");
  const value = make("dd");
  return { element: make("div", {}, name, value), update(now) { say(name, t(now.name)); say(value, now.value); } };
}

const tenantColumns = [
  { title: "tenant", text: (one) => one.tenant },
  { title: "waiting", text: (one) => number(one.waiting_tasks) },
  { title: "running", text: (one) => number(one.running_tasks) },
  { title: "device_time_today", text: (one) => duration(one.device_seconds_today) },
  { title: "storage", text: (one) => bytes(one.storage_bytes) },
];

function showFleet({ devices, queue, tenants }) {
  reconcile(byId("devices"), devices, (one) => one.id, deviceCard);
  const wait = queue.predicted_wait_seconds;
  reconcile(byId("counts"), [
    { name: "running", value: number(queue.running) },
    { name: "waiting", value: number(queue.waiting) },
    ...["interactive", "normal", "batch"].map((one) => ({ name: `priority_${one}`, value: number(queue.by_priority[one]) })),
    { name: "new_one_waits", value: wait === null ? "–" : wait < 1 ? t("no_wait") : duration(wait) },
  ], (one) => one.name, countTile);
  showTable(byId("tenants"), "queue-title", tenantColumns, tenants, (one) => one.tenant, "no_tenants");
  showServerButton(queue.draining);
}

function showServerButton(isDraining) {
  const place = byId("server-buttons");
  place.hidden = false;
  const verb = isDraining ? "resume" : "drain";
  if (place.dataset.verb === verb) return;
  const hadFocus = place.contains(document.activeElement);
  place.dataset.verb = verb;
  const send = () => api(`/api/v1/${verb}`, { method: "POST" });
  const done = () => t(`${verb}_server_done`);
  const button = make("button", {
    type: "button", class: `button ${isDraining ? "main" : "outline"}`, onclick: () => {
      if (isDraining) attempt(send, done);
      else confirmThen(t("drain_server_title"), t("drain_text"), t("drain_server"), send, done);
    },
  }, t(`${verb}_server`));
  place.replaceChildren(button);
  if (hadFocus) button.focus();
}
// Tasks of every tenant that run or wait, and what has failed lately. What they show is not shown here.

const priorities = ["interactive", "normal", "batch"];
const shortID = (id) => `${id.slice(0, 8)}…${id.slice(-4)}`;
const idCell = { title: "task", make: (task) => make("code", { title: task.task_id }, shortID(task.task_id)) };
const sizeOf = ({ request }) => `${request.width} × ${request.height} × ${request.num_frames}`;

function progressOf(task) {
  const left = task.eta_seconds === null ? [] : [t("left", { time: duration(task.eta_seconds) })];
  if (task.status === "PENDING") {
    const place = task.waiting ? task.waiting.message : task.queue_position === null ? t("waits") : t("place", { place: task.queue_position });
    return [place, ...left].join(" · ");
  }
  const { progress } = task;
  if (!progress) return t("runs");
  return [progress.total_steps ? t("step_of", { stage: t(`stage_${progress.stage}`), step: progress.step, steps: progress.total_steps }) : t(`stage_${progress.stage}`), ...left].join(" · ");
}

const taskColumns = [
  idCell,
  { title: "tenant", text: (task) => task.tenant },
  {
    title: "status",
    make: () => badge("", ""),
    update: (element, task) => setBadge(element, task.status === "RUNNING" ? "accent" : "", t(task.status === "RUNNING" ? "runs" : "waits")),
  },
  { title: "size", text: sizeOf },
  { title: "model", text: (task) => task.model },
  { title: "progress", text: progressOf },
  {
    title: "priority",
    make(task) {
      const select = make("select", { class: "input", "aria-label": t("priority_of", { task: shortID(task.task_id) }) },
        priorities.map((one) => make("option", { value: one }, t(`priority_${one}`))));
      select.addEventListener("change", () => attempt(
        () => api(`/api/v1/admin/tasks/${task.task_id}`, { method: "PATCH", body: { priority: select.value } }),
        (now) => t("priority_done", { priority: t(`priority_${now.priority}`) }),
      ));
      return select;
    },
    update(select, task) {
      // Not while somebody chooses.
      if (document.activeElement !== select && select.value !== task.priority) select.value = task.priority;
    },
  },
  {
    title: "actions",
    make: (task) => make("div", { class: "buttons" }, make("button", {
      type: "button", class: "button outline bad", "aria-label": t("cancel_of", { task: shortID(task.task_id) }),
      onclick: () => confirmThen(t("cancel_title"), t("cancel_text", { tenant: task.tenant }), t("cancel_task"),
        () => api(`/api/v1/admin/tasks/${task.task_id}`, { method: "DELETE" }), () => t("cancel_done")),
    }, t("cancel"))),
  },
];

const failureColumns = [
  idCell,
  { title: "tenant", text: (task) => task.tenant },
  { title: "when", text: (task) => ago(task.finished_at) },
  { title: "size", text: sizeOf },
  { title: "attempts", text: (task) => number(task.attempts) },
  { title: "code", make: (task) => make("code", {}, task.error?.code ?? "–") },
  { title: "message", text: (task) => task.error?.message ?? "–" },
];

function showTasks({ underWay, failures }) {
  showTable(byId("tasks"), "tasks-title", taskColumns, underWay, (one) => one.task_id, "no_tasks");
  showTable(byId("failures"), "failures-title", failureColumns, failures, (one) => one.task_id, "no_failures");
}
// Callbacks of every tenant, and sending one again.

const deliveryKinds = { PENDING: "warn", DELIVERED: "accent", DEAD: "bad", SUPERSEDED: "" };

const deliveryColumns = [
  { title: "task", make: (one) => make("code", { title: one.delivery_id }, shortID(one.task_id)) },
  { title: "tenant", text: (one) => one.tenant },
  { title: "event", make: (one) => make("code", {}, one.event) },
  {
    title: "status",
    make: () => badge("", ""),
    update: (element, one) => setBadge(element, deliveryKinds[one.status] ?? "", t(`delivery_${one.status}`)),
  },
  { title: "attempts", text: (one) => number(one.attempts) },
  { title: "receiver", text: (one) => { try { return new URL(one.url).host; } catch { return "–"; } } },
  { title: "last_error", text: (one) => one.error ? `${one.error.code}: ${one.error.message}` : one.response_status === null ? "–" : String(one.response_status) },
  { title: "next", text: (one) => one.next_attempt_at ? t("next_at", { time: duration(Math.max(0, (new Date(one.next_attempt_at) - Date.now()) / 1000)) }) : one.ended_at ? ago(one.ended_at) : "–" },
  {
    title: "actions",
    make: (one) => make("div", { class: "buttons" }, make("button", {
      type: "button", class: "button outline", "aria-label": t("redeliver_of", { task: shortID(one.task_id) }),
      onclick: () => attempt(() => api(`/api/v1/admin/deliveries/${one.delivery_id}/redeliver`, { method: "POST" }), () => t("redeliver_done")),
    }, t("redeliver"))),
    update(element, one) { element.firstChild.disabled = one.status === "PENDING"; },
  },
];

function fillDeliveryFilter() {
  const select = byId("delivery-status");
  const chosen = select.value;
  select.replaceChildren(make("option", { value: "" }, t("all")),
    ...Object.keys(deliveryKinds).map((one) => make("option", { value: one }, t(`delivery_${one}`))));
  select.value = chosen;
}

function showDeliveries({ deliveries }) {
  showTable(byId("deliveries"), "deliveries-title", deliveryColumns, deliveries, (one) => one.delivery_id, "no_deliveries");
}
// Keys: who may come in. A secret is shown once, and kept nowhere.

const keyKinds = { active: "accent", expired: "warn", revoked: "bad" };

function limitsOf({ limits }) {
  const said = [
    limits.requests_per_second === null ? null : t("limit_requests", { count: number(limits.requests_per_second) }),
    limits.waiting_tasks === null ? null : t("limit_waiting", { count: number(limits.waiting_tasks) }),
    limits.running_tasks === null ? null : t("limit_running", { count: number(limits.running_tasks) }),
    limits.device_seconds_per_day === null ? null : t("limit_device", { time: duration(limits.device_seconds_per_day) }),
    limits.storage_bytes === null ? null : t("limit_storage", { size: bytes(limits.storage_bytes) }),
  ].filter(Boolean);
  return said.length ? said.join(", ") : t("no_limits");
}

const keyColumns = [
  { title: "name", text: (key) => key.name },
  { title: "key_id", make: (key) => make("code", {}, key.key_id) },
  { title: "tenant", text: (key) => key.tenant },
  { title: "scopes", text: (key) => key.scopes.join(", ") },
  { title: "limits", text: limitsOf },
  { title: "max_priority", text: (key) => t(`priority_${key.max_priority}`) },
  { title: "ends", text: (key) => (key.expires_at ? moment(key.expires_at) : t("never")) },
  {
    title: "status",
    make: () => badge("", ""),
    update: (element, key) => setBadge(element, keyKinds[key.status] ?? "", t(`key_${key.status}`)),
  },
  {
    title: "actions",
    make(key) {
      const path = `/api/v1/admin/keys/${key.key_id}`;
      return make("div", { class: "buttons" },
        make("button", {
          type: "button", class: "button outline", "aria-label": t("rotate_of", { name: key.name }),
          onclick: () => confirmThen(t("rotate_title", { name: key.name }), t("rotate_text"), t("rotate"),
            async () => showSecret(await api(`${path}/rotate`, { method: "POST" }))),
        }, t("rotate")),
        make("button", {
          type: "button", class: "button outline bad", "aria-label": t("revoke_of", { name: key.name }),
          onclick: () => confirmThen(t("revoke_title", { name: key.name }), t("revoke_text"), t("revoke"),
            () => api(path, { method: "DELETE" }), () => t("revoke_done", { name: key.name })),
        }, t("revoke")));
    },
    update(element, key) { element.hidden = key.status === "revoked"; },
  },
];

/** Shows a secret until the dialog is closed. */
function showSecret(key) {
  const secret = make("code", { class: "secret", id: "secret" }, key.key);
  showDialog(t("secret_title", { name: key.name }), [make("p", {}, t("secret_text")), make("pre", {}, secret),
    make("div", { class: "buttons" }, make("button", {
      type: "button", class: "button main",
      onclick: () => navigator.clipboard.writeText(key.key).then(() => toast(t("copied")), () => toast(t("not_copied"))),
    }, icon("copy"), t("copy")))]);
}

/** A field of a form, with its name. */
function field(name, input, hint = null) {
  return make("div", { class: "field" }, make("label", { for: input.id }, t(name)), input,
    hint ? make("p", { class: "hint", id: `${input.id}-hint` }, t(hint)) : null);
}

function newKey() {
  const name = make("input", { class: "input", id: "key-name", autocomplete: "off", required: true });
  const tenant = make("input", { class: "input", id: "key-tenant", autocomplete: "off", "aria-describedby": "key-tenant-hint" });
  const priority = make("select", { class: "input", id: "key-priority" }, priorities.map((one) => make("option", { value: one }, t(`priority_${one}`))));
  const limit = (id, step) => make("input", { class: "input", id, type: "number", min: "0", step, inputmode: "decimal" });
  const limits = { requests_per_second: limit("key-requests", "any"), waiting_tasks: limit("key-waiting", "1"), running_tasks: limit("key-running", "1") };
  const scopes = ["read", "generate", "admin"].map((one) => make("input", { type: "checkbox", value: one, checked: one !== "admin" }));
  const wrong = make("p", { class: "wrong", role: "alert" });
  const create = async (event) => {
    event.preventDefault();
    const body = { name: name.value.trim(), scopes: scopes.filter((one) => one.checked).map((one) => one.value), max_priority: priority.value };
    if (tenant.value.trim()) body.tenant = tenant.value.trim();
    const given = Object.entries(limits).filter(([, input]) => input.value !== "").map(([one, input]) => [one, Number(input.value)]);
    if (given.length) body.limits = Object.fromEntries(given);
    try {
      const key = await api("/api/v1/admin/keys", { body });
      dialog.close();
      // The first key closes the door behind this page too: it goes on with it.
      if (!keyStore.get() && key.scopes.includes("admin")) keyStore.set(key.key);
      showSecret(key);
      look();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      wrong.textContent = [error.words, ...error.violations.map((one) => one.message)].join(" ");
    }
  };
  const dialog = showDialog(t("new_key"), make("form", { class: "stack", onsubmit: create },
    field("name", name), field("tenant", tenant, "tenant_hint"),
    make("fieldset", { class: "field" }, make("legend", { class: "label" }, t("scopes")), scopes.map((one) => make("label", { class: "check" }, one, t(`scope_${one.value}`)))),
    field("max_priority", priority), field("requests_per_second", limits.requests_per_second), field("waiting_tasks", limits.waiting_tasks), field("running_tasks", limits.running_tasks),
    wrong,
    make("div", { class: "buttons" }, make("button", { type: "button", class: "button outline", onclick: () => dialog.close() }, t("back")), make("button", { type: "submit", class: "button main" }, t("create")))));
  name.focus();
}

function showKeys({ keys }) {
  showTable(byId("keys"), "keys-title", keyColumns, keys, (one) => one.key_id, "no_keys");
}
// How the page begins, and how it keeps itself up to date.

const lookEvery = 2000;
const listLimit = 50;
let timer = null;
let facts = null;
let lookNumber = 0;
let isReachable = true;
/** What stands in the way of looking at all; `null`: nothing. */
let barrier = null;

/** What keeps the server from making videos; nothing where it can. */
async function readiness() {
  try {
    await send("/readyz");
    return [];
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) return error.obstacles.length ? error.obstacles : [{ code: error.code, message: error.message }];
    throw error;
  }
}

async function gather() {
  const status = byId("delivery-status").value;
  const [me, health, obstacles] = await Promise.all([api("/api/v1/me"), api("/healthz"), readiness()]);
  if (!me.scopes.includes("admin")) return { me, version: health.version, obstacles };
  const list = (of) => api(`/api/v1/admin/tasks?status=${of}&limit=${listLimit}`);
  const [devices, queue, tenants, running, pending, failed, deliveries, keys] = await Promise.all([
    api("/api/v1/devices"), api("/api/v1/queue"), api("/api/v1/admin/tenants"), list("RUNNING"), list("PENDING"), list("FAILED"),
    api(`/api/v1/admin/deliveries?limit=${listLimit}${status ? `&status=${status}` : ""}`), api("/api/v1/admin/keys?limit=100"),
  ]);
  // A task may have begun between the two answers.
  const waiting = pending.tasks.filter((task) => !running.tasks.some((one) => one.task_id === task.task_id));
  waiting.sort((one, other) => (one.queue_position ?? Infinity) - (other.queue_position ?? Infinity));
  return {
    me, version: health.version, obstacles, devices: devices.devices, queue, tenants: tenants.tenants,
    underWay: [...running.tasks, ...waiting], failures: failed.tasks, deliveries: deliveries.deliveries, keys: keys.keys,
  };
}

async function look() {
  clearTimeout(timer);
  lookNumber += 1;
  const mine = lookNumber;
  try {
    const found = await gather();
    // Only the newest look counts.
    if (mine !== lookNumber) return;
    facts = found;
    barrier = found.me.scopes.includes("admin") ? null : t("lacks_admin", { scopes: found.me.scopes.join(", ") });
    show();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (mine !== lookNumber) return;
    if (error.status === 401 || error.status === 403) barrier = error.words;
    show();
  }
  // With no key that opens, only another key changes anything.
  if (mine === lookNumber && !document.hidden && barrier === null) timer = setTimeout(look, lookEvery);
}

function show() {
  const isOpen = facts?.devices && barrier === null;
  byId("sections").hidden = !isOpen;
  if (!isOpen) byId("server-buttons").hidden = true;
  say(byId("version"), facts ? facts.version : "");
  const obstacles = facts?.obstacles ?? [];
  const words = barrier ?? (!isReachable ? t("code_unreachable")
    : [...obstacles.map((one) => `${one.message} (${one.code})`), ...(facts?.queue?.draining ? [t("server_drains")] : [])].join(" "));
  say(byId("obstacles"), words);
  byId("obstacles").classList.toggle("bad", barrier !== null || !isReachable);
  const ready = byId("readiness");
  ready.hidden = !facts && isReachable;
  const isReady = isReachable && !obstacles.length;
  setBadge(ready, isReady ? "accent" : isReachable ? "warn" : "bad", t(isReady ? "ready" : isReachable ? "not_ready" : "offline"));
  if (!isOpen) return;
  showFleet(facts);
  showTasks(facts);
  showDeliveries(facts);
  showKeys(facts);
}

function rebuild() {
  for (const id of ["tenants", "tasks", "failures", "deliveries", "keys"]) forgetTable(byId(id));
  for (const id of ["devices", "counts"]) { byId(id).entries = new Map(); byId(id).replaceChildren(); }
  delete byId("server-buttons").dataset.verb;
  fillDeliveryFilter();
  if (facts) show();
  if (barrier !== null) look();
}

byId("new-key").addEventListener("click", newKey);
byId("delivery-status").addEventListener("change", look);
document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else look(); });
onKey(() => { barrier = null; facts = null; look(); });
onConnection((isThere) => { isReachable = isThere; show(); });
onLanguage(rebuild);

startFrame();
fillDeliveryFilter();
look();
</script>
</body>
</html>
"""#
}
