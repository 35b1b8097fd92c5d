// Two languages, and the theme: what a visitor chooses is kept in this browser.

const languages = { en: {}, zh: {} };

/** Adds words: `{key: [English, Chinese]}`. */
function addWords(words) {
  for (const [key, [english, chinese]] of Object.entries(words)) {
    languages.en[key] = english;
    languages.zh[key] = chinese;
  }
}

const preferredLanguage = () => ((navigator.languages || [navigator.language]).find((one) => /^(zh|en)\b/i.test(one)) || "en");
let language = remembered.get("animato-language") || (/^zh/i.test(preferredLanguage()) ? "zh" : "en");
if (!languages[language]) language = "en";

/** The words for a key, with `{name}` filled in. */
function t(key, values = {}) {
  const text = languages[language][key] ?? languages.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Whether there are words for a key. */
const knows = (key) => key in languages.en;

const languageListeners = [];
/** Calls when the language changes; what is built by script is built anew then. */
function onLanguage(listener) { languageListeners.push(listener); }

/** Fills every element that says `data-t` (text), `data-t-label` (its name) or `data-t-placeholder`. */
function translate(within = document) {
  for (const one of within.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of within.querySelectorAll("[data-t-label]")) {
    one.setAttribute("aria-label", t(one.dataset.tLabel));
    if (one.matches("button, a")) one.title = t(one.dataset.tLabel);
  }
  for (const one of within.querySelectorAll("[data-t-placeholder]")) one.placeholder = t(one.dataset.tPlaceholder);
}

function setLanguage(chosen) {
  language = chosen;
  remembered.set("animato-language", chosen);
  showLanguage();
  for (const listener of languageListeners) listener();
}

function showLanguage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  translate();
  const title = document.querySelector("title");
  if (title.dataset.t) document.title = t(title.dataset.t);
}

const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function showTheme() {
  const button = byId("theme");
  if (!button) return;
  button.replaceChildren(icon(isDark() ? "sun" : "moon"));
  button.dataset.tLabel = isDark() ? "light_theme" : "dark_theme";
  translate(button.parentElement);
}

/** The other theme; what the system says is followed until then. */
function switchTheme() {
  const chosen = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  remembered.set("animato-theme", chosen);
  showTheme();
}

addWords({
  close: ["Close", "关闭"],
  cancel: ["Cancel", "取消"],
  light_theme: ["Light theme", "浅色主题"],
  dark_theme: ["Dark theme", "深色主题"],
  other_language: ["中文", "English"],
  skip: ["To the content", "跳到内容"],
  key: ["Key", "密钥"],
  api_docs: ["API", "接口文档"],
  pages: ["Pages", "页面"],
  studio: ["Studio", "创作"],
  operator: ["Operator", "运维"],
});
