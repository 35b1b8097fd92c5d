// How long it would take: of the form as it stands, and of each tile with the rest as it is.

let estimateTimer = null;
let estimateRound = 0;
/** Device seconds by what they depend on; forgotten after a while, because the server learns. */
const knownTimes = new Map();
const knownFor = 120_000;
/** The tiles wait so long after a limit of requests was met, so that it is not they who use it up. */
const pauseOfTiles = 60_000;
let tilesPausedUntil = 0;

/** Asks once nothing has changed for a moment. */
function estimateSoon() {
  clearTimeout(estimateTimer);
  estimateTimer = setTimeout(() => estimate().catch((error) => { if (!(error instanceof Refusal)) throw error; }), 300);
}

/** Without a prompt it takes as long as with any. */
function estimable() {
  const body = requestInForm();
  if (!body.prompt.trim()) body.prompt = "-";
  return body;
}

async function estimate() {
  const round = estimateRound += 1;
  if (!chosenModel()) return;
  const place = byId("estimate");
  let found;
  try {
    found = await api("/api/v1/estimate", { body: estimable(), isQuiet: true });
  } catch (error) {
    // What is wrong is said when it is submitted, not while it is being written.
    if (round === estimateRound) place.replaceChildren(...(error.violations?.length ? [] : [error.words ?? ""]));
    return;
  }
  if (round !== estimateRound) return;
  // What is the same is not read out again.
  const words = make("p", {}, estimateWords(found));
  if (words.textContent !== place.textContent) place.replaceChildren(...words.childNodes);
  for (const tile of document.querySelectorAll("#composer .time")) {
    if (Date.now() < tilesPausedUntil) return;
    const seconds = await timeOf(JSON.parse(tile.dataset.facts));
    if (round !== estimateRound) return;
    tile.textContent = seconds === null ? "" : t("about_time", { time: duration(seconds) });
  }
}

function estimateWords(found) {
  const two = (first, second) => [make("strong", {}, first), second];
  if (found.refusal) return two(t("would_be_refused"), new Refusal(found.refusal, 429, found.refusal.retry_after_seconds).words);
  if (found.cached) return two(t("is_there"), t("is_there_hint"));
  if (found.eta_seconds === null) return [t("cannot_tell")];
  const start = found.shared ? t("is_shared") : found.wait_seconds >= 1 ? t("starts_in", { time: duration(found.wait_seconds) }) : t("starts_now");
  return two(t("ready_in", { time: duration(found.eta_seconds) }), start);
}

/** Device seconds of what is in the form with some of it changed; `null` if the server does not say. */
async function timeOf(facts) {
  const body = { ...estimable(), prompt: "-", negative_prompt: "", ...facts };
  delete body.seed;
  const name = JSON.stringify(body, Object.keys(body).sort());
  const known = knownTimes.get(name);
  if (known && Date.now() - known.at < knownFor) return known.seconds;
  try {
    const { device_seconds: seconds } = await api("/api/v1/estimate", { body, isQuiet: true });
    if (knownTimes.size > 500) knownTimes.clear();
    knownTimes.set(name, { seconds, at: Date.now() });
    return seconds;
  } catch (error) {
    if (error instanceof Refusal && error.status === 422) return null;
    if (error instanceof Refusal && error.status === 429) tilesPausedUntil = Date.now() + pauseOfTiles;
    throw error;
  }
}
