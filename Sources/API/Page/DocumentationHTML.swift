// Made by scripts/embed.py. Change Sources/API/Page/documentation.html or what it includes, and run it again.
// swift-format-ignore-file

/// The page with the title “Animato API”.
enum DocumentationHTML {
static let text = #"""
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Animato API</title>
<link rel="icon" href="data:,">
<style>
:root {
  --back: #fbfbfa; --card: #ffffff; --text: #1c1f23; --soft: #5a626c; --line: #dcdfe3; --code: #f0f2f4;
  --accent: #0b5cad; --get: #0a6b45; --post: #0b5cad; --delete: #a8261d; --patch: #85540a; --head: #5a626c;
  --ok: #0a6b45; --bad: #a8261d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14171a; --card: #1b1f23; --text: #e7eaed; --soft: #a3acb6; --line: #343a41; --code: #262b31;
    --accent: #7cb8f7; --get: #6fd3a4; --post: #7cb8f7; --delete: #f59a92; --patch: #e7b866; --head: #a3acb6;
    --ok: #6fd3a4; --bad: #f59a92;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible,
select:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code, pre, textarea, .path, .method { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
code { background: var(--code); border-radius: 4px; padding: 0.1em 0.3em; font-size: 0.9em; overflow-wrap: anywhere; }
pre { background: var(--code); border-radius: 6px; padding: 0.75rem; overflow: auto; max-height: 30rem; font-size: 0.85rem; margin: 0.5rem 0; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: 0.5rem 1rem; z-index: 2; }
.layout { max-width: 82rem; margin: 0 auto; padding: 1rem; }
header h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; }
header p { margin: 0.4rem 0; color: var(--soft); max-width: 60rem; }
.tools { display: grid; gap: 0.75rem; margin: 1rem 0; }
label { display: block; font-weight: 600; font-size: 0.9rem; }
.hint { color: var(--soft); font-weight: 400; font-size: 0.85rem; overflow-wrap: anywhere; }
input, textarea, select { width: 100%; padding: 0.45rem 0.6rem; border: 1px solid var(--soft); border-radius: 6px; background: var(--card); color: var(--text); font-size: 1rem; }
textarea { min-height: 9rem; font-size: 0.85rem; resize: vertical; }
button { padding: 0.5rem 1.1rem; min-height: 2.6rem; border: 1px solid var(--accent); border-radius: 6px; background: var(--accent); color: var(--back); font: inherit; font-weight: 600; cursor: pointer; }
button:disabled { opacity: 0.5; cursor: default; }
button.quiet { background: transparent; color: var(--accent); }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; }
nav a { display: inline-block; padding: 0.3rem 0.5rem; text-decoration: none; }
nav a:hover { text-decoration: underline; }
section > h2 { margin: 2rem 0 0.25rem; font-size: 1.3rem; text-transform: capitalize; }
.text p { margin: 0.4rem 0; max-width: 60rem; }
.text ul { margin: 0.4rem 0; padding-left: 1.25rem; }
details.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: 0.5rem 0; }
details.card > summary { display: flex; flex-wrap: wrap; gap: 0.15rem 0.75rem; align-items: baseline; padding: 0.6rem 0.75rem; cursor: pointer; list-style: none; }
details.card > summary::-webkit-details-marker { display: none; }
details.card[open] > summary { border-bottom: 1px solid var(--line); }
.method { font-weight: 700; min-width: 4.2rem; font-size: 0.85rem; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); } .patch { color: var(--patch); }
.head { color: var(--head); }
.path { overflow-wrap: anywhere; font-size: 0.95rem; }
.what { color: var(--soft); width: 100%; }
.inside { padding: 0.25rem 0.75rem 0.9rem; }
h3 { font-size: 1rem; margin: 1.1rem 0 0.3rem; }
dl.fields { margin: 0; }
dl.fields > div { border-top: 1px solid var(--line); padding: 0.35rem 0; }
dl.fields > div:first-child { border-top: 0; }
dt { overflow-wrap: anywhere; }
dd { margin: 0 0 0 1rem; }
dd p { margin: 0.15rem 0; }
.kind { color: var(--soft); font-size: 0.85rem; }
.must { color: var(--bad); font-size: 0.8rem; font-weight: 600; }
.code2 { color: var(--ok); font-weight: 700; } .code4, .code5 { color: var(--bad); font-weight: 700; }
.code3 { color: var(--soft); font-weight: 700; }
details.part > summary { cursor: pointer; padding: 0.2rem 0; }
.try { border: 1px solid var(--line); border-radius: 8px; padding: 0.75rem; margin-top: 1rem; display: grid; gap: 0.6rem; }
.try h3 { margin: 0; }
.try label { margin-top: 0.4rem; }
.buttons { display: flex; gap: 0.5rem; }
.answer img, .answer video { max-width: 100%; }
.answer:empty { display: none; }
.nothing { color: var(--soft); }
@media (min-width: 60rem) {
  .layout { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 0 2rem; padding: 2rem 1.5rem; }
  header { grid-column: 1 / -1; }
  .tools { grid-template-columns: 1fr 1fr; max-width: 60rem; }
  nav { position: sticky; top: 1rem; align-self: start; max-height: calc(100vh - 2rem); overflow: auto; padding-top: 1.5rem; }
  .what { width: auto; margin-left: auto; }
  nav ul { display: block; }
  nav a { display: block; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
</style>
</head>
<body>
<a class="skip" href="#operations">To the operations</a>
<div class="layout">
  <header>
    <h1 id="title">Animato API</h1>
    <div id="about" class="text"></div>
    <p><a href="/">The studio</a> is the page for people. <a href="/openapi.json">openapi.json</a> is this description for programs.</p>
    <form class="tools" id="tools" autocomplete="off">
      <div>
        <label for="key">Key</label>
        <input id="key" type="password" autocomplete="off" spellcheck="false" aria-describedby="key-hint">
        <span class="hint" id="key-hint">Sent with what is tried here. Kept in this tab alone, until it is closed.</span>
      </div>
      <div>
        <label for="filter">Find</label>
        <input id="filter" type="search" placeholder="path, summary or field">
        <span class="hint" id="found" role="status"></span>
      </div>
    </form>
  </header>
  <nav aria-label="Groups"><ul id="groups"></ul></nav>
  <main id="operations"><p class="nothing" id="state" role="status">Loading …</p></main>
</div>
<script>
"use strict";
(() => {
  const methods = ["get", "head", "post", "put", "patch", "delete"];
  const byId = (id) => document.getElementById(id);
  let api = {};

  /** An element with attributes and children; texts become text and never markup. */
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
    return element;
  }

  /** What a reference stands for, with what is said beside it. */
  function resolved(value) {
    let seen = 0;
    while (value && value.$ref && seen < 16) {
      const { $ref, ...beside } = value;
      const target = $ref.slice(2).split("/").reduce(
        (node, part) => (node || {})[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")], api);
      value = { ...target, ...beside };
      seen += 1;
    }
    return value || {};
  }

  const nameOf = (value) => {
    const parts = value && value.$ref ? value.$ref.split("/") : [];
    return parts.length === 4 && parts[2] === "schemas" ? parts[3] : null;
  };

  /** Text with `code` in it. */
  function inline(text) {
    return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
  }

  /** Paragraphs and lists. */
  function prose(text) {
    const parts = (text || "").trim().split(/\n\s*\n/).filter(Boolean);
    return parts.map((part) => {
      if (!part.startsWith("- ")) return make("p", {}, inline(part));
      return make("ul", {}, part.split(/\n(?=- )/).map((item) => make("li", {}, inline(item.slice(2)))));
    });
  }

  function kindOf(schema) {
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    const kinds = schema.anyOf || schema.oneOf;
    if (kinds) return [...new Set(kinds.map((kind) => nameOf(kind) || kindOf(resolved(kind))))].join(" or ");
    const kind = [schema.type || (schema.properties ? "object" : "anything")].flat();
    const words = kind.map((word) => {
      if (word !== "array" || !schema.items) return word;
      return `list of ${nameOf(schema.items) || kindOf(resolved(schema.items))}`;
    });
    return words.join(" or ") + (schema.format ? ` (${schema.format})` : "");
  }

  function boundsOf(schema) {
    const found = [];
    const say = (name, text) => { if (schema[name] !== undefined) found.push(`${text} ${schema[name]}`); };
    say("minimum", "at least"); say("exclusiveMinimum", "more than"); say("maximum", "at most");
    say("minLength", "characters at least"); say("maxLength", "characters at most");
    say("minItems", "entries at least"); say("maxItems", "entries at most");
    say("pattern", "matches"); say("default", "default");
    if (schema.enum) found.push(`one of ${schema.enum.map((value) => (value === null ? "null" : value)).join(", ")}`);
    return found.join("; ");
  }

  function field(name, given, isRequired, depth) {
    const schema = resolved(given);
    const about = [prose(given.description || schema.description), []];
    const bounds = boundsOf(schema);
    if (bounds) about[1].push(make("p", { class: "kind" }, bounds));
    if (given.example !== undefined) about[1].push(make("p", { class: "kind" }, "for example ", make("code", {}, String(given.example))));
    const inner = depth < 6 ? fieldsOf(schema, depth + 1) : null;
    if (inner) about[1].push(make("details", { class: "part" }, make("summary", {}, "Fields of ", make("code", {}, name)), inner));
    return make("div", {},
      make("dt", {}, make("code", {}, name), " ", make("span", { class: "kind" }, nameOf(given) && !schema.properties ? `${nameOf(given)}: ${kindOf(schema)}` : kindOf(schema)),
        isRequired ? [" ", make("span", { class: "must" }, "required")] : null),
      make("dd", {}, about));
  }

  /** The members of an object or of the entries of a list; `null` where there are none. */
  function fieldsOf(schema, depth = 0) {
    if (schema.items) return fieldsOf(resolved(schema.items), depth);
    const choice = (schema.anyOf || schema.oneOf || []).map(resolved).find((one) => one.properties || one.items);
    if (!schema.properties && choice) return fieldsOf(choice, depth);
    if (!schema.properties) return null;
    const required = new Set(schema.required || []);
    return make("dl", { class: "fields" }, Object.entries(schema.properties).map(
      ([name, value]) => field(name, value, required.has(name), depth)));
  }

  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

  function examplesOf(content) {
    const found = Object.entries(content.examples || {}).map(([name, example]) => {
      const one = resolved(example);
      return [one.summary || name, one.value];
    });
    if (content.example !== undefined) found.push(["Example", content.example]);
    return found;
  }

  function contentOf(content) {
    return Object.entries(content || {}).map(([type, media]) => {
      const schema = resolved(media.schema);
      return [
        make("p", { class: "kind" }, make("code", {}, type), nameOf(media.schema) ? ` ${nameOf(media.schema)}` : ""),
        media.schema ? prose(schema.description) : null,
        media.schema ? fieldsOf(schema) : null,
        examplesOf(media).map(([name, value]) =>
          make("details", { class: "part" }, make("summary", {}, name), make("pre", { tabindex: "0" }, shown(value)))),
      ];
    });
  }

  function responsesOf(operation) {
    return Object.entries(operation.responses).map(([code, given]) => {
      const response = resolved(given);
      const first = (response.description || "").trim().split("\n\n")[0];
      const headers = Object.entries(response.headers || {});
      return make("details", { class: "part" },
        make("summary", {}, make("span", { class: `code${code[0]}` }, code), " ", inline(first)),
        headers.length ? make("dl", { class: "fields" }, headers.map(([name, header]) => {
          const one = resolved(header);
          return field(name, { ...one, ...resolved(one.schema), description: one.description }, false, 9);
        })) : null,
        contentOf(response.content));
    });
  }

  // Trying

  function inputFor(parameter, id) {
    const schema = resolved(parameter.schema);
    if (schema.enum) {
      const select = make("select", { id }, make("option", { value: "" }, ""), schema.enum.filter((value) => value !== null).map((value) => make("option", { value }, value)));
      return select;
    }
    const input = make("input", { id, spellcheck: "false", autocomplete: "off" });
    if (parameter.required && parameter.example !== undefined) input.placeholder = parameter.example;
    return input;
  }

  function isFile(schema) { return resolved(schema).format === "binary"; }

  function bodyInputs(operation, id) {
    const body = resolved(operation.requestBody);
    const types = Object.keys(body.content || {}).filter((type) => !type.includes("*"));
    if (!types.length) return null;
    const place = make("div", {});
    const choose = make("select", { id: `${id}-type` }, types.map((type) => make("option", { value: type }, type)));
    let read = () => ({});
    const show = () => {
      const type = choose.value;
      const media = body.content[type];
      const schema = resolved(media.schema);
      place.replaceChildren();
      if (type === "multipart/form-data") {
        const inputs = Object.entries(schema.properties || {}).map(([name, value]) => {
          const input = isFile(value) ? make("input", { type: "file", id: `${id}-form-${name}` }) : inputFor({ schema: value }, `${id}-form-${name}`);
          place.append(make("label", { for: input.id }, name), input);
          return [name, input];
        });
        read = () => {
          const form = new FormData();
          for (const [name, input] of inputs) {
            if (input.type === "file") { if (input.files[0]) form.append(name, input.files[0]); }
            else if (input.value) form.append(name, input.value);
          }
          return { body: form };
        };
      } else if (schema.format === "binary") {
        const input = make("input", { type: "file", id: `${id}-file` });
        place.append(make("label", { for: input.id }, "File"), input);
        read = () => ({ body: input.files[0], type });
      } else {
        const [example] = examplesOf(media);
        const area = make("textarea", { id: `${id}-body`, spellcheck: "false" });
        area.value = example ? shown(example[1]) : "{}";
        place.append(make("label", { for: area.id }, "Body"), area);
        read = () => ({ body: area.value, type });
      }
    };
    choose.addEventListener("change", show);
    show();
    return {
      part: make("div", {}, types.length > 1 ? [make("label", { for: choose.id }, "Type of the body"), choose] : null, place),
      read: () => read(),
    };
  }

  async function showAnswer(response, place, began) {
    const type = (response.headers.get("content-type") || "").split(";")[0];
    const took = Math.round(performance.now() - began);
    place.append(make("p", { role: "status" }, make("span", { class: `code${String(response.status)[0]}` }, String(response.status)), ` in ${took} ms`));
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    place.append(make("details", { class: "part" }, make("summary", {}, "Header fields"), make("pre", { tabindex: "0" }, headers)));
    if (/^(image|video)\//.test(type)) {
      const url = URL.createObjectURL(await response.blob());
      place.append(type.startsWith("image/") ? make("img", { src: url, alt: "The picture that came back" }) : make("video", { src: url, controls: true }));
      return;
    }
    const pre = make("pre", { tabindex: "0" });
    place.append(pre);
    if (type === "text/event-stream" && response.body) {
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        pre.append(value);
        pre.scrollTop = pre.scrollHeight;
      }
    }
    const text = await response.text();
    try { pre.textContent = shown(JSON.parse(text)); } catch { pre.textContent = text; }
    if (!text) pre.remove();
  }

  function tryOut(path, method, operation, parameters) {
    const id = `try-${operation.operationId}`;
    const inputs = parameters.map((parameter) => [parameter, inputFor(parameter, `${id}-${parameter.in}-${parameter.name}`)]);
    const body = bodyInputs(operation, id);
    const answer = make("div", { class: "answer" });
    const send = make("button", { type: "submit" }, "Send");
    const stop = make("button", { type: "button", class: "quiet", disabled: true }, "Stop");
    let control = null;
    const form = make("form", { class: "try", "aria-label": `Try ${method.toUpperCase()} ${path}`, autocomplete: "off" },
      make("h3", {}, "Try it"),
      inputs.map(([parameter, input]) => make("div", {},
        make("label", { for: input.id }, parameter.name, " ", make("span", { class: "hint" }, parameter.in + (parameter.required ? ", required" : ""))), input)),
      body ? body.part : null,
      make("div", { class: "buttons" }, send, stop), answer);
    stop.addEventListener("click", () => control && control.abort());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      answer.replaceChildren();
      const headers = new Headers();
      const query = new URLSearchParams();
      let address = path;
      for (const [parameter, input] of inputs) {
        if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value || input.placeholder || ""));
        else if (!input.value) continue;
        else if (parameter.in === "query") query.append(parameter.name, input.value);
        else if (parameter.in === "header") headers.set(parameter.name, input.value);
      }
      if (byId("key").value) headers.set("Authorization", `Bearer ${byId("key").value}`);
      const sent = body ? body.read() : {};
      if (sent.type) headers.set("Content-Type", sent.type);
      control = new AbortController();
      stop.disabled = false;
      send.disabled = true;
      const began = performance.now();
      try {
        const target = address + (query.size ? `?${query}` : "");
        await showAnswer(await fetch(target, { method: method.toUpperCase(), headers, body: sent.body, signal: control.signal, cache: "no-store" }), answer, began);
      } catch (error) {
        answer.append(make("p", { role: "status" }, error.name === "AbortError" ? "Stopped." : `No answer: ${error.message}`));
      }
      stop.disabled = true;
      send.disabled = false;
    });
    return form;
  }

  // The page

  function card(id, summary, fill) {
    const details = make("details", { class: "card", id }, make("summary", {}, summary));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(make("div", { class: "inside" }, fill()));
    });
    return details;
  }

  function operationCard(path, method, item, operation) {
    const parameters = [...(item.parameters || []), ...(operation.parameters || [])].map(resolved);
    const element = card(operation.operationId,
      [make("span", { class: `method ${method}` }, method.toUpperCase()), make("span", { class: "path" }, path), make("span", { class: "what" }, operation.summary || "")],
      () => [
        make("div", { class: "text" }, prose(operation.description)),
        parameters.length ? [make("h3", {}, "Parameters"), make("dl", { class: "fields" }, parameters.map((parameter) =>
          field(`${parameter.name}`, { ...resolved(parameter.schema), description: `${parameter.description || ""} (${parameter.in})`.trim(), example: parameter.example }, parameter.required, 9)))] : [],
        operation.requestBody ? [make("h3", {}, "Body"), prose(resolved(operation.requestBody).description), contentOf(resolved(operation.requestBody).content)] : [],
        make("h3", {}, "Answers"), responsesOf(operation),
        tryOut(path, method, operation, parameters),
      ]);
    element.dataset.text = [method, path, operation.summary, operation.operationId, JSON.stringify(operation.parameters || "")].join(" ").toLowerCase();
    return element;
  }

  function show() {
    const main = byId("operations");
    const groups = byId("groups");
    byId("title").textContent = `${api.info.title} API ${api.info.version}`;
    document.title = byId("title").textContent;
    byId("about").append(make("p", {}, api.info.summary || ""),
      make("details", { class: "part" }, make("summary", {}, "What holds for every request"), prose(api.info.description)));
    main.replaceChildren();
    const tags = new Map((api.tags || []).map((tag) => [tag.name, { about: tag.description, cards: [] }]));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of methods) {
        // HEAD is GET without the body, everywhere.
        if (!item[method] || (method === "head" && item.get)) continue;
        const tag = (item[method].tags || ["other"])[0];
        if (!tags.has(tag)) tags.set(tag, { about: "", cards: [] });
        tags.get(tag).cards.push(operationCard(path, method, item, item[method]));
      }
    }
    for (const [name, { about, cards }] of tags) {
      if (!cards.length) continue;
      main.append(make("section", { id: `group-${name}`, "aria-labelledby": `title-${name}` },
        make("h2", { id: `title-${name}` }, name), make("div", { class: "text" }, prose(about)), cards));
      groups.append(make("li", {}, make("a", { href: `#group-${name}` }, name)));
    }
    const schemas = Object.entries((api.components || {}).schemas || {});
    main.append(make("section", { id: "group-schemas", "aria-labelledby": "title-schemas" }, make("h2", { id: "title-schemas" }, "schemas"),
      schemas.map(([name, schema]) => {
        const element = card(`schema-${name}`, [make("span", { class: "path" }, name), make("span", { class: "what" }, kindOf(schema))],
          () => [make("div", { class: "text" }, prose(schema.description)), make("p", { class: "kind" }, boundsOf(schema)), fieldsOf(schema)]);
        element.dataset.text = `${name} ${Object.keys(schema.properties || {}).join(" ")}`.toLowerCase();
        return element;
      })));
    groups.append(make("li", {}, make("a", { href: "#group-schemas" }, "schemas")));
    open();
  }

  function open() {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.matches("details.card")) target.open = true;
    target.scrollIntoView();
  }

  function find() {
    const wanted = byId("filter").value.trim().toLowerCase();
    let count = 0;
    for (const section of document.querySelectorAll("main section")) {
      let isAny = false;
      for (const one of section.querySelectorAll("details.card")) {
        one.hidden = !one.dataset.text.includes(wanted);
        if (!one.hidden) { isAny = true; count += 1; }
      }
      section.hidden = !isAny;
    }
    byId("found").textContent = wanted ? `${count} found` : "";
  }

  const keyName = "animato-key";
  try { byId("key").value = sessionStorage.getItem(keyName) || ""; } catch { /* Then it is kept in the field alone. */ }
  byId("key").addEventListener("input", (event) => {
    try { sessionStorage.setItem(keyName, event.target.value); } catch { /* As above. */ }
  });
  byId("filter").addEventListener("input", find);
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", open);
  fetch("/openapi.json").then((response) => {
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return response.json();
  }).then((document) => { api = document; show(); }).catch((error) => {
    byId("state").textContent = `The description could not be loaded: ${error.message}. Load the page again.`;
  });
})();
</script>
</body>
</html>
"""#
}
