// Made by scripts/embed.py. Change Sources/API/Page/studio.html or what it includes, and run it again.
// swift-format-ignore-file

/// The page with the title “Animato Studio”.
enum StudioHTML {
static let text = #"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title data-t="title">Animato Studio</title>
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
/* The page: what is asked for beside what came of it */
.studio { display: grid; grid-template-columns: minmax(0, 1fr); gap: clamp(1.25rem, 2.5vw, 2.5rem); max-width: 94rem; margin: 0 auto; padding: clamp(1rem, 2.5vw, 2rem); }
.composer { display: grid; grid-template-columns: minmax(0, 1fr); align-content: start; min-width: 0; box-shadow: var(--lift); }
.composer .fields { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.375rem; padding: clamp(1.125rem, 2vw, 1.625rem); min-width: 0; }
fieldset { min-width: 0; margin: 0; padding: 0; border: 0; }
legend { padding: 0; margin-bottom: 0.375rem; font-size: 0.875rem; font-weight: 600; }
.submit { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; gap: 0.75rem 1rem; padding: 1rem clamp(1.125rem, 2vw, 1.625rem); border-top: 1px solid var(--line); }
.submit p { color: var(--soft); }
.submit .notice { grid-column: 1 / -1; color: var(--bad); }
.submit p strong { display: block; color: var(--text); font-size: 1rem; font-weight: 640; font-variant-numeric: tabular-nums; }

.chips { display: flex; flex-wrap: wrap; gap: 0.375rem; }
.chip { max-width: 100%; padding: 0.25rem 0.75rem; border: 1px solid var(--line); border-radius: 99px; background: transparent; color: var(--soft); font: inherit; font-size: 0.8125rem; text-align: left; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; cursor: pointer; transition: color 120ms, border-color 120ms; }
.chip:hover { color: var(--text); border-color: var(--edge); }

/* Choices: radio buttons that look like tiles */
.choices { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.5rem; }
.choice { position: relative; display: block; font-weight: 400; cursor: pointer; }
.choice input { position: absolute; opacity: 0; inset: 0; width: 100%; height: 100%; margin: 0; cursor: pointer; }
.choice > span { display: grid; justify-items: start; align-content: center; gap: 0.0625rem; min-height: 3.5rem; height: 100%; padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-radius: var(--radius-small); transition: border-color 120ms, background-color 120ms; }
.choice:hover > span { border-color: var(--edge); }
.choice b { font-weight: 600; font-size: 0.9375rem; }
.choice small { color: var(--soft); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.choice input:checked + span { border-color: var(--accent); background: var(--accent-soft); box-shadow: inset 0 0 0 1px var(--accent); }
.choice input:checked + span small { color: var(--text); }
.choice input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
.choice.slim { grid-column: 1 / -1; }
.choice.slim > span { min-height: 2.25rem; padding-block: 0.25rem; }
.choice.slim b { color: var(--soft); font-weight: 500; font-size: 0.875rem; }
.choice.slim input:checked + span b { color: var(--text); }
.choice .box { display: grid; align-content: center; height: 1.625rem; margin-bottom: 0.125rem; }
.choice .shape { width: 1.5rem; max-height: 1.5rem; border: 2px solid var(--edge); border-radius: 3px; }
.choice input:checked + span .shape { border-color: var(--accent); }
.custom { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; margin-top: 0.75rem; }

.more > summary { display: inline-flex; align-items: center; gap: 0.5rem; padding: 0.25rem 0.5rem; margin-left: -0.5rem; border-radius: var(--radius-small); color: var(--soft); font-size: 0.9375rem; font-weight: 560; cursor: pointer; list-style: none; }
.more > summary::-webkit-details-marker { display: none; }
.more > summary:hover { color: var(--text); }
.more .grid { display: grid; grid-template-columns: 1fr 1fr; gap: 1.125rem 0.875rem; padding-top: 1rem; }
.whole { grid-column: 1 / -1; }
.seed { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.5rem; }
.seed .button { min-height: 2.75rem; min-width: 2.75rem; }
.seed .button[aria-pressed="true"] { color: var(--accent); border-color: var(--accent); background: var(--accent-soft); }
.check { display: flex; align-items: flex-start; gap: 0.625rem; font-weight: 400; font-size: 0.9375rem; }
.check input { width: 1.125rem; height: 1.125rem; margin: 0.125rem 0 0; flex: none; }

/* Pictures to begin and end with */
.drops { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; }
.drop { position: relative; display: grid; min-height: 7rem; border: 1.5px dashed var(--edge); border-radius: var(--radius-small); overflow: hidden; background: var(--back); transition: border-color 120ms, background-color 120ms; }
.drop.over { border-color: var(--accent); background: var(--accent-soft); }
.drop > button.pick { display: grid; place-content: center; justify-items: center; gap: 0.25rem; padding: 0.75rem; border: 0; background: transparent; color: var(--soft); font: inherit; font-size: 0.875rem; cursor: pointer; text-align: center; }
.drop > button.pick:hover { color: var(--text); }
.drop > button.pick:focus-visible { outline-offset: -4px; }
.drop b { color: var(--text); font-weight: 600; }
.drop img { width: 100%; height: 7rem; object-fit: contain; }
.drop .remove { position: absolute; top: 0.375rem; right: 0.375rem; min-height: 2rem; min-width: 2rem; background: var(--surface); box-shadow: var(--lift); }
.drop .busy { position: absolute; inset: auto 0.75rem 0.75rem; }

@media (min-width: 62rem) {
  .studio { grid-template-columns: minmax(22rem, 27rem) minmax(0, 1fr); align-items: start; }
  .composer { position: sticky; top: 5.25rem; max-height: calc(100dvh - 6.5rem); grid-template-rows: minmax(0, 1fr) auto; overflow: hidden; }
  .composer .fields { overflow-y: auto; scroll-padding-block: 1rem; overscroll-behavior: contain; scrollbar-width: thin; }
}
@media (max-width: 26rem) {
  .submit { grid-template-columns: 1fr; }
  .choices { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .choice.slim { grid-column: auto; }
}
/* What is being made */
.stage { display: grid; gap: 2.25rem; min-width: 0; align-content: start; }
.stage:focus { outline: none; }
.stage h2 { margin-bottom: 0.875rem; }
.active { display: grid; gap: 0.875rem; }
.active > li { display: grid; grid-template-columns: clamp(7rem, 22vw, 13rem) minmax(0, 1fr); gap: 1.125rem; padding: 0.875rem; align-items: center; }
.frame { position: relative; display: grid; place-items: center; overflow: hidden; border-radius: var(--radius-small); background: var(--sunken); color: var(--edge); max-height: 12rem; }
.frame img { width: 100%; height: 100%; object-fit: cover; }
.frame .icon { width: 1.75rem; height: 1.75rem; }
.frame.working::after { content: ""; position: absolute; inset: 0; background: linear-gradient(100deg, transparent 30%, color-mix(in srgb, var(--surface) 55%, transparent) 50%, transparent 70%); animation: sweep 2.2s ease-in-out infinite; transform: translateX(-100%); }
.frame.seen::after { display: none; }
@keyframes sweep { to { transform: translateX(100%); } }
.about { display: grid; gap: 0.5rem; min-width: 0; }
.about .words { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; font-weight: 560; overflow-wrap: anywhere; }
.about .line { display: flex; align-items: center; justify-content: space-between; gap: 0.25rem 0.75rem; flex-wrap: wrap; min-height: 2.5rem; }
.about .state { color: var(--soft); font-size: 0.875rem; font-variant-numeric: tabular-nums; }

/* What came of it */
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16.5rem), 1fr)); gap: 1.25rem; }
.gallery > li { display: grid; grid-template-rows: auto 1fr; overflow: hidden; transition: box-shadow 160ms, border-color 160ms; }
.gallery > li:hover, .gallery > li:focus-within { box-shadow: var(--lift); border-color: var(--edge); }
.screen { position: relative; display: block; width: 100%; aspect-ratio: 16 / 9; padding: 0; border: 0; background: var(--sunken); cursor: pointer; overflow: hidden; }
.screen:focus-visible { outline-offset: -4px; }
.screen img, .screen video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.screen img { z-index: 1; transition: opacity 160ms; background: var(--sunken); }
.screen.playing img { opacity: 0; }
.screen .length { position: absolute; z-index: 2; right: 0.5rem; bottom: 0.5rem; padding: 0.0625rem 0.5rem; border-radius: 99px; background: rgb(0 0 0 / 68%); color: #fff; font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.caption { display: grid; grid-template-rows: 1fr auto; gap: 0.25rem; padding: 0.75rem 0.5rem 0.375rem 1rem; min-width: 0; }
.caption .words { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; padding-right: 0.5rem; font-size: 0.9375rem; overflow-wrap: anywhere; }
.caption .line { display: flex; align-items: center; justify-content: space-between; gap: 0.5rem; color: var(--soft); font-size: 0.8125rem; }
.caption .line > span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.caption .row { flex: none; flex-wrap: nowrap; gap: 0; }
.screen.fills :is(img, video) { object-fit: cover; }
.caption .button { min-height: 2.25rem; min-width: 2.25rem; }
.empty { display: grid; justify-items: center; gap: 0.375rem; padding: clamp(2.5rem, 9vw, 6rem) 1rem; border: 1.5px dashed var(--line); border-radius: var(--radius); color: var(--soft); text-align: center; }
.empty .icon { width: 2.5rem; height: 2.5rem; margin-bottom: 0.5rem; color: var(--edge); }
.empty p:first-of-type { color: var(--text); font-weight: 600; }
.center { display: grid; place-items: center; }
.center .button { margin-top: 1.25rem; }

/* One video in full */
dialog.wide { width: min(64rem, calc(100vw - 2rem)); }
dialog.wide video { width: 100%; max-height: 60dvh; background: #000; border-radius: var(--radius-small); }
dialog .two { display: grid; gap: 1.25rem 1.75rem; min-width: 0; }
dialog .two > .facts { align-content: start; }
dialog .actions { display: flex; flex-wrap: wrap; gap: 0.5rem; }
dialog .words { overflow-wrap: anywhere; white-space: pre-wrap; }

/* The server at a glance */
.glance { padding-top: 1.5rem; border-top: 1px solid var(--line); }
.devices { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: 0.75rem; margin-top: 0.875rem; }
.devices > li { display: grid; gap: 0.5rem; padding: 0.875rem 1rem; min-width: 0; }
.devices .name { display: inline-flex; align-items: center; gap: 0.5rem; min-width: 0; font-weight: 600; font-size: 0.9375rem; overflow-wrap: anywhere; }

@media (min-width: 62rem) {
  dialog .two { grid-template-columns: minmax(0, 1.7fr) minmax(15rem, 1fr); }
}
@media (max-width: 40rem) {
  dialog .actions .button { flex: 1 1 auto; }
  .active > li { grid-template-columns: 5.5rem minmax(0, 1fr); align-items: start; }
  .top .badge > span:last-child { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .top .badge { padding: 0.375rem; }
}
</style>
</head>
<body>
<a class="skip" href="#stage" data-t="skip">To the videos</a>
<header class="top">
  <div>
    <a class="brand" href="/"><span data-icon="brand"></span>Animato</a>
    <span class="badge" id="readiness" role="status" hidden></span>
    <nav data-t-label="pages" aria-label="Pages">
      <a class="button plain wide" href="/docs" data-t="api_docs">API</a>
      <button class="button plain" type="button" id="language" data-t="other_language">中文</button>
      <button class="button plain square" type="button" id="theme" data-t-label="dark_theme"></button>
      <button class="button plain square" type="button" id="key" data-t-label="key"><span data-icon="key"></span></button>
    </nav>
  </div>
</header>
<main class="studio">
  <h1 class="unseen" data-t="title">Animato Studio</h1>
  <form class="composer card" id="composer" autocomplete="off" novalidate aria-labelledby="composer-title">
    <div class="fields" id="fields">
      <h2 id="composer-title" data-t="new_video">New video</h2>
      <div class="field" data-field="prompt">
        <label for="prompt" data-t="prompt">Prompt</label>
        <textarea class="input" id="prompt" rows="4" data-t-placeholder="prompt_hint" aria-describedby="prompt-wrong" aria-required="true"></textarea>
        <p class="wrong" id="prompt-wrong"></p>
        <div class="chips" id="examples" role="group" data-t-label="examples"></div>
      </div>
      <div class="field" data-field="negative_prompt">
        <label for="negative" data-t="negative">Leave out</label>
        <input class="input" id="negative" data-t-placeholder="negative_hint" aria-describedby="negative-wrong">
        <p class="wrong" id="negative-wrong"></p>
      </div>
      <div class="field" id="pictures" hidden></div>
      <div class="field" id="model-field" data-field="model" hidden>
        <label for="model" data-t="model">Model</label>
        <select class="input" id="model" aria-describedby="model-wrong"></select>
        <p class="wrong" id="model-wrong"></p>
      </div>
      <fieldset class="field" id="sizes" aria-describedby="size-wrong"></fieldset>
      <fieldset class="field" id="lengths" aria-describedby="length-wrong"></fieldset>
      <fieldset class="field" id="qualities"></fieldset>
      <details class="more" id="more">
        <summary><span data-icon="sliders"></span><span data-t="more">More</span></summary>
        <div class="grid">
          <div class="field" data-field="num_inference_steps">
            <label for="steps" data-t="steps">Steps</label>
            <input class="input" id="steps" type="number" inputmode="numeric" aria-describedby="steps-wrong">
            <p class="wrong" id="steps-wrong"></p>
          </div>
          <div class="field" data-field="guidance_scale">
            <label for="guidance" data-t="guidance">Guidance</label>
            <input class="input" id="guidance" type="number" inputmode="decimal" step="0.5" aria-describedby="guidance-wrong">
            <p class="wrong" id="guidance-wrong"></p>
          </div>
          <div class="field" data-field="step_cache">
            <label for="cache" data-t="step_cache">Step cache</label>
            <select class="input" id="cache" aria-describedby="cache-wrong"></select>
            <p class="wrong" id="cache-wrong"></p>
          </div>
          <div class="field" data-field="fps">
            <label for="fps" data-t="fps">Frames a second</label>
            <input class="input" id="fps" type="number" inputmode="numeric" aria-describedby="fps-wrong">
            <p class="wrong" id="fps-wrong"></p>
          </div>
          <div class="field whole" data-field="seed">
            <label for="seed" data-t="seed">Seed</label>
            <div class="seed">
              <input class="input numbers" id="seed" type="number" inputmode="numeric" aria-describedby="seed-hint seed-wrong">
              <button class="button outline square" type="button" id="lock" aria-pressed="false" data-t-label="lock_seed"></button>
            </div>
            <p class="hint" id="seed-hint"></p>
            <p class="wrong" id="seed-wrong"></p>
          </div>
          <div class="field whole" id="priority-field" data-field="priority">
            <label for="priority" data-t="priority">Priority</label>
            <select class="input" id="priority" aria-describedby="priority-wrong"></select>
            <p class="wrong" id="priority-wrong"></p>
          </div>
          <div class="field whole">
            <label class="check"><input type="checkbox" id="degrade"><span data-t="degrade">Under load, rather make less than wait</span></label>
          </div>
        </div>
      </details>
    </div>
    <div class="submit">
      <p class="notice bad" id="form-wrong" role="alert"></p>
      <p class="small" id="estimate" role="status"></p>
      <button class="button main large" id="generate" type="submit" aria-describedby="estimate"><span data-icon="spark"></span><span data-t="generate">Generate</span></button>
    </div>
  </form>
  <div class="stage" id="stage" tabindex="-1">
    <p class="notice" id="obstacles" role="status"></p>
    <section id="active-section" aria-labelledby="active-title" hidden>
      <h2 id="active-title" data-t="in_progress">In progress</h2>
      <ul class="active" id="active"></ul>
    </section>
    <section id="gallery-section" aria-labelledby="gallery-title">
      <h2 id="gallery-title" data-t="your_videos">Your videos</h2>
      <ul class="gallery" id="gallery"></ul>
      <div class="empty" id="empty" hidden>
        <span data-icon="film"></span>
        <p data-t="nothing_yet">Your videos will be here.</p>
        <p class="small" data-t="nothing_yet_hint">Describe a scene, or begin with one of the examples.</p>
      </div>
      <div class="center"><button class="button outline" type="button" id="older" hidden data-t="older">Older ones</button></div>
    </section>
    <section class="glance" aria-labelledby="glance-title">
      <h2 id="glance-title" data-t="server">Server</h2>
      <div class="row" id="queue"></div>
      <ul class="devices" id="devices"></ul>
    </section>
  </div>
  <p class="unseen" id="news" aria-live="polite"></p>
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
// What the studio says, in English and in Chinese.

addWords({
  title: ["Animato Studio", "Animato 创作"],
  skip: ["To the videos", "跳到视频"],
  new_video: ["New video", "新建视频"],
  prompt: ["Prompt", "提示词"],
  prompt_hint: ["What should be seen, and how it moves", "描述画面内容和运动方式"],
  negative: ["Leave out", "反向提示词"],
  negative_hint: ["low quality, blurry", "低质量，模糊"],
  examples: ["Examples", "示例"],
  more_examples: ["Other examples", "换一批"],
  model: ["Model", "模型"],
  more: ["More", "更多设置"],
  size: ["Size", "尺寸"],
  length: ["Length", "时长"],
  quality: ["Quality", "质量"],
  landscape: ["Landscape", "横屏"],
  portrait: ["Portrait", "竖屏"],
  square: ["Square", "方形"],
  custom: ["Custom", "自定义"],
  width: ["Width", "宽度"],
  height: ["Height", "高度"],
  frames: ["Frames", "帧数"],
  number_of_frames: ["{count} frames", "{count} 帧"],
  draft: ["Draft", "草稿"],
  standard: ["Standard", "标准"],
  fine: ["Fine", "精细"],
  number_of_steps: ["{count} steps", "{count} 步"],
  steps: ["Steps", "步数"],
  guidance: ["Guidance", "引导强度"],
  step_cache: ["Step cache", "步骤缓存"],
  cache_off: ["Off", "关闭"],
  cache_balanced: ["Balanced", "均衡"],
  cache_fast: ["Fast", "快速"],
  fps: ["Frames a second", "帧率"],
  seed: ["Seed", "随机种子"],
  seed_open: ["Another one for every video", "每个视频使用不同的种子"],
  seed_locked: ["The same one for every video", "所有视频使用同一个种子"],
  lock_seed: ["Keep this seed", "锁定种子"],
  priority: ["Priority", "优先级"],
  priority_interactive: ["Interactive: before others", "交互：优先处理"],
  priority_normal: ["Normal", "普通"],
  priority_batch: ["Batch: when there is time", "批量：空闲时处理"],
  degrade: ["Under load, rather make less than wait", "繁忙时宁可降低质量，也不久等"],
  generate: ["Generate", "生成"],
  about_time: ["about {time}", "约 {time}"],
  ready_in: ["Ready in about {time}", "约 {time}后完成"],
  starts_in: ["starts in {time}", "{time}后开始"],
  starts_now: ["starts at once", "立即开始"],
  is_there: ["It is there already", "已有现成结果"],
  is_there_hint: ["an equal request has made it", "相同的请求已生成过"],
  is_shared: ["shared with an equal request", "与相同的请求共用"],
  cannot_tell: ["The time cannot be predicted now", "目前无法预测时间"],
  would_be_refused: ["Not now", "暂时无法提交"],
  shortcut: ["{keys} generates", "{keys} 生成"],

  start_image: ["First picture", "首帧图片"],
  end_image: ["Last picture", "尾帧图片"],
  pictures: ["Pictures", "图片"],
  drop_here: ["Drop, paste or choose", "拖放、粘贴或选择"],
  remove_picture: ["Remove: {name}", "移除：{name}"],
  picture_of: ["{name}, chosen", "{name}，已选择"],
  uploading: ["Uploading", "正在上传"],
  not_taken: ["This model takes no pictures.", "此模型不支持图片。"],

  in_progress: ["In progress", "进行中"],
  your_videos: ["Your videos", "你的视频"],
  nothing_yet: ["Your videos will be here", "你的视频会显示在这里"],
  nothing_yet_hint: ["Describe a scene, or begin with one of the examples.", "描述一个场景，或从示例开始。"],
  older: ["Older ones", "更早的视频"],
  accepted: ["Accepted", "已提交"],
  waiting: ["Waiting", "排队中"],
  place: ["Place {place} in the queue", "队列第 {place} 位"],
  next: ["Next in the queue", "队列中的下一个"],
  left: ["about {time} left", "约剩 {time}"],
  any_moment: ["any moment now", "即将完成"],
  stage_load: ["Loading the model", "加载模型"],
  stage_encode: ["Reading the prompt", "理解提示词"],
  stage_denoise: ["Step {step} of {total}", "第 {step} / {total} 步"],
  stage_decode: ["Painting the frames", "绘制画面"],
  stage_write: ["Writing the file", "写入文件"],
  running: ["Starting", "正在开始"],
  failed: ["It failed", "生成失败"],
  try_again: ["Try again", "重试"],
  dismiss: ["Remove", "移除"],
  cancelled: ["Cancelled", "已取消"],
  done: ["Done: {prompt}", "已完成：{prompt}"],
  failed_news: ["Failed: {prompt}", "失败：{prompt}"],
  started_news: ["Started: {prompt}", "已开始：{prompt}"],
  cancel_task: ["Cancel: {prompt}", "取消：{prompt}"],
  preview_of: ["What it looks like so far", "目前的画面"],

  show: ["Show: {prompt}", "查看：{prompt}"],
  download: ["Download", "下载"],
  again: ["Again with another seed", "换个种子再来一次"],
  reuse: ["Use these settings", "使用这些设置"],
  curl: ["Copy as curl", "复制为 curl"],
  copied: ["Copied", "已复制"],
  copy_yourself: ["Copy this", "请复制以下内容"],
  remove: ["Remove", "移除"],
  remove_question: ["Remove this video?", "移除此视频？"],
  remove_hint: ["It goes from your list for good. Equal requests may still be answered with it.", "它将从你的列表中永久移除。相同的请求仍可能使用它。"],
  removed: ["Removed", "已移除"],
  reused: ["The settings are in the form", "设置已填入表单"],
  model_gone: ["The model {name} is not served any more", "模型 {name} 已不再提供"],
  video: ["Video", "视频"],
  made: ["Made", "完成时间"],
  took: ["Took", "用时"],
  waited: ["Waited", "等待"],
  at_once: ["at once, it was there already", "立即，已有现成结果"],
  rendered: ["Rendered at", "渲染尺寸"],
  file: ["File", "文件"],
  memory: ["Memory", "显存模式"],
  attempts: ["Attempts", "尝试次数"],
  degraded: ["Made with less", "已降低质量"],
  degraded_load: ["because much was waiting", "因为排队较多"],
  degraded_memory: ["because the device had no room for more", "因为设备内存不足"],
  expired: ["Let go to make room", "已清理以腾出空间"],
  expired_hint: ["The file was removed to make room. Generate it again to have it.", "文件已被清理以腾出空间，重新生成即可得到。"],
  task: ["Task", "任务"],

  server: ["Server", "服务器"],
  queue_counts: ["{waiting} waiting, {running} running", "{waiting} 个排队，{running} 个运行"],
  new_one: ["a new one starts in {time}", "新任务 {time}后开始"],
  new_one_now: ["a new one starts at once", "新任务立即开始"],
  device_ready: ["Ready", "空闲"],
  device_busy: ["Busy", "忙碌"],
  device_asleep: ["Asleep", "休眠"],
  device_starting: ["Starting", "启动中"],
  device_down: ["Down", "不可用"],
  device_draining: ["Draining", "排空中"],
  device_lost: ["Lost", "已丢失"],
  device_memory: ["{free} of {total} free", "可用 {free} / 共 {total}"],
  device_load: ["{percent} % in use", "使用率 {percent}%"],
  all_ready: ["Ready", "就绪"],
  not_ready: ["Not ready", "未就绪"],
  offline: ["Not reachable", "无法连接"],
  back: ["The server is back", "已恢复连接"],
  draining: ["The server takes requests, and starts none for now.", "服务器接受请求，但暂不开始处理。"],

  reason_engine_starting: ["The engine is starting. What you ask for now waits until it is up.", "引擎正在启动。现在提交的任务会等它就绪。"],
  reason_engine_not_startable: ["No engine can be started. Tell the operator to run: animato doctor", "引擎无法启动。请管理员运行：animato doctor"],
  reason_engine_start_timeout: ["The engine takes too long to start. Tell the operator to run: animato doctor", "引擎启动超时。请管理员运行：animato doctor"],
  reason_model_unavailable: ["The model is not there at the moment. Tell the operator.", "模型目前不可用，请告知管理员。"],
  reason_not_ready: ["Videos cannot be made at the moment; what you ask for waits.", "目前无法生成视频，提交的任务会等待。"],
  reason_engine_crashed: ["The engine stopped while it worked on this. Try again; tell the operator if it happens again.", "引擎在处理时意外停止。请重试；若再次发生，请告知管理员。"],
  reason_engine_stalled: ["The engine got stuck on this. Try again; tell the operator if it happens again.", "引擎在处理时停滞。请重试；若再次发生，请告知管理员。"],
  reason_lease_expired: ["The machine that worked on this is gone. Try again.", "处理此任务的机器已离线，请重试。"],
  reason_out_of_memory: ["The device has no room for this video. Choose a smaller size or a shorter length.", "设备内存不足，请选择更小的尺寸或更短的时长。"],

  v_out_of_range: ["From {min} to {max}.", "范围为 {min} 到 {max}。"],
  v_required: ["This is needed.", "此项必填。"],
  v_empty: ["Write what should be seen.", "请描述画面内容。"],
});
// Prompts to begin with: for the small drawn world of the tiny model, and for models that know the real one.

const examples = {
  drawn: [
    ["A cat playing on the grass", "一只猫在草地上玩耍"],
    ["A red car moving to the left over the sea", "一辆红色汽车在海上向左移动"],
    ["A rocket flying up in the night sky", "一枚火箭在夜空中向上飞"],
    ["A robot bouncing in the desert", "一个机器人在沙漠里上下跳动"],
    ["A tropical fish moving to the right in the blue ocean", "一条热带鱼在大海里向右移动"],
    ["A red balloon rising in the snow", "一个红气球在雪地里升起来"],
    ["A dog running left on the grass", "一只狗在草地上向左跑"],
    ["A yellow star falling down at night", "一颗黄色的星星在夜空中向下落"],
    ["A basketball jumping up and down on the sand", "一个篮球在沙地上跳来跳去"],
  ],
  general: [
    ["A ginger cat walks through tall grass at sunrise, shallow depth of field, the camera follows slowly",
      "一只橘猫在日出时穿过高高的草丛，浅景深，镜头缓缓跟随"],
    ["Waves break on black rocks, seen from above, spray in the evening light", "俯瞰海浪拍打黑色礁石，夕阳下浪花飞溅"],
    ["A paper boat drifts down a rainy street, neon lights reflected in the water", "一只纸船漂过雨中的街道，水面倒映着霓虹灯"],
    ["Steam rises from a cup of tea on a wooden table, morning light through a window", "木桌上的一杯茶升起热气，晨光透过窗户"],
    ["A red kite dances over a wheat field, clouds move fast, wide shot", "红色风筝在麦田上空飞舞，云层快速移动，远景"],
    ["Ink spreads in clear water and becomes a crane that opens its wings", "墨水在清水中散开，化作一只展翅的鹤"],
  ],
};
const examplesShown = 3;
let firstExample = 0;

/** What is known of a model by its name; the small ones that come with the server know the drawn world alone. */
const knowsDrawnWorldOnly = (model) => /tiny/i.test(model?.name ?? "");

function showExamples() {
  const all = examples[knowsDrawnWorldOnly(chosenModel()) ? "drawn" : "general"];
  const some = Array.from({ length: examplesShown }, (_, index) => all[(firstExample + index) % all.length]);
  byId("examples").replaceChildren(
    ...some.map(([english, chinese]) => {
      const text = language === "zh" ? chinese : english;
      return make("button", {
        type: "button", class: "chip", title: text, onclick: () => {
          byId("prompt").value = text;
          byId("prompt").focus();
          composerChanged();
        },
      }, text);
    }),
    make("button", {
      type: "button", class: "chip", "aria-label": t("more_examples"), title: t("more_examples"), onclick: () => {
        firstExample = (firstExample + examplesShown) % all.length;
        showExamples();
        byId("examples").lastChild.focus();
      },
    }, icon("again")));
}
// The form: what it holds, what of it is sent, and what the server has against it.

let catalog = { models: [], loras: [] };
let me = null;

const chosenModel = () => catalog.models.find((model) => model.name === byId("model").value) ?? catalog.models[0];

/** The number in an input; `null` if it is empty, and the text where it is no number, so that the server judges it. */
function numberIn(id) {
  const input = byId(id);
  if (input.validity.badInput) return "";
  return input.value === "" ? null : Number(input.value);
}

/** The body of a request, as the form stands. What is left to the model's default is left out. */
function requestInForm() {
  const model = chosenModel();
  const body = { prompt: byId("prompt").value, model: model?.name, ...sizeInForm(), ...lengthInForm() };
  const put = (name, value) => { if (value !== null && value !== "" && value !== undefined) body[name] = value; };
  put("negative_prompt", byId("negative").value.trim());
  put("num_inference_steps", numberIn("steps"));
  put("guidance_scale", numberIn("guidance"));
  put("fps", numberIn("fps"));
  if (byId("cache").value !== "off") put("step_cache", byId("cache").value);
  if (isSeedLocked()) put("seed", numberIn("seed"));
  put("priority", byId("priority").value);
  if (byId("degrade").checked) body.degrade = "allow";
  for (const [role, picture] of Object.entries(pictures)) put(role, picture.upload?.id);
  return body;
}

/** Shows what the form can choose with this catalog and this key. */
function fillComposer() {
  const select = byId("model");
  const before = select.value;
  select.replaceChildren(...catalog.models.map((model) => make("option", { value: model.name }, model.name)));
  const standard = catalog.models.find((model) => model.default) ?? catalog.models[0];
  select.value = catalog.models.some((model) => model.name === before) ? before : standard?.name ?? "";
  byId("model-field").hidden = catalog.models.length < 2;
  showPriorities();
  showModel();
}

function showPriorities() {
  const order = ["interactive", "normal", "batch"];
  const allowed = order.slice(Math.max(0, order.indexOf(me?.max_priority ?? "interactive")));
  const select = byId("priority");
  const before = select.value;
  select.replaceChildren(...allowed.map((one) => make("option", { value: one }, t(`priority_${one}`))));
  select.value = allowed.includes(before) ? before : allowed.includes("normal") ? "normal" : allowed[0];
  byId("priority-field").hidden = allowed.length < 2;
}

let modelShown = null;

/** Shows what the chosen model takes; its defaults only where another one was chosen. */
function showModel() {
  const model = chosenModel();
  if (!model) return;
  const isOther = modelShown !== model.name;
  modelShown = model.name;
  const { defaults, limits } = model;
  for (const [id, value, least, most] of [
    ["steps", defaults.num_inference_steps, limits.min_steps, limits.max_steps],
    ["guidance", defaults.guidance_scale, limits.min_guidance, limits.max_guidance],
    ["fps", defaults.fps, limits.min_fps, limits.max_fps],
  ]) {
    const input = byId(id);
    input.min = least;
    input.max = most;
    if (isOther) input.value = value;
  }
  const cache = byId("cache");
  const before = isOther ? "off" : cache.value;
  cache.replaceChildren(...model.step_cache.map((level) => make("option", { value: level }, t(`cache_${level}`))));
  cache.value = model.step_cache.includes(before) ? before : "off";
  showSizes(isOther);
  showLengths(isOther);
  showQualities();
  showPictures();
  showSeed();
  showExamples();
}

// Seed

const isSeedLocked = () => byId("lock").getAttribute("aria-pressed") === "true";
const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

function lockSeed(isLocked) {
  byId("lock").setAttribute("aria-pressed", String(isLocked));
  if (isLocked && byId("seed").value === "") byId("seed").value = anySeed();
  showSeed();
}

function showSeed() {
  const isLocked = isSeedLocked();
  byId("lock").replaceChildren(icon(isLocked ? "lock" : "unlock"));
  byId("seed").max = 4294967295;
  byId("seed").min = 0;
  byId("seed-hint").textContent = t(isLocked ? "seed_locked" : "seed_open");
}

// What is wrong

/** Where the form shows what is wrong with a field of the request. */
const placeOf = (field) => document.querySelector(`#composer [data-field~="${CSS.escape(field)}"]`);

const limitsOf = (field, { limits } = chosenModel()) => ({
  width: [limits.min_width, limits.max_width],
  height: [limits.min_height, limits.max_height],
  num_frames: [limits.min_frames, limits.max_frames],
  num_inference_steps: [limits.min_steps, limits.max_steps],
  guidance_scale: [limits.min_guidance, limits.max_guidance],
  fps: [limits.min_fps, limits.max_fps],
  seed: [0, 4294967295],
}[field]);

/** A violation in the page's language where there are words for it; the server's own words otherwise. */
function violationWords({ field, code, message }) {
  const range = limitsOf(field);
  if (code === "out_of_range" && range) return t("v_out_of_range", { min: range[0], max: range[1] });
  return code !== "out_of_range" && knows(`v_${code}`) ? t(`v_${code}`) : message;
}

function clearWrong() {
  byId("form-wrong").textContent = "";
  for (const place of document.querySelectorAll("#composer .wrong")) place.textContent = "";
  for (const input of document.querySelectorAll("#composer [aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** What to correct a field with: of a tile the numbers behind it where they are shown, else the tile. */
function inputOf(place, field) {
  if (!place.matches("fieldset")) return place.querySelector(".input, button");
  const exact = place.querySelector(`[data-of="${field}"]`);
  return exact && !exact.closest("[hidden]") ? exact : place.querySelector("input:checked");
}

const labelOf = (field) => t(field === "num_frames" ? "frames" : field);

/** Shows what the server says against the form, and goes to the first field of it. */
function showWrong(refusal) {
  clearWrong();
  let first = null;
  let firstPlace = null;
  const others = [];
  for (const violation of refusal.violations) {
    const place = placeOf(violation.field);
    if (!place) {
      others.push(violationWords(violation));
      continue;
    }
    const hidden = place.closest("details");
    if (hidden) hidden.open = true;
    const input = inputOf(place, violation.field);
    const wrong = place.querySelector(".wrong");
    wrong.textContent = [wrong.textContent, place.matches("fieldset") && `${labelOf(violation.field)}:`, violationWords(violation)].filter(Boolean).join(" ");
    input?.setAttribute("aria-invalid", "true");
    first ??= input;
    firstPlace ??= place;
  }
  byId("form-wrong").textContent = [first ? t("code_invalid_request") : refusal.violations.length ? "" : refusal.words, ...others].join(" ").trim();
  first?.focus({ preventScroll: true });
  // With its label and with what is wrong.
  (firstPlace ?? byId("form-wrong")).scrollIntoView({ block: "nearest" });
}

/** Sends what is in the form. */
async function submit(event) {
  event?.preventDefault();
  const button = byId("generate");
  if (button.getAttribute("aria-disabled") === "true" || !chosenModel()) return;
  button.setAttribute("aria-disabled", "true");
  clearWrong();
  try {
    await uploadsSettled();
    const body = requestInForm();
    if (!isSeedLocked()) body.seed = anySeed();
    await ask(body);
    if (!isSeedLocked()) byId("seed").value = body.seed;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showWrong(error);
  } finally {
    button.removeAttribute("aria-disabled");
    estimateSoon();
  }
}

/** Asks for a video, and shows what becomes of it. */
async function ask(body) {
  // Where the connection breaks nobody knows whether it was accepted: the second attempt then gets the task of the first.
  const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
  const attempt = () => api("/api/v1/generate", { body, headers: { "Idempotency-Key": key } });
  const task = await attempt().catch(async (error) => {
    if (error.status !== 0) throw error;
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    return attempt();
  });
  say(t("accepted"));
  if (task.status === "SUCCESS") { addToGallery(task); toast(t("is_there")); } else addActive(task, { isNew: true });
}

/** For screen readers: one thing after the other, and none twice in a row by mistake. */
function say(text) {
  const place = byId("news");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** Fills the form with what a task was asked for. */
function useSettings(task) {
  const { request } = task;
  if (!catalog.models.some((model) => model.name === task.model)) { toast(t("model_gone", { name: task.model })); return; }
  byId("model").value = task.model;
  showModel();
  byId("prompt").value = request.prompt;
  byId("negative").value = request.negative_prompt;
  byId("steps").value = request.num_inference_steps;
  byId("guidance").value = request.guidance_scale;
  byId("fps").value = request.fps;
  byId("cache").value = request.step_cache;
  byId("degrade").checked = request.degrade === "allow";
  byId("seed").value = task.seed ?? request.seed ?? "";
  lockSeed(byId("seed").value !== "");
  chooseSize(request.width, request.height);
  chooseLength(request.num_frames);
  showQualities();
  takePictures(request);
  clearWrong();
  estimateSoon();
  byId("prompt").focus();
  toast(t("reused"));
}
// Sizes, lengths and qualities of the chosen model, as tiles to choose from.

const customChoice = "custom";

/** A radio button that looks like a tile; the time that it takes is filled in later, where there is one. */
function choice(group, value, isChosen, ...content) {
  return make("label", { class: value === customChoice ? "choice slim" : "choice" },
    make("input", { type: "radio", name: group, value, checked: isChosen }), make("span", {}, content));
}

const timePlace = (facts) => make("small", { class: "time", "data-facts": JSON.stringify(facts) });

const chosenIn = (group) => document.querySelector(`#composer input[name="${group}"]:checked`)?.value;

function numberField(id, key, value, field, wrong) {
  return make("div", { class: "field" }, make("label", { for: id }, t(key)),
    make("input", { class: "input", id, type: "number", inputmode: "numeric", value, "data-of": field, "aria-describedby": wrong }));
}

// Sizes

function sizesOf(model) {
  const sizes = [...model.sizes];
  const { width, height } = model.defaults;
  if (!sizes.some((size) => size.width === width && size.height === height)) sizes.unshift({ width, height });
  return sizes;
}

function shapeOf({ width, height }) {
  const shape = make("i", { class: "shape", "aria-hidden": "true" });
  shape.style.aspectRatio = `${width} / ${height}`;
  if (height > width) shape.style.width = `${1.5 * width / height}rem`;
  return make("span", { class: "box" }, shape);
}

const nameOfSize = ({ width, height }) => t(width > height ? "landscape" : width < height ? "portrait" : "square");

function showSizes(isOther) {
  const model = chosenModel();
  const { width, height } = model.defaults;
  const kept = isOther ? { width, height } : { width: numberIn("width"), height: numberIn("height"), ...sizeInForm() };
  const sizes = sizesOf(model);
  const place = byId("sizes");
  place.dataset.field = "width height";
  place.replaceChildren(
    make("legend", {}, t("size")),
    make("div", { class: "choices" },
      sizes.map((size) => choice("size", `${size.width}x${size.height}`, false,
        shapeOf(size), make("b", {}, nameOfSize(size)), make("small", {}, `${size.width} × ${size.height}`), timePlace(size))),
      choice("size", customChoice, false, make("b", {}, t("custom")))),
    make("div", { class: "custom", id: "custom-size" }, ["width", "height"].map((side) => numberField(side, side, kept[side], side, "size-wrong"))),
    make("p", { class: "wrong", id: "size-wrong" }));
  chooseSize(kept.width, kept.height);
}

function chooseSize(width, height) {
  byId("width").value = width ?? "";
  byId("height").value = height ?? "";
  const known = document.querySelector(`#sizes input[value="${width}x${height}"]`);
  (known ?? document.querySelector(`#sizes input[value="${customChoice}"]`)).checked = true;
  showCustom();
}

/** What the form says of the size. */
function sizeInForm() {
  const chosen = chosenIn("size");
  if (!chosen) return {};
  if (chosen === customChoice) return { width: numberIn("width"), height: numberIn("height") };
  const [width, height] = chosen.split("x").map(Number);
  return { width, height };
}

// Lengths

/** A third, two thirds and all of what the model can do, as lengths that it makes, and its default. */
function lengthsOf({ limits, defaults }) {
  const { frame_step: step, min_frames: least, max_frames: most } = limits;
  const made = (frames) => Math.max(least, Math.min(most, Math.round((frames - 1) / step) * step + 1));
  return [...new Set([most / 3, 2 * most / 3, most, defaults.num_frames].map(made))].sort((one, other) => one - other);
}

function showLengths(isOther) {
  const model = chosenModel();
  const kept = isOther ? model.defaults.num_frames : lengthInForm().num_frames;
  const fps = numberIn("fps") || model.defaults.fps;
  const place = byId("lengths");
  place.dataset.field = "num_frames";
  place.replaceChildren(
    make("legend", {}, t("length")),
    make("div", { class: "choices" },
      lengthsOf(model).map((frames) => choice("length", frames, false,
        make("b", {}, duration(frames / fps)), make("small", {}, t("number_of_frames", { count: frames })), timePlace({ num_frames: frames }))),
      choice("length", customChoice, false, make("b", {}, t("custom")))),
    make("div", { class: "custom", id: "custom-length" }, numberField("frames", "frames", kept, "num_frames", "length-wrong")),
    make("p", { class: "wrong", id: "length-wrong" }));
  chooseLength(kept);
}

function chooseLength(frames) {
  byId("frames").value = frames ?? "";
  const known = document.querySelector(`#lengths input[value="${frames}"]`);
  (known ?? document.querySelector(`#lengths input[value="${customChoice}"]`)).checked = true;
  showCustom();
}

/** What the form says of the length. */
function lengthInForm() {
  const chosen = chosenIn("length");
  if (!chosen) return {};
  return { num_frames: chosen === customChoice ? numberIn("frames") : Number(chosen) };
}

function showCustom() {
  byId("custom-size").hidden = chosenIn("size") !== customChoice;
  const length = byId("custom-length");
  if (length) length.hidden = chosenIn("length") !== customChoice;
}

// Qualities

function qualitiesOf({ defaults, limits, step_cache: levels }) {
  const steps = (share) => Math.max(limits.min_steps, Math.min(limits.max_steps, Math.round(defaults.num_inference_steps * share)));
  return [
    { name: "draft", steps: steps(0.6), cache: levels.includes("balanced") ? "balanced" : "off" },
    { name: "standard", steps: steps(1), cache: "off" },
    { name: "fine", steps: steps(1.5), cache: "off" },
  ];
}

/** Shows the qualities; none is chosen where steps and cache were set by hand. */
function showQualities() {
  const steps = numberIn("steps");
  const cache = byId("cache").value;
  byId("qualities").replaceChildren(
    make("legend", {}, t("quality")),
    make("div", { class: "choices" }, qualitiesOf(chosenModel()).map((one) =>
      choice("quality", one.name, one.steps === steps && one.cache === cache,
        make("b", {}, t(one.name)), make("small", {}, t("number_of_steps", { count: one.steps })),
        timePlace({ num_inference_steps: one.steps, step_cache: one.cache })))));
}

function chooseQuality(name) {
  const quality = qualitiesOf(chosenModel()).find((one) => one.name === name);
  byId("steps").value = quality.steps;
  byId("cache").value = quality.cache;
}
// How long it would take: of the form as it stands, and of each tile with the rest as it is.

let estimateTimer = null;
let estimateRound = 0;
/** Device seconds by what they depend on; forgotten after a while, because the server learns. */
const knownTimes = new Map();
const knownFor = 120_000;
/** The tiles wait so long after a limit of requests was met, so that it is not they who use it up. */
const pauseOfTiles = 60_000;
let tilesPausedUntil = 0;

/** Asks once nothing has changed for a moment. */
function estimateSoon() {
  clearTimeout(estimateTimer);
  estimateTimer = setTimeout(() => estimate().catch((error) => { if (!(error instanceof Refusal)) throw error; }), 300);
}

/** Without a prompt it takes as long as with any. */
function estimable() {
  const body = requestInForm();
  if (!body.prompt.trim()) body.prompt = "-";
  return body;
}

async function estimate() {
  const round = estimateRound += 1;
  if (!chosenModel()) return;
  const place = byId("estimate");
  let found;
  try {
    found = await api("/api/v1/estimate", { body: estimable(), isQuiet: true });
  } catch (error) {
    // What is wrong is said when it is submitted, not while it is being written.
    if (round === estimateRound) place.replaceChildren(...(error.violations?.length ? [] : [error.words ?? ""]));
    return;
  }
  if (round !== estimateRound) return;
  // What is the same is not read out again.
  const words = make("p", {}, estimateWords(found));
  if (words.textContent !== place.textContent) place.replaceChildren(...words.childNodes);
  for (const tile of document.querySelectorAll("#composer .time")) {
    if (Date.now() < tilesPausedUntil) return;
    const seconds = await timeOf(JSON.parse(tile.dataset.facts));
    if (round !== estimateRound) return;
    tile.textContent = seconds === null ? "" : t("about_time", { time: duration(seconds) });
  }
}

function estimateWords(found) {
  const two = (first, second) => [make("strong", {}, first), second];
  if (found.refusal) return two(t("would_be_refused"), new Refusal(found.refusal, 429, found.refusal.retry_after_seconds).words);
  if (found.cached) return two(t("is_there"), t("is_there_hint"));
  if (found.eta_seconds === null) return [t("cannot_tell")];
  const start = found.shared ? t("is_shared") : found.wait_seconds >= 1 ? t("starts_in", { time: duration(found.wait_seconds) }) : t("starts_now");
  return two(t("ready_in", { time: duration(found.eta_seconds) }), start);
}

/** Device seconds of what is in the form with some of it changed; `null` if the server does not say. */
async function timeOf(facts) {
  const body = { ...estimable(), prompt: "-", negative_prompt: "", ...facts };
  delete body.seed;
  const name = JSON.stringify(body, Object.keys(body).sort());
  const known = knownTimes.get(name);
  if (known && Date.now() - known.at < knownFor) return known.seconds;
  try {
    const { device_seconds: seconds } = await api("/api/v1/estimate", { body, isQuiet: true });
    if (knownTimes.size > 500) knownTimes.clear();
    knownTimes.set(name, { seconds, at: Date.now() });
    return seconds;
  } catch (error) {
    if (error instanceof Refusal && error.status === 422) return null;
    if (error instanceof Refusal && error.status === 429) tilesPausedUntil = Date.now() + pauseOfTiles;
    throw error;
  }
}
// Pictures to begin and to end with: dropped, pasted or chosen, and uploaded at once.

const pictureRoles = ["start_image", "end_image"];
/** By role: `{upload, url, isBusy, wrong}`. */
const pictures = {};
const uploadsUnderWay = new Set();

const uploadsSettled = () => Promise.allSettled(uploadsUnderWay);

const rolesTaken = () => pictureRoles.filter((role) => chosenModel()?.inputs.includes(role));

function showPictures() {
  const place = byId("pictures");
  const roles = rolesTaken();
  for (const role of pictureRoles) if (!roles.includes(role)) dropPicture(role);
  place.hidden = roles.length === 0;
  place.replaceChildren(make("span", { class: "label", id: "pictures-title" }, t("pictures")),
    make("div", { class: "drops", role: "group", "aria-labelledby": "pictures-title" }, roles.map(pictureField)));
}

function pictureField(role) {
  const picture = pictures[role];
  const input = make("input", { type: "file", accept: "image/*", id: `${role}-file`, hidden: true, onchange: () => takeFile(role, input.files[0]) });
  const area = make("div", {
    class: "drop",
    ondragover: (event) => { event.preventDefault(); area.classList.add("over"); },
    ondragleave: () => area.classList.remove("over"),
    ondrop: (event) => {
      event.preventDefault();
      area.classList.remove("over");
      takeFile(role, event.dataTransfer.files[0]);
    },
  }, picture?.url || picture?.upload
    ? [picture.url ? make("img", { src: picture.url, alt: t("picture_of", { name: t(role) }) }) : make("span", { class: "pick" }, t("picture_of", { name: t(role) })),
      make("button", { type: "button", class: "button square remove", "aria-label": t("remove_picture", { name: t(role) }), onclick: () => removePicture(role) }, icon("close")),
      picture.isBusy && make("span", { class: "busy" }, make("progress", { "aria-label": t("uploading") }))]
    : [make("button", { type: "button", class: "pick", id: `${role}-pick`, "aria-describedby": `${role}-wrong`, onclick: () => input.click() },
      icon("image"), make("b", {}, t(role)), t("drop_here"))],
  input);
  return make("div", { class: "field", "data-field": role }, area, make("p", { class: "wrong", id: `${role}-wrong`, role: "alert" }, picture?.wrong ?? ""));
}

/** Uploads a file and shows it; what is wrong with it is said where it would be. */
function takeFile(role, file) {
  if (!file) return;
  dropPicture(role);
  const picture = pictures[role] = { url: URL.createObjectURL(file), isBusy: true };
  showPictures();
  const work = upload(file).then((kept) => { picture.upload = kept; }, (error) => {
    if (pictures[role] === picture) { dropPicture(role); pictures[role] = { wrong: error.words ?? String(error) }; }
  }).finally(() => {
    picture.isBusy = false;
    uploadsUnderWay.delete(work);
    showPictures();
    estimateSoon();
  });
  uploadsUnderWay.add(work);
}

async function upload(file) {
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  const response = await send("/api/v1/uploads", { method: "POST", headers: { "Content-Type": type }, body: file });
  return response.json();
}

function dropPicture(role) {
  if (pictures[role]?.url) URL.revokeObjectURL(pictures[role].url);
  delete pictures[role];
}

function removePicture(role) {
  dropPicture(role);
  showPictures();
  estimateSoon();
  byId(`${role}-pick`)?.focus();
}

/** The pictures of an earlier request, as far as they are still there. */
function takePictures(request) {
  for (const role of pictureRoles) {
    dropPicture(role);
    const id = request[role];
    if (id) pictures[role] = { upload: { id } };
  }
  showPictures();
}

/** A picture on the clipboard becomes the first one that is still open. */
function pastePicture(event) {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  const roles = rolesTaken();
  if (!roles.length) { toast(t("not_taken")); return; }
  event.preventDefault();
  takeFile(roles.find((role) => !pictures[role]?.upload && !pictures[role]?.isBusy) ?? roles[0], file);
}
// What is being made: one card a task, with progress, preview, time left and a way to cancel.

/** By id: `{task, progress, eta, at, card, control, url}`. */
const active = new Map();
/** Browsers keep few connections to one server; the others are asked now and then. */
const streamsAtOnce = 3;
let streams = 0;
const pollEvery = 2;
const previewWidth = 256;

function addActive(task, { isNew = false } = {}) {
  if (active.has(task.task_id)) return;
  const entry = { task, control: new AbortController(), at: performance.now(), url: null };
  entry.card = activeCard(entry);
  active.set(task.task_id, entry);
  byId("active").append(entry.card.item);
  byId("active-section").hidden = false;
  showActive(entry);
  if (!isOver(task)) watch(entry);
  showEmpty();
  lookSoon();
  if (isNew && matchMedia("(max-width: 62rem)").matches) entry.card.item.scrollIntoView({ block: "center" });
}

const isOver = (task) => ["SUCCESS", "FAILED", "CANCELLED"].includes(task.status);

function activeCard(entry) {
  const { request } = entry.task;
  const image = make("img", { alt: t("preview_of"), hidden: true });
  const frame = make("div", { class: "frame" }, icon("film"), image);
  frame.style.aspectRatio = `${request.width} / ${request.height}`;
  const bar = make("progress", { max: 100, value: 0, "aria-label": request.prompt });
  const state = make("span", { class: "state" });
  const buttons = make("span", { class: "row" });
  const wrong = make("p", { class: "wrong" });
  const item = make("li", { class: "card", "data-task": entry.task.task_id },
    frame,
    make("div", { class: "about" }, make("p", { class: "words" }, request.prompt), bar, wrong, make("div", { class: "line" }, state, buttons)));
  return { item, frame, image, bar, state, buttons, wrong };
}

/** Shows a task as it is now. */
function showActive(entry) {
  const { task, card } = entry;
  const isRunning = task.status === "RUNNING";
  card.item.dataset.status = task.status;
  card.frame.classList.toggle("working", isRunning);
  card.bar.hidden = isOver(task);
  if (isRunning) card.bar.value = Math.max(card.bar.value || 0, percentOf(entry));
  else if (!isOver(task)) card.bar.value = 0;
  card.state.textContent = stateWords(entry);
  const problem = task.error ?? (task.status === "PENDING" ? task.waiting : null);
  card.wrong.textContent = problem ? reasonWords(problem) : "";
  const wanted = isOver(task) ? "over" : "under way";
  if (card.buttons.dataset.kind === wanted) return;
  card.buttons.dataset.kind = wanted;
  card.buttons.replaceChildren(...isOver(task)
    ? [make("button", { type: "button", class: "button outline", onclick: () => askAgain(entry.task) }, t("try_again")),
      make("button", { type: "button", class: "button plain", onclick: () => dismiss(entry) }, t("dismiss"))]
    : [make("button", { type: "button", class: "button outline", "aria-label": t("cancel_task", { prompt: task.request.prompt }), onclick: () => cancel(entry) }, t("cancel"))]);
}

/** What keeps a task from starting, or made it fail: `{code, message}`. */
const reasonWords = ({ code, message }) => (knows(`reason_${code}`) ? t(`reason_${code}`) : message);

/** Over the whole work, as the server has it in the list; from the step where it comes as an event. */
function percentOf({ task, progress }) {
  if (!progress) return task.progress?.percent ?? 0;
  const { stage, step, total_steps: total } = progress;
  return { load: 0, encode: 1, denoise: 2 + (total ? 88 * step / total : 0), decode: 90, write: 99 }[stage] ?? 0;
}

function stateWords(entry) {
  const { task } = entry;
  const left = secondsLeft(entry);
  // One that waits for longer than was predicted is not about to end.
  const over = task.status === "RUNNING" ? t("any_moment") : "";
  const after = left === null ? "" : left < 1 ? over : t("left", { time: duration(left) });
  const joined = (...parts) => parts.filter(Boolean).join(" · ");
  switch (task.status) {
    case "PENDING": {
      const place = task.queue_position;
      return joined(place === 1 ? t("next") : place ? t("place", { place }) : t("waiting"), after);
    }
    case "RUNNING": {
      const progress = entry.progress ?? task.progress;
      const what = progress ? t(`stage_${progress.stage}`, { step: progress.step, total: progress.total_steps }) : t("running");
      return joined(what, after);
    }
    case "FAILED": return t("failed");
    case "CANCELLED": return t("cancelled");
    default: return "";
  }
}

/** What was predicted, less the time that has passed since. */
function secondsLeft({ task, eta, at }) {
  const predicted = eta === undefined ? task.eta_seconds : eta;
  return predicted === null || predicted === undefined ? null : Math.max(0, Math.round(predicted - (performance.now() - at) / 1000));
}

// Following

async function watch(entry) {
  const { signal } = entry.control;
  const id = entry.task.task_id;
  const tell = (event, data) => { if (active.get(id) === entry) told(entry, event, data); };
  while (!signal.aborted && !isOver(entry.task)) {
    if (streams < streamsAtOnce) {
      streams += 1;
      try { await follow(id, tell, signal); } finally { streams -= 1; }
      // Without an end there was no right to follow it: another key is asked for elsewhere.
      return;
    }
    if (await poll(id, tell, signal)) return;
    await pause(pollEvery, signal);
  }
}

function told(entry, event, data) {
  const before = entry.task.status;
  if (event === "gone") { forget(entry); return; }
  if (event === "progress") {
    entry.progress = data;
    entry.eta = data.eta_seconds;
    entry.at = performance.now();
  } else if (event === "preview") {
    showPreview(entry).catch(() => { /* There is a newer one soon, or none any more. */ });
  } else if (data.task_id) {
    entry.task = data;
    entry.eta = data.eta_seconds;
    entry.at = performance.now();
    if (data.status !== "RUNNING") entry.progress = null;
  } else {
    entry.task.status = data.status;
  }
  if (before !== entry.task.status && entry.task.status === "RUNNING") say(t("started_news", { prompt: shorter(entry.task.request.prompt) }));
  if (before !== entry.task.status) lookSoon();
  if (event === "end") ended(entry); else showActive(entry);
}

const shorter = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** The newest look at a video that is being made. */
async function showPreview(entry) {
  if (entry.isLooking) return;
  entry.isLooking = true;
  try {
    const response = await send(`/api/v1/tasks/${entry.task.task_id}/preview`, { signal: entry.control.signal, isQuiet: true });
    const url = URL.createObjectURL(await response.blob());
    entry.card.image.src = url;
    entry.card.image.width = previewWidth;
    entry.card.image.hidden = false;
    entry.card.frame.querySelector(".icon")?.remove();
    entry.card.frame.classList.add("seen");
    if (entry.url) URL.revokeObjectURL(entry.url);
    entry.url = url;
  } finally {
    entry.isLooking = false;
  }
}

function ended(entry) {
  const { task } = entry;
  const prompt = shorter(task.request.prompt);
  if (task.status === "SUCCESS") {
    forget(entry);
    addToGallery(task);
    say(t("done", { prompt }));
  } else if (task.status === "FAILED") {
    showActive(entry);
    say(t("failed_news", { prompt }));
  } else {
    forget(entry);
    say(t("cancelled"));
  }
  estimateSoon();
}

function forget(entry) {
  entry.control.abort();
  const hadFocus = entry.card.item.contains(document.activeElement);
  entry.card.item.remove();
  if (entry.url) URL.revokeObjectURL(entry.url);
  active.delete(entry.task.task_id);
  byId("active-section").hidden = active.size === 0;
  showEmpty();
  if (hadFocus) byId("stage").focus();
}

async function cancel(entry) {
  try {
    await api(`/api/v1/tasks/${entry.task.task_id}`, { method: "DELETE" });
    toast(t("cancelled"));
    forget(entry);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // It ended just before: its own end is on the way.
    if (error.status !== 409) toast(error.words);
  }
}

/** A failed one goes from the list, here and on the server. */
async function dismiss(entry) {
  forget(entry);
  await removeTask(entry.task.task_id).catch((error) => toast(error.words));
}

setInterval(() => {
  for (const entry of active.values()) if (!isOver(entry.task)) entry.card.state.textContent = stateWords(entry);
}, 1000);
// One's own finished videos: posters that play when they are pointed at, newest first, page by page.

const pageSize = 12;
const posterAttempts = 3;
let nextCursor = null;
/** Ids of what is shown. */
const shown = new Map();

async function loadGallery() {
  const page = await api(`/api/v1/tasks?status=SUCCESS&limit=${pageSize}`);
  byId("gallery").replaceChildren();
  shown.clear();
  for (const task of page.tasks) byId("gallery").append(galleryCard(task));
  noteMore(page);
}

async function loadOlder() {
  const page = await api(`/api/v1/tasks?status=SUCCESS&limit=${pageSize}&cursor=${nextCursor}`);
  const cards = page.tasks.filter((task) => !shown.has(task.task_id)).map(galleryCard);
  byId("gallery").append(...cards);
  noteMore(page);
  cards[0]?.querySelector(".screen").focus();
}

/** What was asked for elsewhere: in another tab, by a program. */
async function catchUp() {
  const { tasks } = await api("/api/v1/tasks?limit=20", { isQuiet: true });
  // Ids rise with time; what is older than all that is shown comes with its page.
  const oldest = [...shown.keys()].reduce((least, id) => (id < least ? id : least), "~");
  for (const task of tasks.reverse()) {
    if (active.has(task.task_id)) continue;
    if (!isOver(task)) addActive(task);
    else if (task.status === "SUCCESS" && (task.task_id > oldest || !shown.size)) addToGallery(task);
  }
}

function noteMore(page) {
  nextCursor = page.next_cursor;
  byId("older").hidden = nextCursor === null;
  showEmpty();
}

function showEmpty() {
  byId("empty").hidden = shown.size > 0 || !isLoaded;
  // While the first ones are being made their cards say enough.
  byId("gallery-section").hidden = shown.size === 0 && active.size > 0;
}

function addToGallery(task) {
  if (shown.has(task.task_id)) return;
  byId("gallery").prepend(galleryCard(task));
  showEmpty();
}

function galleryCard(task) {
  const { request, video } = task;
  const screen = make("button", { type: "button", class: "screen", "aria-label": t("show", { prompt: request.prompt }), onclick: () => showDetails(task) });
  // So near to the shape of the screen that bars at its edges would look like a mistake.
  screen.classList.toggle("fills", Math.abs(video.width / video.height - 16 / 9) < 0.1);
  if (video.expired_at) screen.append(make("span", { class: "length" }, t("expired")));
  else screen.append(...screenOf(task, screen), make("span", { class: "length" }, duration(video.duration_seconds)));
  const item = make("li", { class: "card", "data-task": task.task_id }, screen,
    make("div", { class: "caption" },
      make("p", { class: "words" }, request.prompt),
      make("div", { class: "line" },
        make("span", {}, make("time", { datetime: task.finished_at, title: moment(task.finished_at) }, ago(task.finished_at)), ` · ${video.width} × ${video.height}`),
        make("span", { class: "row" },
          make("button", { type: "button", class: "button plain square", "aria-label": t("again"), title: t("again"), onclick: () => askAgain(task) }, icon("again")),
          !video.expired_at && make("a", { class: "button plain square", href: here(task.video_url), download: fileName(task), "aria-label": t("download"), title: t("download") }, icon("download"))))));
  shown.set(task.task_id, task);
  return item;
}

/** A poster over a video, which is fetched only when somebody wants to see it move. */
function screenOf(task, screen) {
  const video = make("video", { src: here(task.video_url), loop: true, playsinline: true, preload: "none", tabindex: "-1", "aria-hidden": "true" });
  video.muted = true;
  const poster = make("img", { src: here(task.video.poster_url), alt: "", loading: "lazy" });
  let attempts = 0;
  poster.addEventListener("error", () => {
    attempts += 1;
    // Stills are made when they are asked for; many at once have to wait.
    if (attempts < posterAttempts) setTimeout(() => { poster.src = here(task.video.poster_url); }, 1500 * attempts);
    else { poster.remove(); video.preload = "metadata"; }
  });
  const play = () => !wantsStillness() && video.play().then(() => screen.classList.add("playing"), () => { /* The browser does not let it. */ });
  const stop = () => { video.pause(); screen.classList.remove("playing"); };
  screen.addEventListener("pointerenter", play);
  screen.addEventListener("focus", play);
  screen.addEventListener("pointerleave", stop);
  screen.addEventListener("blur", stop);
  return [video, poster];
}

const fileName = (task) => `animato-${task.task_id.slice(0, 13)}.mp4`;

/** The same once more with a seed of its own. */
async function askAgain(task) {
  try {
    await ask({ ...requestOf(task), seed: anySeed() });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(error.words);
  }
}

/** What a task was asked for, as a request. */
function requestOf(task) {
  const body = { model: task.model, priority: task.priority };
  for (const [name, value] of Object.entries(task.request)) {
    if (value === null || (Array.isArray(value) && !value.length) || value === "") continue;
    body[name] = name === "loras" ? value.map(({ name: lora, scale }) => ({ name: lora, scale })) : value;
  }
  if (body.degrade === "never") delete body.degrade;
  if (task.seed !== null) body.seed = task.seed;
  if (task.deterministic) body.deterministic = true;
  return body;
}

/** Takes a task out of one's list. */
const removeTask = (id) => api(`/v1/videos/video_${id.replaceAll("-", "")}`, { method: "DELETE" });

setInterval(() => {
  for (const time of document.querySelectorAll("#gallery time")) time.textContent = ago(time.dateTime);
}, 30_000);
// One video in full: everything that is known of it, and what can be done with it.

function showDetails(task) {
  const { request, video } = task;
  const button = (key, drawing, action, kind = "outline") =>
    make("button", { type: "button", class: `button ${kind}`, onclick: action }, icon(drawing), t(key));
  const closeAnd = (action) => () => { dialog.close(); action(); };
  const player = video.expired_at
    ? make("p", { class: "notice" }, t("expired_hint"))
    : make("video", { src: here(task.video_url), controls: true, loop: true, playsinline: true, autoplay: !wantsStillness(), "aria-label": request.prompt });
  if (player.matches("video")) player.muted = true;
  const content = make("div", { class: "two" },
    make("div", { class: "stack" }, player,
      make("p", { class: "words" }, request.prompt),
      request.negative_prompt && make("p", { class: "small soft" }, `${t("negative")}: ${request.negative_prompt}`),
      make("div", { class: "actions" },
        !video.expired_at && make("a", { class: "button main", href: here(task.video_url), download: fileName(task) }, icon("download"), t("download")),
        button("again", "again", closeAnd(() => askAgain(task))),
        button("reuse", "sliders", closeAnd(() => useSettings(task))),
        button("curl", "copy", () => copyAsCurl(task)),
        button("remove", "trash", () => confirmRemoval(task, dialog), "plain bad"))),
    make("dl", { class: "facts" }, factsOf(task).map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
  const dialog = showDialog(t("video"), content, { class: "wide" });
}

/** Name and value of everything worth knowing. */
function factsOf(task) {
  const { request, video } = task;
  const seconds = (from, to) => (from && to ? (new Date(to) - new Date(from)) / 1000 : null);
  const took = task.cached ? t("at_once") : duration(seconds(task.started_at, task.finished_at));
  const waited = seconds(task.created_at, task.started_at);
  const facts = [
    [t("model"), task.model],
    [t("size"), `${video.width} × ${video.height}`],
    task.rendered_size && (task.rendered_size.width !== video.width || task.rendered_size.height !== video.height)
      ? [t("rendered"), `${task.rendered_size.width} × ${task.rendered_size.height}`] : null,
    [t("length"), `${duration(video.duration_seconds)} · ${t("number_of_frames", { count: video.num_frames })} · ${video.fps} fps`],
    [t("steps"), String(request.num_inference_steps)],
    [t("guidance"), number(request.guidance_scale)],
    [t("step_cache"), t(`cache_${request.step_cache}`)],
    [t("seed"), String(task.seed ?? "–")],
    task.degraded ? [t("degraded"), degradationWords(task.degradation)] : null,
    [t("took"), took],
    !task.cached && waited > 0.5 ? [t("waited"), duration(waited)] : null,
    [t("made"), moment(task.finished_at)],
    task.memory_mode ? [t("memory"), task.memory_mode] : null,
    task.attempts > 1 ? [t("attempts"), String(task.attempts)] : null,
    [t("priority"), t(`priority_${task.priority}`)],
    [t("file"), bytes(video.bytes)],
    [t("task"), make("code", {}, task.task_id)],
  ];
  return facts.filter(Boolean);
}

function degradationWords({ reason, ...pairs }) {
  const named = { num_inference_steps: "steps", step_cache: "step_cache", num_frames: "frames", width: "width", height: "height" };
  const changes = Object.entries(pairs).filter(([, value]) => Array.isArray(value))
    .map(([name, [asked, made]]) => `${named[name] ? t(named[name]) : name} ${asked} → ${made}`);
  return [...changes, t(`degraded_${reason}`)].join(", ");
}

/** A command that asks for the same, for a shell. The key is named, not written down. */
function curlFor(task) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [`curl ${quoted(`${location.origin}/api/v1/generate`)}`];
  if (keyStore.get()) lines.push('-H "Authorization: Bearer $ANIMATO_KEY"');
  lines.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(requestOf(task), null, 2))}`);
  return lines.join(" \\\n  ");
}

async function copyAsCurl(task) {
  const text = curlFor(task);
  try {
    await navigator.clipboard.writeText(text);
    toast(t("copied"));
  } catch {
    // Without TLS a browser lets no page write to the clipboard.
    const area = make("textarea", { class: "input", rows: 12, readonly: true, "aria-label": t("curl") });
    area.value = text;
    showDialog(t("copy_yourself"), area);
    area.select();
  }
}

function confirmRemoval(task, details) {
  const question = showDialog(t("remove_question"), make("div", { class: "stack" },
    make("p", { class: "soft" }, t("remove_hint")),
    make("div", { class: "buttons" },
      make("button", { type: "button", class: "button outline", onclick: () => question.close() }, t("cancel")),
      make("button", {
        type: "button", class: "button main", onclick: async () => {
          question.close();
          details.close();
          await remove(task);
        },
      }, t("remove")))));
}

async function remove(task) {
  try {
    await removeTask(task.task_id);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status !== 404) { toast(error.words); return; }
  }
  shown.delete(task.task_id);
  document.querySelector(`#gallery [data-task="${task.task_id}"]`)?.remove();
  showEmpty();
  byId("stage").focus();
  toast(t("removed"));
}
// The server at a glance: whether it can make videos, what waits, and its devices.

const lookEvery = { busy: 3000, idle: 10_000, gone: 2000 };
let glanceTimer = null;
let isReachable = true;
let glanceFacts = null;
/** Why the page could not be filled; `null` if it was. */
let loadRefusal = null;

async function look() {
  clearTimeout(glanceTimer);
  try {
    if (!document.hidden) {
      const [obstacles, queue, devices] = await Promise.all([
        readiness(), api("/api/v1/queue", { isQuiet: true }), api("/api/v1/devices", { isQuiet: true }), isLoaded && catchUp(),
      ]);
      glanceFacts = { obstacles, queue, devices: devices.devices };
      showGlance();
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Of the connection the page says so by itself; to lack the right to look is no fault to speak of.
    showReadiness();
  } finally {
    const wait = !isReachable ? lookEvery.gone : active.size ? lookEvery.busy : lookEvery.idle;
    clearTimeout(glanceTimer);
    glanceTimer = setTimeout(look, wait);
  }
}

/** Looks when something has just changed. */
function lookSoon() {
  clearTimeout(glanceTimer);
  glanceTimer = setTimeout(look, 400);
}

/** What keeps the server from making videos; nothing where it can. */
async function readiness() {
  try {
    await send("/readyz", { isQuiet: true });
    return [];
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) return error.obstacles.length ? error.obstacles : [{ code: error.code, message: error.message }];
    throw error;
  }
}

function showGlance() {
  const { queue, devices } = glanceFacts;
  const start = queue.predicted_wait_seconds;
  byId("queue").replaceChildren(
    make("span", { class: "badge accent" }, t("queue_counts", { waiting: queue.waiting, running: queue.running })),
    start === null ? "" : make("span", { class: "small soft" }, start < 1 ? t("new_one_now") : t("new_one", { time: duration(start) })));
  byId("devices").replaceChildren(...devices.map(deviceCard));
  showReadiness();
}

function deviceCard(device) {
  const kinds = { ready: "accent", busy: "accent", starting: "warn", draining: "warn", down: "bad", lost: "bad" };
  const taken = device.total_bytes ? 1 - device.free_bytes / device.total_bytes : 0;
  const load = device.utilisation === null ? null : t("device_load", { percent: Math.round(100 * device.utilisation) });
  return make("li", { class: "card" },
    make("div", { class: "row spread" },
      make("span", { class: "name" }, icon("chip"), device.kind === device.id ? device.id : `${device.kind} · ${device.id}`),
      make("span", { class: `badge ${kinds[device.state] ?? ""}` }, t(`device_${device.state}`))),
    make("progress", { max: 1, value: taken, "aria-label": t("device_memory", { free: bytes(device.free_bytes), total: bytes(device.total_bytes) }) }),
    make("span", { class: "small soft numbers" }, [t("device_memory", { free: bytes(device.free_bytes), total: bytes(device.total_bytes) }), load].filter(Boolean).join(" · ")));
}

function showReadiness() {
  const badge = byId("readiness");
  const place = byId("obstacles");
  const obstacles = glanceFacts?.obstacles ?? [];
  const isReady = isReachable && !obstacles.length;
  if (glanceFacts || !isReachable) badge.hidden = false;
  const kind = isReady ? "accent" : isReachable ? "warn" : "bad";
  const words = t(isReady ? "all_ready" : isReachable ? "not_ready" : "offline");
  badge.className = `badge ${kind}`;
  if (badge.textContent !== words) badge.replaceChildren(make("span", { class: "dot" }), make("span", {}, words));
  const said = !isReachable ? t("code_unreachable")
    : [...(loadRefusal ? [loadRefusal.words] : []), ...new Set(obstacles.map(reasonWords)), ...(glanceFacts?.queue.draining ? [t("draining")] : [])].join(" ");
  if (place.textContent !== said) place.textContent = said;
  place.classList.toggle("bad", !isReachable || loadRefusal !== null);
}
// How the page begins, and what it does when the server, the key or the language changes.

let isLoaded = false;
const recent = 3600_000;

/** Everything that the page shows of the server; asked again when the key or the connection changes. */
async function load() {
  me = await api("/api/v1/me");
  await loadModels();
  await Promise.all([loadGallery(), loadActive()]);
  isLoaded = true;
  loadRefusal = null;
  showEmpty();
  look();
}

/** The models; waits for them where the first engine is still coming up. */
async function loadModels() {
  for (;;) {
    try {
      catalog = await api("/api/v1/models");
      byId("generate").disabled = false;
      fillComposer();
      estimateSoon();
      return;
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 503) throw error;
      byId("generate").disabled = true;
      if (!glanceFacts) look();
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  }
}

/** What waits and runs, and what has failed lately; it may have been asked for in another tab, or before a reload. */
async function loadActive() {
  const pages = await Promise.all(["RUNNING", "PENDING", "FAILED"].map((status) => api(`/api/v1/tasks?status=${status}&limit=50`)));
  const tasks = pages.flatMap((page) => page.tasks);
  for (const task of tasks) {
    if (task.status === "FAILED" && Date.now() - new Date(task.finished_at) > recent) continue;
    addActive(task);
  }
}

function startOver() {
  for (const entry of [...active.values()]) forget(entry);
  return start();
}

let starting = null;
/** Loads, and says what is in the way; one at a time. */
function start() {
  starting ??= load().catch((error) => {
    if (!(error instanceof Refusal)) throw error;
    if (error.status !== 0) loadRefusal = error;
    look();
  }).finally(() => { starting = null; });
  return starting;
}

function composerChanged() {
  estimateSoon();
}

byId("composer").addEventListener("submit", submit);
byId("composer").addEventListener("input", (event) => {
  const { name, id, value } = event.target;
  if (name === "size" || name === "length") showCustom();
  else if (name === "quality") chooseQuality(value);
  else if (id === "steps" || id === "cache") showQualities();
  else if (id === "fps") showLengths(false);
  else if (id === "model") showModel();
  else if (id === "seed") lockSeed(value !== "");
  composerChanged();
});
byId("lock").addEventListener("click", () => { lockSeed(!isSeedLocked()); composerChanged(); });
byId("older").addEventListener("click", () => loadOlder().catch((error) => toast(error.words)));
document.addEventListener("paste", pastePicture);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    submit();
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
onKey(startOver);
onConnection((isThere) => {
  isReachable = isThere;
  showReadiness();
  if (!isThere) { clearTimeout(glanceTimer); glanceTimer = setTimeout(look, lookEvery.gone); return; }
  toast(t("back"));
  start();
});
onLanguage(() => {
  if (catalog.models.length) { showPriorities(); showModel(); estimateSoon(); }
  for (const entry of active.values()) { delete entry.card.buttons.dataset.kind; showActive(entry); }
  byId("gallery").replaceChildren(...[...byId("gallery").children].map((card) => galleryCard(shown.get(card.dataset.task))));
  if (glanceFacts) showGlance();
});

startFrame();
byId("generate").title = t("shortcut", { keys: /Mac/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter" });
start();
</script>
</body>
</html>
"""#
}
