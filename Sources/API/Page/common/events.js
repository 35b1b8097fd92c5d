// Following a task: server-sent events over fetch, because EventSource cannot send a key.

/** The events in a stream of text: `{event, id, data}`. Comments are passed over. */
async function* eventsIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = { event: "message", id: null, data: "" };
        for (const line of block.split(/\r?\n/)) {
          const [, name, text] = /^(\w+): ?(.*)$/.exec(line) || [];
          if (name === "data") event.data += (event.data ? "\n" : "") + text;
          else if (name === "event" || name === "id") event[name] = text;
        }
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => { /* It has ended already. */ });
  }
}

const pause = (seconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/**
 * Follows a task to its end.
 *
 * Connects again with the last id where the stream breaks, and asks now and then where there is no stream.
 * `tell(event, data)` is called with `status`, `progress`, `preview` and, last, `end`; with `gone` if the task is not there any more.
 */
async function follow(id, tell, signal) {
  let last = null;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const headers = last === null ? {} : { "Last-Event-ID": last };
      const response = await send(`/api/v1/tasks/${id}/events`, { headers, signal, isQuiet: true });
      for await (const { event, id: number, data } of eventsIn(response.body)) {
        failures = 0;
        if (number !== null) last = number;
        tell(event, JSON.parse(data));
        if (event === "end") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status === 404) { tell("gone", null); return; }
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) return;
      if (await poll(id, tell, signal)) return;
    }
    failures += 1;
    await pause(Math.min(10, 0.5 * 2 ** Math.min(failures, 5)), signal);
  }
}

/** One look at a task, for want of a stream; `true` if there is nothing more to follow. */
async function poll(id, tell, signal) {
  try {
    const task = await api(`/api/v1/tasks/${id}`, { signal, isQuiet: true });
    const isOver = ["SUCCESS", "FAILED", "CANCELLED"].includes(task.status);
    tell(isOver ? "end" : "status", task);
    return isOver;
  } catch {
    return false;
  }
}
