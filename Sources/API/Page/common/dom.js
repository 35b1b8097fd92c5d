// Building the page: texts become text and never markup.

const byId = (id) => document.getElementById(id);

/** An element with attributes, handlers (`onclick` and the like, as functions) and children. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const shapes = {
  brand: "M4 18 9 6l4 9 3-5 4 8M3 21h18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  key: "M13 12a4 4 0 1 0 8 0 4 4 0 0 0-8 0M13 12H3M6 12v3.5M9.5 12v2.5",
  book: "M4 5a2 2 0 0 1 2-2h13v16H6a2 2 0 0 0-2 2ZM4 19V5M8 7h7M8 11h5",
  close: "M6 6l12 12M18 6 6 18",
  lock: "M6 11h12v9H6ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6ZM8.5 11V7.5a3.5 3.5 0 0 1 6.7-1.4",
  dice: "M4 4h16v16H4ZM8.5 8.5h.01M15.5 15.5h.01M15.5 8.5h.01M8.5 15.5h.01M12 12h.01",
  image: "M4 5h16v14H4ZM4 16l5-5 4 4 2-2 5 5M15.5 9h.01",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  again: "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  sliders: "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h16",
  spark: "M12 3l1.8 5.2L19 10l-5.2 1.8L12 17l-1.8-5.2L5 10l5.2-1.8ZM19 16v4M17 18h4",
  play: "M8 5.5v13l10.5-6.5Z",
  chip: "M7 7h10v10H7ZM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.5l3 1.5",
  film: "M4 5h16v14H4ZM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4",
};

/** A drawing that screen readers pass over: the words are beside it or in the button's name. */
function icon(name) {
  const space = "http:" + "//www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shapes[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** Puts drawings where the page says `data-icon`. */
function drawIcons(within = document) {
  for (const place of within.querySelectorAll("[data-icon]")) place.replaceChildren(icon(place.dataset.icon));
}

/** Says something in passing; read out politely, and gone by itself or by its button. */
function toast(text) {
  let place = byId("toasts");
  if (!place) {
    place = make("div", { id: "toasts", class: "toasts", role: "status" });
    document.body.append(place);
  }
  // A modal dialog makes everything outside of it inert.
  (document.querySelector("dialog[open]") || document.body).append(place);
  const note = make("div", { class: "toast" }, make("span", {}, text),
    make("button", { type: "button", class: "button plain square", "aria-label": t("close"), onclick: () => note.remove() }, icon("close")));
  place.append(note);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => note.remove(), 8000);
}

/** Shows a dialog built on the spot, and gives it back; it leaves the page when it is closed. */
function showDialog(title, content, attributes = {}) {
  const heading = make("h2", { id: `dialog-title-${showDialog.count += 1}` }, title);
  const dialog = make("dialog", { "aria-labelledby": heading.id, ...attributes },
    make("div", { class: "stack" },
      make("div", { class: "row spread" }, heading,
        make("button", { type: "button", class: "button plain square", "aria-label": t("close"), onclick: () => dialog.close() }, icon("close"))),
      content));
  dialog.addEventListener("close", () => {
    const toasts = byId("toasts");
    if (toasts && dialog.contains(toasts)) document.body.append(toasts);
    dialog.remove();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
showDialog.count = 0;

/** Whether nothing is to move unless it is asked to. */
const wantsStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A value of this browser, kept over visits where the browser allows it. */
const remembered = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) {
    try { if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value); } catch { /* Then for this page alone. */ }
  },
};
