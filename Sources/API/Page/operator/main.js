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
