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
