// Numbers, times and sizes as people read them, in the page's language.

const locale = () => (language === "zh" ? "zh-CN" : "en");

/** Seconds as "12 s", "3 min 20 s", "2 h 5 min". */
function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const unit = language === "zh" ? { h: " 小时", min: " 分", s: " 秒" } : { h: " h", min: " min", s: " s" };
  if (seconds < 9.95) return `${Math.max(0.1, Math.round(seconds * 10) / 10)}${unit.s}`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${unit.s}`;
  const minutes = Math.floor(whole / 60);
  if (whole < 3600) return `${minutes}${unit.min}${minutes < 10 && whole % 60 ? ` ${whole % 60}${unit.s}` : ""}`;
  const hours = Math.floor(minutes / 60);
  return `${hours}${unit.h}${minutes % 60 ? ` ${minutes % 60}${unit.min}` : ""}`;
}

/** Bytes as "1.4 MB". */
function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) { value /= 1000; step += 1; }
  return `${value.toLocaleString(locale(), { maximumFractionDigits: value < 10 && step ? 1 : 0 })} ${units[step]}`;
}

/** A moment as "3 minutes ago". */
function ago(moment, now = Date.now()) {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return format.format(Math.min(0, Math.round(seconds)), "second");
}

/** A moment in full, for details. */
const moment = (text) => new Date(text).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "medium" });

const number = (value, digits = 1) => Number(value).toLocaleString(locale(), { maximumFractionDigits: digits });
