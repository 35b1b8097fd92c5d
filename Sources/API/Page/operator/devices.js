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
