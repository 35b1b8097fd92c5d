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
