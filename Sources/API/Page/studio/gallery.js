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
