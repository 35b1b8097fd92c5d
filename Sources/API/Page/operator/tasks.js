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
