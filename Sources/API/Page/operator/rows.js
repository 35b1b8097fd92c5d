// Lists that are kept up to date without being built anew: nothing flickers, and what has the focus keeps it.

/** Sets a text only where it is another one. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Brings the children of an element into line with what there is.
 *
 * `create(item)` gives `{element, update(item)}`; an element stays as long as there is an item of its key.
 */
function reconcile(parent, items, keyOf, create) {
  parent.entries ??= new Map();
  const before = parent.entries;
  parent.entries = new Map();
  items.forEach((item, index) => {
    const key = keyOf(item);
    const entry = before.get(key) ?? create(item);
    before.delete(key);
    entry.update(item);
    parent.entries.set(key, entry);
    // What is moved loses the focus, so only what stands elsewhere is.
    if (parent.children[index] !== entry.element) parent.insertBefore(entry.element, parent.children[index] ?? null);
  });
  for (const { element } of before.values()) element.remove();
}

/**
 * A table of items in a place of its own.
 *
 * `columns` are `{title, text(item)}` or `{title, make(item), update(element, item)}`; roles are stated because a narrow
 * page shows rows as blocks, which would make them no table to a screen reader.
 */
function showTable(place, title, columns, items, keyOf, none) {
  if (!place.table) {
    place.body = make("tbody", { role: "rowgroup" });
    place.none = make("p", { class: "none" });
    place.table = make("table", { class: "table", role: "table", "aria-labelledby": title },
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, columns.map((one) => make("th", { role: "columnheader", scope: "col", class: one.title === "actions" ? "last" : null }, t(one.title))))),
      place.body);
    place.replaceChildren(place.table, place.none);
  }
  place.table.hidden = !items.length;
  place.none.hidden = items.length > 0;
  say(place.none, t(none));
  reconcile(place.body, items, keyOf, (item) => {
    const cells = columns.map((one) => make("td", { role: "cell", "data-label": t(one.title), class: one.title === "actions" ? "last" : null }, one.make ? one.make(item) : ""));
    return {
      element: make("tr", { role: "row" }, cells),
      update(now) {
        columns.forEach((one, index) => {
          if (one.text) say(cells[index], one.text(now));
          else one.update?.(cells[index].firstChild, now);
        });
      },
    };
  });
}

/** Forgets what was built, so that it is built anew in the page's language. */
function forgetTable(place) {
  place.table = null;
  place.replaceChildren();
}

/** Asks before something is done, and says what came of it. */
function confirmThen(title, text, button, act, done) {
  const run = async () => {
    dialog.close();
    await attempt(act, done);
  };
  const yes = make("button", { type: "button", class: "button main", onclick: run }, button);
  const dialog = showDialog(title, [make("p", {}, text),
    make("div", { class: "buttons" }, make("button", { type: "button", class: "button outline", onclick: () => dialog.close() }, t("back")), yes)]);
  yes.focus();
}

/** Does something and says what came of it, then looks. */
async function attempt(act, done) {
  try {
    const answer = await act();
    if (done) toast(done(answer));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(error.words);
  }
  look();
}

/** A badge whose colour says how things stand. */
function badge(kind, text) { return make("span", { class: `badge ${kind}` }, text); }
function setBadge(element, kind, text) {
  if (element.className !== `badge ${kind}`) element.className = `badge ${kind}`;
  say(element, text);
}
