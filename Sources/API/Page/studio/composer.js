// The form: what it holds, what of it is sent, and what the server has against it.

let catalog = { models: [], loras: [] };
let me = null;

const chosenModel = () => catalog.models.find((model) => model.name === byId("model").value) ?? catalog.models[0];

/** The number in an input; `null` if it is empty, and the text where it is no number, so that the server judges it. */
function numberIn(id) {
  const input = byId(id);
  if (input.validity.badInput) return "";
  return input.value === "" ? null : Number(input.value);
}

/** The body of a request, as the form stands. What is left to the model's default is left out. */
function requestInForm() {
  const model = chosenModel();
  const body = { prompt: byId("prompt").value, model: model?.name, ...sizeInForm(), ...lengthInForm() };
  const put = (name, value) => { if (value !== null && value !== "" && value !== undefined) body[name] = value; };
  put("negative_prompt", byId("negative").value.trim());
  put("num_inference_steps", numberIn("steps"));
  put("guidance_scale", numberIn("guidance"));
  put("fps", numberIn("fps"));
  if (byId("cache").value !== "off") put("step_cache", byId("cache").value);
  if (isSeedLocked()) put("seed", numberIn("seed"));
  put("priority", byId("priority").value);
  if (byId("degrade").checked) body.degrade = "allow";
  for (const [role, picture] of Object.entries(pictures)) put(role, picture.upload?.id);
  return body;
}

/** Shows what the form can choose with this catalog and this key. */
function fillComposer() {
  const select = byId("model");
  const before = select.value;
  select.replaceChildren(...catalog.models.map((model) => make("option", { value: model.name }, model.name)));
  const standard = catalog.models.find((model) => model.default) ?? catalog.models[0];
  select.value = catalog.models.some((model) => model.name === before) ? before : standard?.name ?? "";
  byId("model-field").hidden = catalog.models.length < 2;
  showPriorities();
  showModel();
}

function showPriorities() {
  const order = ["interactive", "normal", "batch"];
  const allowed = order.slice(Math.max(0, order.indexOf(me?.max_priority ?? "interactive")));
  const select = byId("priority");
  const before = select.value;
  select.replaceChildren(...allowed.map((one) => make("option", { value: one }, t(`priority_${one}`))));
  select.value = allowed.includes(before) ? before : allowed.includes("normal") ? "normal" : allowed[0];
  byId("priority-field").hidden = allowed.length < 2;
}

let modelShown = null;

/** Shows what the chosen model takes; its defaults only where another one was chosen. */
function showModel() {
  const model = chosenModel();
  if (!model) return;
  const isOther = modelShown !== model.name;
  modelShown = model.name;
  const { defaults, limits } = model;
  for (const [id, value, least, most] of [
    ["steps", defaults.num_inference_steps, limits.min_steps, limits.max_steps],
    ["guidance", defaults.guidance_scale, limits.min_guidance, limits.max_guidance],
    ["fps", defaults.fps, limits.min_fps, limits.max_fps],
  ]) {
    const input = byId(id);
    input.min = least;
    input.max = most;
    if (isOther) input.value = value;
  }
  const cache = byId("cache");
  const before = isOther ? "off" : cache.value;
  cache.replaceChildren(...model.step_cache.map((level) => make("option", { value: level }, t(`cache_${level}`))));
  cache.value = model.step_cache.includes(before) ? before : "off";
  showSizes(isOther);
  showLengths(isOther);
  showQualities();
  showPictures();
  showSeed();
  showExamples();
}

// Seed

const isSeedLocked = () => byId("lock").getAttribute("aria-pressed") === "true";
const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

function lockSeed(isLocked) {
  byId("lock").setAttribute("aria-pressed", String(isLocked));
  if (isLocked && byId("seed").value === "") byId("seed").value = anySeed();
  showSeed();
}

function showSeed() {
  const isLocked = isSeedLocked();
  byId("lock").replaceChildren(icon(isLocked ? "lock" : "unlock"));
  byId("seed").max = 4294967295;
  byId("seed").min = 0;
  byId("seed-hint").textContent = t(isLocked ? "seed_locked" : "seed_open");
}

// What is wrong

/** Where the form shows what is wrong with a field of the request. */
const placeOf = (field) => document.querySelector(`#composer [data-field~="${CSS.escape(field)}"]`);

