// Talking with the server: the key goes along, and what goes wrong becomes words with what to do.

const keyStore = {
  get() { try { return sessionStorage.getItem("animato-key") || ""; } catch { return keyStore.held || ""; } },
  set(key) {
    keyStore.held = key;
    try { if (key) sessionStorage.setItem("animato-key", key); else sessionStorage.removeItem("animato-key"); } catch { /* Held above. */ }
  },
};

/** What the server, or the way to it, has against a request. */
class Refusal extends Error {
  constructor(problem, status, retryAfter) {
    super(problem.detail || problem.title || problem.code || "");
    this.code = problem.code || "unknown";
    this.status = status;
    this.violations = problem.violations || [];
    this.obstacles = problem.obstacles || [];
    this.requestID = problem.request_id || null;
    this.retryAfter = retryAfter;
  }

  /** In the page's language: what is wrong, and what can be done. */
  get words() {
    const key = [`code_${this.code}`, `reason_${this.code}`].find(knows);
    const said = key ? t(key) : this.message || t("code_unknown");
    const again = this.retryAfter ? ` ${t("try_again_in", { time: duration(this.retryAfter) })}` : "";
    const id = this.status >= 500 && this.requestID ? ` ${t("request_id", { id: this.requestID })}` : "";
    return said + again + id;
  }
}

const connectionListeners = [];
let isConnected = true;
/** Calls with `false` when the server cannot be reached, and with `true` when it answers again. */
function onConnection(listener) { connectionListeners.push(listener); }
function noteConnection(now) {
  if (now === isConnected) return;
  isConnected = now;
  for (const listener of connectionListeners) listener(now);
}

/**
 * Sends a request with the key and gives the response, if it is one of success.
 *
 * Where the server asks for a key, it is asked of the visitor until there is a good one or none is given; not for what the page
 * does by itself (`isQuiet`).
 */
async function send(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = keyStore.get();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    noteConnection(false);
    throw new Refusal({ code: "unreachable" }, 0, null);
  }
  noteConnection(true);
  if (response.ok || response.status === 304) return response;
  let problem = {};
  try { problem = await response.json(); } catch { problem = { title: response.statusText }; }
  // The paths under /v1/ speak as the OpenAI API does.
  if (problem.error?.message) problem = { code: problem.error.code, detail: problem.error.message };
  if (response.status === 401 && !options.isQuiet) {
    if (key !== keyStore.get() || await askForKey(problem.code)) return send(path, options);
  }
  throw new Refusal(problem, response.status, Number(response.headers.get("Retry-After")) || null);
}

/** Sends JSON, if there is any, and gives the JSON that comes back. */
async function api(path, { body, headers, ...options } = {}) {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await send(path, { ...sent, ...options, headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers } });
  return response.status === 204 ? null : response.json();
}

