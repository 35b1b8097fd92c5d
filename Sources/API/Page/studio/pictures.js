// Pictures to begin and to end with: dropped, pasted or chosen, and uploaded at once.

const pictureRoles = ["start_image", "end_image"];
/** By role: `{upload, url, isBusy, wrong}`. */
const pictures = {};
const uploadsUnderWay = new Set();

const uploadsSettled = () => Promise.allSettled(uploadsUnderWay);

const rolesTaken = () => pictureRoles.filter((role) => chosenModel()?.inputs.includes(role));

function showPictures() {
  const place = byId("pictures");
  const roles = rolesTaken();
  for (const role of pictureRoles) if (!roles.includes(role)) dropPicture(role);
  place.hidden = roles.length === 0;
  place.replaceChildren(make("span", { class: "label", id: "pictures-title" }, t("pictures")),
    make("div", { class: "drops", role: "group", "aria-labelledby": "pictures-title" }, roles.map(pictureField)));
}

function pictureField(role) {
  const picture = pictures[role];
  const input = make("input", { type: "file", accept: "image/*", id: `${role}-file`, hidden: true, onchange: () => takeFile(role, input.files[0]) });
  const area = make("div", {
    class: "drop",
    ondragover: (event) => { event.preventDefault(); area.classList.add("over"); },
    ondragleave: () => area.classList.remove("over"),
    ondrop: (event) => {
      event.preventDefault();
      area.classList.remove("over");
      takeFile(role, event.dataTransfer.files[0]);
    },
  }, picture?.url || picture?.upload
    ? [picture.url ? make("img", { src: picture.url, alt: t("picture_of", { name: t(role) }) }) : make("span", { class: "pick" }, t("picture_of", { name: t(role) })),
      make("button", { type: "button", class: "button square remove", "aria-label": t("remove_picture", { name: t(role) }), onclick: () => removePicture(role) }, icon("close")),
      picture.isBusy && make("span", { class: "busy" }, make("progress", { "aria-label": t("uploading") }))]
    : [make("button", { type: "button", class: "pick", id: `${role}-pick`, "aria-describedby": `${role}-wrong`, onclick: () => input.click() },
      icon("image"), make("b", {}, t(role)), t("drop_here"))],
  input);
  return make("div", { class: "field", "data-field": role }, area, make("p", { class: "wrong", id: `${role}-wrong`, role: "alert" }, picture?.wrong ?? ""));
}

/** Uploads a file and shows it; what is wrong with it is said where it would be. */
function takeFile(role, file) {
  if (!file) return;
  dropPicture(role);
  const picture = pictures[role] = { url: URL.createObjectURL(file), isBusy: true };
  showPictures();
  const work = upload(file).then((kept) => { picture.upload = kept; }, (error) => {
    if (pictures[role] === picture) { dropPicture(role); pictures[role] = { wrong: error.words ?? String(error) }; }
  }).finally(() => {
    picture.isBusy = false;
    uploadsUnderWay.delete(work);
    showPictures();
    estimateSoon();
  });
  uploadsUnderWay.add(work);
}

async function upload(file) {
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  const response = await send("/api/v1/uploads", { method: "POST", headers: { "Content-Type": type }, body: file });
  return response.json();
}

function dropPicture(role) {
  if (pictures[role]?.url) URL.revokeObjectURL(pictures[role].url);
  delete pictures[role];
}

function removePicture(role) {
  dropPicture(role);
  showPictures();
  estimateSoon();
  byId(`${role}-pick`)?.focus();
}

/** The pictures of an earlier request, as far as they are still there. */
function takePictures(request) {
  for (const role of pictureRoles) {
    dropPicture(role);
    const id = request[role];
    if (id) pictures[role] = { upload: { id } };
  }
  showPictures();
}

/** A picture on the clipboard becomes the first one that is still open. */
function pastePicture(event) {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  const roles = rolesTaken();
  if (!roles.length) { toast(t("not_taken")); return; }
  event.preventDefault();
  takeFile(roles.find((role) => !pictures[role]?.upload && !pictures[role]?.isBusy) ?? roles[0], file);
}