const limitsOf = (field, { limits } = chosenModel()) => ({
  width: [limits.min_width, limits.max_width],
  height: [limits.min_height, limits.max_height],
  num_frames: [limits.min_frames, limits.max_frames],
  num_inference_steps: [limits.min_steps, limits.max_steps],
  guidance_scale: [limits.min_guidance, limits.max_guidance],
  fps: [limits.min_fps, limits.max_fps],
  seed: [0, 4294967295],
}[field]);

/** A violation in the page's language where there are words for it; the server's own words otherwise. */
function violationWords({ field, code, message }) {
  const range = limitsOf(field);
  if (code === "out_of_range" && range) return t("v_out_of_range", { min: range[0], max: range[1] });
  return code !== "out_of_range" && knows(`v_${code}`) ? t(`v_${code}`) : message;
}

function clearWrong() {
  byId("form-wrong").textContent = "";
  for (const place of document.querySelectorAll("#composer .wrong")) place.textContent = "";
  for (const input of document.querySelectorAll("#composer [aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** What to correct a field with: of a tile the numbers behind it where they are shown, else the tile. */
function inputOf(place, field) {
  if (!place.matches("fieldset")) return place.querySelector(".input, button");
  const exact = place.querySelector(`[data-of="${field}"]`);
  return exact && !exact.closest("[hidden]") ? exact : place.querySelector("input:checked");
}

const labelOf = (field) => t(field === "num_frames" ? "frames" : field);

/** Shows what the server says against the form, and goes to the first field of it. */
function showWrong(refusal) {
  clearWrong();
  let first = null;
  let firstPlace = null;
  const others = [];
  for (const violation of refusal.violations) {
    const place = placeOf(violation.field);
    if (!place) {
      others.push(violationWords(violation));
      continue;
    }
    const hidden = place.closest("details");
    if (hidden) hidden.open = true;
    const input = inputOf(place, violation.field);
    const wrong = place.querySelector(".wrong");
    wrong.textContent = [wrong.textContent, place.matches("fieldset") && `${labelOf(violation.field)}:`, violationWords(violation)].filter(Boolean).join(" ");
    input?.setAttribute("aria-invalid", "true");
    first ??= input;
    firstPlace ??= place;
  }
  byId("form-wrong").textContent = [first ? t("code_invalid_request") : refusal.violations.length ? "" : refusal.words, ...others].join(" ").trim();
  first?.focus({ preventScroll: true });
  // With its label and with what is wrong.
  (firstPlace ?? byId("form-wrong")).scrollIntoView({ block: "nearest" });
}

/** Sends what is in the form. */
async function submit(event) {
  event?.preventDefault();
  const button = byId("generate");
  if (button.getAttribute("aria-disabled") === "true" || !chosenModel()) return;
  button.setAttribute("aria-disabled", "true");
  clearWrong();
  try {
    await uploadsSettled();
    const body = requestInForm();
    if (!isSeedLocked()) body.seed = anySeed();
    await ask(body);
    if (!isSeedLocked()) byId("seed").value = body.seed;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showWrong(error);
  } finally {
    button.removeAttribute("aria-disabled");
    estimateSoon();
  }
}

/** Asks for a video, and shows what becomes of it. */
async function ask(body) {
  // Where the connection breaks nobody knows whether it was accepted: the second attempt then gets the task of the first.
  const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
  const attempt = () => api("/api/v1/generate", { body, headers: { "Idempotency-Key": key } });
  const task = await attempt().catch(async (error) => {
    if (error.status !== 0) throw error;
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    return attempt();
  });
  say(t("accepted"));
  if (task.status === "SUCCESS") { addToGallery(task); toast(t("is_there")); } else addActive(task, { isNew: true });
}

/** For screen readers: one thing after the other, and none twice in a row by mistake. */
function say(text) {
  const place = byId("news");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** Fills the form with what a task was asked for. */
function useSettings(task) {
  const { request } = task;
  if (!catalog.models.some((model) => model.name === task.model)) { toast(t("model_gone", { name: task.model })); return; }
  byId("model").value = task.model;
  showModel();
  byId("prompt").value = request.prompt;
  byId("negative").value = request.negative_prompt;
  byId("steps").value = request.num_inference_steps;
  byId("guidance").value = request.guidance_scale;
  byId("fps").value = request.fps;
  byId("cache").value = request.step_cache;
  byId("degrade").checked = request.degrade === "allow";
  byId("seed").value = task.seed ?? request.seed ?? "";
  lockSeed(byId("seed").value !== "");
  chooseSize(request.width, request.height);
  chooseLength(request.num_frames);
  showQualities();
  takePictures(request);
  clearWrong();
  estimateSoon();
  byId("prompt").focus();
  toast(t("reused"));
}
