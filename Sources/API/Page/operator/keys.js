// Keys: who may come in. A secret is shown once, and kept nowhere.

const keyKinds = { active: "accent", expired: "warn", revoked: "bad" };

function limitsOf({ limits }) {
  const said = [
    limits.requests_per_second === null ? null : t("limit_requests", { count: number(limits.requests_per_second) }),
    limits.waiting_tasks === null ? null : t("limit_waiting", { count: number(limits.waiting_tasks) }),
    limits.running_tasks === null ? null : t("limit_running", { count: number(limits.running_tasks) }),
    limits.device_seconds_per_day === null ? null : t("limit_device", { time: duration(limits.device_seconds_per_day) }),
    limits.storage_bytes === null ? null : t("limit_storage", { size: bytes(limits.storage_bytes) }),
  ].filter(Boolean);
  return said.length ? said.join(", ") : t("no_limits");
}

const keyColumns = [
  { title: "name", text: (key) => key.name },
  { title: "key_id", make: (key) => make("code", {}, key.key_id) },
  { title: "tenant", text: (key) => key.tenant },
  { title: "scopes", text: (key) => key.scopes.join(", ") },
  { title: "limits", text: limitsOf },
  { title: "max_priority", text: (key) => t(`priority_${key.max_priority}`) },
  { title: "ends", text: (key) => (key.expires_at ? moment(key.expires_at) : t("never")) },
  {
    title: "status",
    make: () => badge("", ""),
    update: (element, key) => setBadge(element, keyKinds[key.status] ?? "", t(`key_${key.status}`)),
  },
  {
    title: "actions",
    make(key) {
      const path = `/api/v1/admin/keys/${key.key_id}`;
      return make("div", { class: "buttons" },
        make("button", {
          type: "button", class: "button outline", "aria-label": t("rotate_of", { name: key.name }),
          onclick: () => confirmThen(t("rotate_title", { name: key.name }), t("rotate_text"), t("rotate"),
            async () => showSecret(await api(`${path}/rotate`, { method: "POST" }))),
        }, t("rotate")),
        make("button", {
          type: "button", class: "button outline bad", "aria-label": t("revoke_of", { name: key.name }),
          onclick: () => confirmThen(t("revoke_title", { name: key.name }), t("revoke_text"), t("revoke"),
            () => api(path, { method: "DELETE" }), () => t("revoke_done", { name: key.name })),
        }, t("revoke")));
    },
    update(element, key) { element.hidden = key.status === "revoked"; },
  },
];

/** Shows a secret until the dialog is closed. */
function showSecret(key) {
  const secret = make("code", { class: "secret", id: "secret" }, key.key);
  showDialog(t("secret_title", { name: key.name }), [make("p", {}, t("secret_text")), make("pre", {}, secret),
    make("div", { class: "buttons" }, make("button", {
      type: "button", class: "button main",
      onclick: () => navigator.clipboard.writeText(key.key).then(() => toast(t("copied")), () => toast(t("not_copied"))),
    }, icon("copy"), t("copy")))]);
}

/** A field of a form, with its name. */
function field(name, input, hint = null) {
  return make("div", { class: "field" }, make("label", { for: input.id }, t(name)), input,
    hint ? make("p", { class: "hint", id: `${input.id}-hint` }, t(hint)) : null);
}

function newKey() {
  const name = make("input", { class: "input", id: "key-name", autocomplete: "off", required: true });
  const tenant = make("input", { class: "input", id: "key-tenant", autocomplete: "off", "aria-describedby": "key-tenant-hint" });
  const priority = make("select", { class: "input", id: "key-priority" }, priorities.map((one) => make("option", { value: one }, t(`priority_${one}`))));
  const limit = (id, step) => make("input", { class: "input", id, type: "number", min: "0", step, inputmode: "decimal" });
  const limits = { requests_per_second: limit("key-requests", "any"), waiting_tasks: limit("key-waiting", "1"), running_tasks: limit("key-running", "1") };
  const scopes = ["read", "generate", "admin"].map((one) => make("input", { type: "checkbox", value: one, checked: one !== "admin" }));
  const wrong = make("p", { class: "wrong", role: "alert" });
  const create = async (event) => {
    event.preventDefault();
    const body = { name: name.value.trim(), scopes: scopes.filter((one) => one.checked).map((one) => one.value), max_priority: priority.value };
    if (tenant.value.trim()) body.tenant = tenant.value.trim();
    const given = Object.entries(limits).filter(([, input]) => input.value !== "").map(([one, input]) => [one, Number(input.value)]);
    if (given.length) body.limits = Object.fromEntries(given);
    try {
      const key = await api("/api/v1/admin/keys", { body });
      dialog.close();
      // The first key closes the door behind this page too: it goes on with it.
      if (!keyStore.get() && key.scopes.includes("admin")) keyStore.set(key.key);
      showSecret(key);
      look();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      wrong.textContent = [error.words, ...error.violations.map((one) => one.message)].join(" ");
    }
  };
  const dialog = showDialog(t("new_key"), make("form", { class: "stack", onsubmit: create },
    field("name", name), field("tenant", tenant, "tenant_hint"),
    make("fieldset", { class: "field" }, make("legend", { class: "label" }, t("scopes")), scopes.map((one) => make("label", { class: "check" }, one, t(`scope_${one.value}`)))),
    field("max_priority", priority), field("requests_per_second", limits.requests_per_second), field("waiting_tasks", limits.waiting_tasks), field("running_tasks", limits.running_tasks),
    wrong,
    make("div", { class: "buttons" }, make("button", { type: "button", class: "button outline", onclick: () => dialog.close() }, t("back")), make("button", { type: "submit", class: "button main" }, t("create")))));
  name.focus();
}

function showKeys({ keys }) {
  showTable(byId("keys"), "keys-title", keyColumns, keys, (one) => one.key_id, "no_keys");
}
