// Sizes, lengths and qualities of the chosen model, as tiles to choose from.

const customChoice = "custom";

/** A radio button that looks like a tile; the time that it takes is filled in later, where there is one. */
function choice(group, value, isChosen, ...content) {
  return make("label", { class: value === customChoice ? "choice slim" : "choice" },
    make("input", { type: "radio", name: group, value, checked: isChosen }), make("span", {}, content));
}

const timePlace = (facts) => make("small", { class: "time", "data-facts": JSON.stringify(facts) });

const chosenIn = (group) => document.querySelector(`#composer input[name="${group}"]:checked`)?.value;

function numberField(id, key, value, field, wrong) {
  return make("div", { class: "field" }, make("label", { for: id }, t(key)),
    make("input", { class: "input", id, type: "number", inputmode: "numeric", value, "data-of": field, "aria-describedby": wrong }));
}

// Sizes

function sizesOf(model) {
  const sizes = [...model.sizes];
  const { width, height } = model.defaults;
  if (!sizes.some((size) => size.width === width && size.height === height)) sizes.unshift({ width, height });
  return sizes;
}

function shapeOf({ width, height }) {
  const shape = make("i", { class: "shape", "aria-hidden": "true" });
  shape.style.aspectRatio = `${width} / ${height}`;
  if (height > width) shape.style.width = `${1.5 * width / height}rem`;
  return make("span", { class: "box" }, shape);
}

const nameOfSize = ({ width, height }) => t(width > height ? "landscape" : width < height ? "portrait" : "square");

function showSizes(isOther) {
  const model = chosenModel();
  const { width, height } = model.defaults;
  const kept = isOther ? { width, height } : { width: numberIn("width"), height: numberIn("height"), ...sizeInForm() };
  const sizes = sizesOf(model);
  const place = byId("sizes");
  place.dataset.field = "width height";
  place.replaceChildren(
    make("legend", {}, t("size")),
    make("div", { class: "choices" },
      sizes.map((size) => choice("size", `${size.width}x${size.height}`, false,
        shapeOf(size), make("b", {}, nameOfSize(size)), make("small", {}, `${size.width} × ${size.height}`), timePlace(size))),
      choice("size", customChoice, false, make("b", {}, t("custom")))),
    make("div", { class: "custom", id: "custom-size" }, ["width", "height"].map((side) => numberField(side, side, kept[side], side, "size-wrong"))),
    make("p", { class: "wrong", id: "size-wrong" }));
  chooseSize(kept.width, kept.height);
}

function chooseSize(width, height) {
  byId("width").value = width ?? "";
  byId("height").value = height ?? "";
  const known = document.querySelector(`#sizes input[value="${width}x${height}"]`);
  (known ?? document.querySelector(`#sizes input[value="${customChoice}"]`)).checked = true;
  showCustom();
}

/** What the form says of the size. */
function sizeInForm() {
  const chosen = chosenIn("size");
  if (!chosen) return {};
  if (chosen === customChoice) return { width: numberIn("width"), height: numberIn("height") };
  const [width, height] = chosen.split("x").map(Number);
  return { width, height };
}

// Lengths

/** A third, two thirds and all of what the model can do, as lengths that it makes, and its default. */
function lengthsOf({ limits, defaults }) {
  const { frame_step: step, min_frames: least, max_frames: most } = limits;
  const made = (frames) => Math.max(least, Math.min(most, Math.round((frames - 1) / step) * step + 1));
  return [...new Set([most / 3, 2 * most / 3, most, defaults.num_frames].map(made))].sort((one, other) => one - other);
}

function showLengths(isOther) {
  const model = chosenModel();
  const kept = isOther ? model.defaults.num_frames : lengthInForm().num_frames;
  const fps = numberIn("fps") || model.defaults.fps;
  const place = byId("lengths");
  place.dataset.field = "num_frames";
  place.replaceChildren(
    make("legend", {}, t("length")),
    make("div", { class: "choices" },
      lengthsOf(model).map((frames) => choice("length", frames, false,
        make("b", {}, duration(frames / fps)), make("small", {}, t("number_of_frames", { count: frames })), timePlace({ num_frames: frames }))),
      choice("length", customChoice, false, make("b", {}, t("custom")))),
    make("div", { class: "custom", id: "custom-length" }, numberField("frames", "frames", kept, "num_frames", "length-wrong")),
    make("p", { class: "wrong", id: "length-wrong" }));
  chooseLength(kept);
}

function chooseLength(frames) {
  byId("frames").value = frames ?? "";
  const known = document.querySelector(`#lengths input[value="${frames}"]`);
  (known ?? document.querySelector(`#lengths input[value="${customChoice}"]`)).checked = true;
  showCustom();
}

/** What the form says of the length. */
function lengthInForm() {
  const chosen = chosenIn("length");
  if (!chosen) return {};
  return { num_frames: chosen === customChoice ? numberIn("frames") : Number(chosen) };
}

function showCustom() {
  byId("custom-size").hidden = chosenIn("size") !== customChoice;
  const length = byId("custom-length");
  if (length) length.hidden = chosenIn("length") !== customChoice;
}

// Qualities

function qualitiesOf({ defaults, limits, step_cache: levels }) {
  const steps = (share) => Math.max(limits.min_steps, Math.min(limits.max_steps, Math.round(defaults.num_inference_steps * share)));
  return [
    { name: "draft", steps: steps(0.6), cache: levels.includes("balanced") ? "balanced" : "off" },
    { name: "standard", steps: steps(1), cache: "off" },
    { name: "fine", steps: steps(1.5), cache: "off" },
  ];
}

/** Shows the qualities; none is chosen where steps and cache were set by hand. */
function showQualities() {
  const steps = numberIn("steps");
  const cache = byId("cache").value;
  byId("qualities").replaceChildren(
    make("legend", {}, t("quality")),
    make("div", { class: "choices" }, qualitiesOf(chosenModel()).map((one) =>
      choice("quality", one.name, one.steps === steps && one.cache === cache,
        make("b", {}, t(one.name)), make("small", {}, t("number_of_steps", { count: one.steps })),
        timePlace({ num_inference_steps: one.steps, step_cache: one.cache })))));
}

function chooseQuality(name) {
  const quality = qualitiesOf(chosenModel()).find((one) => one.name === name);
  byId("steps").value = quality.steps;
  byId("cache").value = quality.cache;
}
