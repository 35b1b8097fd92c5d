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