/** An address of this server as it is reached from here: a proxy may give it another name. */
function here(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

let askingForKey = null;
const keyListeners = [];
/** Calls when another key is used from now on. */
function onKey(listener) { keyListeners.push(listener); }

/** Asks for a key; `true` once there is one. However many ask, there is one dialog. */
function askForKey(code = null) {
  askingForKey ??= new Promise((resolve) => {
    const input = make("input", { id: "key-input", class: "input", type: "password", autocomplete: "off", spellcheck: "false", "aria-describedby": "key-hint key-wrong" });
    input.value = code ? "" : keyStore.get();
    const wrong = make("p", { id: "key-wrong", class: "wrong", role: "alert" }, code && code !== "key_required" ? t(`code_${code}`) : "");
    let isDone = false;
    const form = make("form", {
      class: "stack", onsubmit: (event) => {
        event.preventDefault();
        const key = input.value.trim();
        if (/[^\x20-\x7e]/.test(key)) { wrong.textContent = t("code_key_invalid"); return; }
        if (code && !key) { wrong.textContent = t("code_key_required"); return; }
        keyStore.set(key);
        isDone = true;
        dialog.close();
      },
    },
    make("div", { class: "field" }, make("label", { for: input.id }, t("key_label")), input, make("p", { class: "hint", id: "key-hint" }, t("key_hint"))), wrong,
    make("div", { class: "buttons" },
      make("button", { type: "button", class: "button outline", onclick: () => dialog.close() }, t("cancel")),
      make("button", { type: "submit", class: "button main" }, t("key_use"))));
    const dialog = showDialog(t(code ? "key_needed" : "key"), form);
    dialog.addEventListener("close", () => {
      askingForKey = null;
      resolve(isDone);
      if (isDone) for (const listener of keyListeners) listener();
    });
    input.focus();
  });
  return askingForKey;
}

addWords({
  key_needed: ["This server asks for a key", "此服务器需要密钥"],
  key_label: ["Your key", "你的密钥"],
  key_hint: ["Kept in this tab alone, until it is closed. Left empty: none.", "只保存在此标签页中，关闭后即清除。留空表示不使用密钥。"],
  key_use: ["Use it", "使用"],
  try_again_in: ["Try again in {time}.", "请在{time}后重试。"],
  request_id: ["The operator finds it in the log as {id}.", "运维人员可在日志中用 {id} 查到。"],
  code_unknown: ["Something went wrong. Try again.", "出了点问题，请重试。"],
  code_unreachable: ["The server cannot be reached. Your work there goes on; this page tries again by itself.", "无法连接服务器。服务器上的任务不受影响，页面会自动重试。"],
  code_key_required: ["A key is needed. Ask the operator for one.", "需要密钥，请向管理员索取。"],
  code_key_invalid: ["This key is not known here. Check that all of it was pasted.", "密钥无效，请检查是否完整粘贴。"],
  code_key_revoked: ["This key was revoked. Ask the operator for another one.", "密钥已被吊销，请向管理员索取新的密钥。"],
  code_key_expired: ["This key has expired. Ask the operator for another one.", "密钥已过期，请向管理员索取新的密钥。"],
  code_scope_missing: ["This key may not do that. Ask the operator for a key with the scope that is needed.", "此密钥没有相应权限，请向管理员索取有权限的密钥。"],
  code_invalid_request: ["Something in the request is wrong: see the marked fields.", "请求中有错误，请查看标出的字段。"],
  code_rate_limited: ["Too many requests with this key at once.", "此密钥的请求过于频繁。"],
  code_waiting_limit: ["As many of your videos wait as may. Wait for one to start, or cancel one.", "排队中的视频已达上限。请等待其中一个开始，或取消一个。"],
  code_device_seconds_limit: ["Today's device time is used up.", "今天的设备时间已用完。"],
  code_queue_full: ["The queue is full.", "队列已满。"],
  code_wait_too_long: ["The wait would be longer than this server allows.", "等待时间会超过服务器允许的上限。"],
  code_upload_too_large: ["This file is too large. Choose a smaller one.", "文件过大，请选择较小的文件。"],
  code_upload_quota_exceeded: ["Your uploads take all the space they may. Wait until some expire, or delete some.", "上传空间已用完。请等待文件过期，或删除一些文件。"],
  code_media_unreadable: ["This file is no picture that can be read. Choose a PNG, JPEG or WebP.", "无法读取此图片，请选择 PNG、JPEG 或 WebP。"],
  code_media_too_large: ["This picture has too many pixels. Choose a smaller one.", "图片像素过多，请选择较小的图片。"],
  code_unsupported_media_type: ["This is no picture. Choose a PNG, JPEG or WebP.", "这不是图片，请选择 PNG、JPEG 或 WebP。"],
  code_disk_full: ["The server's disk is full. Tell the operator.", "服务器磁盘已满，请告知管理员。"],
  code_streams_busy: ["Too many are watching right now.", "当前观看人数过多。"],
  code_task_not_found: ["This task is not there any more.", "任务已不存在。"],
  code_video_expired: ["This video was let go to make room. Generate it again.", "视频已被清理以腾出空间，请重新生成。"],
  code_foreign_host: ["The server does not answer under this name. Open it by its address, or let the operator set http.publicURL.", "服务器不接受此域名。请用 IP 地址打开，或让管理员设置 http.publicURL。"],
});
