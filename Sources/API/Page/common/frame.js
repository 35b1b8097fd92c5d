// What the top of every page does: language, theme and key.

/** Call once the page has added its words. */
function startFrame() {
  drawIcons();
  showLanguage();
  showTheme();
  byId("theme").addEventListener("click", switchTheme);
  byId("language").addEventListener("click", () => setLanguage(language === "zh" ? "en" : "zh"));
  byId("key").addEventListener("click", () => askForKey());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
}
