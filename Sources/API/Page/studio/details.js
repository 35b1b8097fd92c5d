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
