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
