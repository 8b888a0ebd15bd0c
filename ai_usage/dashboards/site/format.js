// How numbers, days and names are written. Rounding is for the eye; `exactText` and CSV keep every digit.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WITHOUT = "–"; // where there is no value
const grouping = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const wholeDollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const percents = new Intl.NumberFormat("en-US", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SIZES = [[1e12, "T"], [1e9, "bn"], [1e6, "M"], [1e3, "k"]];

function exactText(cell) {
  if (cell.exact === null) return String(cell.value);
  if (cell.isTime) return new Date(cell.value * 1000).toISOString().replace(".000Z", "Z");
  if (!cell.scale) return String(cell.exact);
  const sign = cell.exact < 0n ? "-" : "";
  const digits = String(cell.exact < 0n ? -cell.exact : cell.exact).padStart(cell.scale + 1, "0");
  const rest = digits.slice(-cell.scale).replace(/0+$/, "");
  return `${sign}${digits.slice(0, -cell.scale)}${rest ? `.${rest}` : ""}`;
}

function bigText(value) {
  for (const [size, name] of SIZES) {
    if (Math.abs(value) >= size) return `${(value / size).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} ${name}`;
  }
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}

// How many decimals the prices of a column have: as many as its smallest needs for two digits, at least those of cents.
function decimalsOf(cells) {
  const sizes = cells.filter(Boolean).map((cell) => Math.abs(cell.value)).filter((size) => size > 0);
  return sizes.length ? Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(Math.min(...sizes))))) : 2;
}

function finely(value, decimals) {
  return value.toLocaleString("en-US", { style: "currency", currency: "USD", minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

// A measure's cell as people read it; of a price with the decimals of its column, where there is one.
function cellText(cell, format, decimals = decimalsOf([cell])) {
  if (cell === null || cell === undefined) return WITHOUT;
  const { value } = cell;
  switch (format) {
    case "instant": return nameText(exactText(cell), "instant");
    case "date": return dayText(exactText(cell));
    case "usd": return cents.format(cell.exact === null ? value : exactText(cell)).replace("-", "−");
    case "usd_fine": return finely(value, decimals).replace("-", "−");
    case "ratio": return percents.format(value).replace("-", "−");
    case "tokens": return bigText(value);
    case "days": return plural(value, "day");
    case "count": return Number.isInteger(value) ? grouping.format(value) : value.toLocaleString("en-US", { maximumFractionDigits: 1 });
    default: return value.toLocaleString("en-US");
  }
}

// A short form for bars and cells of a picture, all of one picture alike: whole dollars, or cents if none reaches $100.
function shortly(values, format) {
  const most = Math.max(0, ...values.map(Math.abs));
  const decimals = decimalsOf(values.map((value) => ({ value })));
  const size = {
    usd: (value) => (most < 100 ? cents.format(value) : value > 0 && value < 0.5 ? "<$1" : wholeDollars.format(value)),
    usd_fine: (value) => finely(value, decimals),
    ratio: (value) => percents.format(value),
  }[format] ?? ((value) => (most >= 10000 && value ? bigText(value).replace(" ", "") : value.toLocaleString("en-US", { maximumFractionDigits: 1 })));
  return (value) => (value === null || value === undefined || Number.isNaN(value) ? WITHOUT : `${value < 0 ? "−" : ""}${size(Math.abs(value))}`);
}

// What the platform's own terms are called; CSV keeps them as the tables have them, as does a term that is not here.
const TERMS = {
  uncached_input_tokens: "Input, not cached", output_tokens: "Output", cache_read_input_tokens: "Cache reads",
  "cache_creation.ephemeral_1h_input_tokens": "Cache writes, 1 hour", "cache_creation.ephemeral_5m_input_tokens": "Cache writes, 5 minutes",
  input_tokens: "Input", cached_input_tokens: "Cached input", cache_write_tokens: "Cache writes", text_tokens: "Text",
  audio_input_tokens: "Audio input", audio_cached_input_tokens: "Audio, cached input", audio_output_tokens: "Audio output",
  image_input_tokens: "Image input", image_output_tokens: "Image output", model_use: "Model use",
  actor: "Named by the provider", key_sheet: "Key sheet", key_creator: "Key's creator", seat: "Seat", unattributed: "Unattributed",
  own_seat: "own seat", mean_seat: "mean seat", api_key: "key",
  all: "All", departed_member: "former member", new_key: "new key", new_model: "new model",
};

function termText(term) {
  return Object.hasOwn(TERMS, term) ? TERMS[term] : String(term);
}

// A dimension's name as people read it.
function nameText(name, format) {
  if (name === null || name === undefined) return format === "text" || format === "term" ? "none" : WITHOUT;
  const text = String(name);
  if (format === "month" || /^\d{4}-\d{2}$/.test(text)) return monthText(text);
  if (format === "date") return dayText(text);
  if (format === "instant") return `${dayText(text.slice(0, 10))}, ${text.slice(11, 16)} UTC`;
  if (format === "words") return wordsOf(text);
  return format === "term" ? termText(text) : text;
}

// The name of a check or of a table of the warehouse in words: core/ai_spend is AI spend. CSV and the title of the cell
// have the name itself.
const SPELLED = { api: "API", ai: "AI", usd: "USD", dim: "" };

function wordsOf(name) {
  const bare = name.slice(name.indexOf("/") + 1);
  const known = Object.keys(TERMS).filter((key) => bare === key || bare.startsWith(`${key}_`)).sort((a, b) => b.length - a.length)[0];
  const rest = (known ? bare.slice(known.length) : bare).split("_").filter(Boolean).map((word) => SPELLED[word] ?? word);
  const text = [known ? termText(known) : "", ...rest].filter(Boolean).join(" ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function monthText(month) {
  return `${MONTHS[Number(month.slice(5, 7)) - 1]} ${month.slice(0, 4)}`;
}

function dayText(day) {
  return `${Number(day.slice(8, 10))} ${MONTHS[Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}`;
}

function plural(count, one, many = `${one}s`) {
  return `${grouping.format(count)} ${count === 1 ? one : many}`;
}
