// What is chosen, where it is kept (the URL's hash, so that a view can be sent and other boards open with it), and the bar
// it is chosen in. A period is of months or of days.

const PRESETS = [
  ["1m", "This month", 1], ["last", "Last month", 1], ["3m", "3 months", 3], ["6m", "6 months", 6], ["12m", "12 months", 12], ["all", "All", Infinity],
];
const DAY_PRESETS = [["7d", "7 days", 7], ["28d", "28 days", 28]]; // up to the newest known day
const FILTER_LABELS = { period: "Period", provider: "Provider", cost_center: "Cost center", team: "Team", person: "Person" };
const ALL_OF = { provider: "All providers", cost_center: "All cost centers", team: "All teams", person: "Everybody" };
const TEXT_OF = { provider: termText }; // how a filter's names are shown
const DEFAULT_PERIOD = "12m";
const OPTIONS_AT_ONCE = 100;

function monthAfter(month, count) {
  const at = Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1 + count;
  return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`;
}

function monthsBetween(from, to) {
  const found = [];
  for (let month = from; month <= to; month = monthAfter(month, 1)) found.push(month);
  return found;
}

function lastDayOf(month) {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)), 0)).toISOString().slice(0, 10);
}

function dayAfter(day, count) {
  return dateOf(numberOf(day) + count);
}

// The chosen values, over the months, days and names that the board's rows have.
class Choice {
  constructor(filters, months, names, newest = null) {
    this.filters = filters;
    this.months = months; // every month from the first to the newest
    this.names = names; // filter → its names, sorted
    this.days = months.length ? [`${months[0]}-01`, newest ?? lastDayOf(months[months.length - 1])] : null; // the first and the newest
    this.listeners = [];
    this.clear();
  }

  clear() {
    this.period = { preset: DEFAULT_PERIOD };
    this.chosen = { provider: [], cost_center: [], team: [], person: [] };
    this.elsewhere = {}; // filter → its text in the hash, of what only other boards have
  }

  // The first and the last month.
  get span() {
    if (!this.months.length) return null;
    if (this.daySpan) return this.daySpan.map((day) => day.slice(0, 7));
    const [first, last] = [this.months[0], this.months[this.months.length - 1]];
    if (this.period.preset === undefined) return [this.period.from, this.period.to];
    if (this.period.preset === "last") return [monthAfter(last, -1), monthAfter(last, -1)];
    const length = PRESETS.find(([key]) => key === this.period.preset)[2];
    if (length === Infinity) return [first, last];
    return [monthAfter(last, 1 - length), last];
  }

  // The first and the last day, of a period of days; else null.
  get daySpan() {
    if (!this.days) return null;
    const [first, newest] = this.days;
    if (this.period.fromDay) return [this.period.fromDay, this.period.toDay];
    const preset = DAY_PRESETS.find(([key]) => key === this.period.preset);
    if (!preset) return null;
    const from = dayAfter(newest, 1 - preset[2]);
    return [from < first ? first : from, newest];
  }

  get isOfDays() {
    return this.filters.includes("period") && this.daySpan !== null;
  }

  // For `numbers`: filter → values, without inactive filters. A period is its months, or its days.
  get values() {
    const found = {};
    if (this.isOfDays) found.period = daysBetween(...this.daySpan);
    else if (this.filters.includes("period") && this.span && this.period.preset !== "all") found.period = monthsBetween(...this.span);
    for (const [name, chosen] of Object.entries(this.chosen)) if (chosen.length) found[name] = chosen;
    return found;
  }

  // The same for the months just before, as many; null if there is no month before to compare with.
  get valuesBefore() {
    if (!this.span || this.isOfDays || this.period.preset === "all") return null;
    const length = monthsBetween(...this.span).length;
    const from = monthAfter(this.span[0], -length);
    if (from < this.months[0]) return null;
    return { ...this.values, period: monthsBetween(from, monthAfter(this.span[0], -1)) };
  }

  get isUsualPeriod() {
    return this.period.preset === DEFAULT_PERIOD;
  }

  get isTouched() {
    return !this.isUsualPeriod || Object.values(this.chosen).some((chosen) => chosen.length) || Object.keys(this.elsewhere).length > 0;
  }

  get hash() {
    const parts = [];
    const { preset, from, to, fromDay, toDay } = this.period;
    if (fromDay) parts.push(`period=${fromDay}..${toDay}`);
    else if (preset === undefined) parts.push(`period=${from}..${to}`);
    else if (preset !== DEFAULT_PERIOD) parts.push(`period=${preset}`);
    for (const [name, chosen] of Object.entries(this.chosen)) {
      const texts = [...chosen.map((value) => encodeURIComponent(value)), ...(this.elsewhere[name] ?? [])];
      if (texts.length) parts.push(`${name}=${texts.join(",")}`);
    }
    return parts.join("&");
  }

  // Reads a hash. Names that only other boards have are kept for these; periods that are not here are ignored.
  read(hash) {
    this.clear();
    for (const part of hash.replace(/^#/, "").split("&")) {
      const [name, text = ""] = part.split("=");
      if (name === "period") this.period = this.periodOf(text) ?? this.period;
      else if (name in this.chosen) {
        const texts = text.split(",").filter(Boolean);
        const wanted = new Set(texts.map(decoded));
        if (this.filters.includes(name)) this.chosen[name] = this.names[name].filter((value) => wanted.has(String(value)));
        const here = new Set(this.chosen[name].map(String));
        const others = texts.filter((one) => !here.has(decoded(one)));
        if (others.length) this.elsewhere[name] = others;
      }
    }
  }

  periodOf(text) {
    const [, from, to] = text.match(/^(\d{4}-\d{2}(?:-\d{2})?)\.\.(\d{4}-\d{2}(?:-\d{2})?)$/) ?? [];
    if (from && from.length === to.length && from <= to && [from, to].every((end) => this.months.includes(end.slice(0, 7)))) {
      return from.length === 7 ? { from, to } : { fromDay: from, toDay: to };
    }
    return [...PRESETS, ...DAY_PRESETS].some(([key]) => key === text) ? { preset: text } : null;
  }

  // Takes other names of a filter than those chosen, on this board or on another one.
  choose(name, values) {
    this.chosen[name] = values;
    delete this.elsewhere[name];
  }

  changed() {
    const { hash } = this;
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    document.dispatchEvent(new Event("choicechange")); // links to other boards take it along
    this.notify();
  }

  notify() {
    for (const listener of this.listeners) listener();
  }

  get monthsText() {
    const [from, to] = [this.span[0] < this.months[0] ? this.months[0] : this.span[0], this.span[1]];
    return from === to ? monthText(to) : `${monthText(from)} to ${monthText(to)}`;
  }

  // In words, for print and pictures.
  get text() {
    return this.textFor(this.filters);
  }

  textFor(filters) {
    const parts = [];
    if (filters.includes("period") && this.span) {
      const [from, to] = this.daySpan ?? [];
      parts.push(!from ? this.monthsText : from === to ? dayText(to) : `${dayText(from)} to ${dayText(to)}`);
    }
    for (const name of this.filters.filter((filter) => filter !== "period" && filters.includes(filter))) {
      const chosen = this.chosen[name];
      if (chosen.length) parts.push(chosen.length > 4 ? `${chosen.length} of ${this.names[name].length}: ${FILTER_LABELS[name].toLowerCase()}` : chosen.map(TEXT_OF[name] ?? String).join(", "));
    }
    return parts.join(" · ");
  }

  // The choices of other boards that have no effect here; empty if there are none.
  get elsewhereText() {
    const parts = Object.entries(this.elsewhere).map(([name, texts]) => {
      const shown = texts.map((text) => (TEXT_OF[name] ?? String)(decoded(text))).join(", ");
      return this.filters.includes(name) ? `${shown}: no card of this board has rows of it` : `${shown}: this board has no filter for ${FILTER_LABELS[name].toLowerCase()}s`;
    });
    return parts.length ? `Kept for other boards, and not applied here: ${parts.join("; ")}.` : "";
  }
}

function daysBetween(from, to) {
  const found = [];
  for (let day = from; day <= to; day = dayAfter(day, 1)) found.push(day);
  return found;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// An element with its attributes and children; text is always text, never markup.
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// The parts of a text in which backticks mark what a reader types.
function coded(text) {
  return text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));
}

function filterBar(choice) {
  const parts = choice.filters.map((name) => (name === "period" ? periodPart(choice) : namesPart(choice, name)));
  const reset = el("button", { type: "button", class: "reset", onclick: () => { choice.clear(); choice.changed(); } }, "Reset");
  const body = el("div", { class: "filter-parts", id: "filter-parts" }, ...parts.map((part) => part.element), reset);
  const summary = el("span", { class: "filter-summary" });
  const elsewhere = el("p", { class: "elsewhere", hidden: true });
  const opener = el("button", { type: "button", class: "filter-opener", "aria-expanded": "false", "aria-controls": "filter-parts",
    onclick: () => opener.setAttribute("aria-expanded", String(bar.classList.toggle("is-open"))) }, el("span", { class: "filter-word" }, "Filters"), summary);
  const bar = el("div", { class: "filters-inner" }, opener, body, elsewhere);
  const show = () => {
    parts.forEach((part) => part.show());
    summary.textContent = choice.text;
    elsewhere.textContent = choice.elsewhereText;
    elsewhere.hidden = !elsewhere.textContent;
    reset.disabled = !choice.isTouched;
  };
  choice.listeners.push(show);
  show();
  return bar;
}

function periodPart(choice) {
  const take = (period) => {
    choice.period = period;
    choice.changed();
  };
  const presets = [...PRESETS, ...DAY_PRESETS].map(([key, label]) =>
    el("button", { type: "button", "data-preset": key, onclick: () => take({ preset: key }) }, label));
  const month = (which, label) => el("select", { "aria-label": label, "data-month": which, onchange: pick },
    ...choice.months.map((value) => el("option", { value }, monthText(value))));
  const pick = () => {
    const [one, other] = [from.value, to.value].sort();
    take({ from: one, to: other });
  };
  const [first, newest] = choice.days ?? [];
  const day = (which, label) => el("input", { type: "date", "aria-label": label, "data-day": which, min: first, max: newest, onchange: pickDays });
  const pickDays = () => {
    const [one, other] = [fromDay.value, toDay.value].map((value) => (value < first ? first : value > newest ? newest : value)).sort();
    if (one && other) take({ fromDay: one, toDay: other });
  };
  const [from, to] = [month("from", "First month"), month("to", "Last month")];
  const [fromDay, toDay] = [day("from", "First day"), day("to", "Last day")];
  const dash = () => el("span", { "aria-hidden": "true" }, "–");
  const [months, days] = [el("div", { class: "months" }, from, dash(), to), el("div", { class: "months" }, fromDay, dash(), toDay)];
  const shown = () => choice.daySpan ?? [`${choice.span[0]}-01`, lastDayOf(choice.span[1])].map((value) => (value < first ? first : value > newest ? newest : value));
  const swap = el("button", { type: "button", class: "swap", onclick: () => {
    const [one, other] = shown();
    take(choice.isOfDays ? { from: one.slice(0, 7), to: other.slice(0, 7) } : { fromDay: one, toDay: other });
  } });
  const element = el("div", { class: "filter period", role: "group", "aria-label": "Period" },
    el("div", { class: "presets" }, ...presets, swap), months, days);
  return {
    element,
    show() {
      for (const button of presets) button.setAttribute("aria-pressed", String(button.dataset.preset === choice.period.preset));
      swap.textContent = choice.isOfDays ? "Months …" : "Days …";
      [months.hidden, days.hidden] = [choice.isOfDays, !choice.isOfDays];
      swap.hidden = !choice.span;
      if (!choice.span) return;
      const [earliest, last] = [choice.months[0], choice.months[choice.months.length - 1]];
      from.value = choice.span[0] < earliest ? earliest : choice.span[0];
      to.value = choice.span[1] < earliest ? earliest : choice.span[1] > last ? last : choice.span[1];
      [fromDay.value, toDay.value] = shown();
    },
  };
}

// A button that opens a list of names with boxes to tick, and a field that narrows the list.
function namesPart(choice, name) {
  const label = FILTER_LABELS[name];
  const textOf = TEXT_OF[name] ?? String;
  const list = el("div", { class: "options", role: "group", "aria-label": label });
  const count = el("p", { class: "options-more", "aria-live": "polite" });
  const search = el("input", { type: "search", placeholder: `Find ${name === "person" ? "people" : `a ${name}`}`, "aria-label": `Find in ${label.toLowerCase()}`, autocomplete: "off", spellcheck: "false", oninput: () => fill() });
  const clear = el("button", { type: "button", class: "quiet", onclick: () => { choice.choose(name, []); choice.changed(); fill(); } }, "Clear");
  const isLong = choice.names[name].length > 8;
  const popover = el("div", { class: "popover", id: `choose-${name}`, hidden: true }, isLong ? search : null, list, count, clear);
  const button = el("button", { type: "button", class: "chooser", "aria-expanded": "false", "aria-controls": `choose-${name}`, onclick: () => open(popover.hidden) });
  const element = el("div", { class: `filter names ${name}` }, button, popover);

  function open(isOpen, isFocusKept = false) {
    popover.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      search.value = "";
      fill();
      (isLong ? search : list.querySelector("input"))?.focus();
    } else if (!isFocusKept) button.focus();
  }
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !popover.hidden) open(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!popover.hidden && !element.contains(event.target)) open(false, true);
  });
  element.addEventListener("focusout", (event) => {
    if (!popover.hidden && event.relatedTarget && !element.contains(event.relatedTarget)) open(false, true);
  });

  function fill() {
    const chosen = new Set(choice.chosen[name]);
    const wanted = search.value.trim().toLowerCase();
    const matching = choice.names[name].filter((value) => !wanted || textOf(value).toLowerCase().includes(wanted));
    const ordered = wanted ? matching : [...matching.filter((value) => chosen.has(value)), ...matching.filter((value) => !chosen.has(value))];
    list.replaceChildren(...ordered.slice(0, OPTIONS_AT_ONCE).map((value) =>
      el("label", {}, el("input", { type: "checkbox", checked: chosen.has(value), value: String(value), onchange: (event) => tick(value, event.target.checked) }), el("span", {}, textOf(value)))));
    const rest = ordered.length - OPTIONS_AT_ONCE;
    count.textContent = !ordered.length ? "No match." : rest > 0 ? `and ${grouping.format(rest)} more: type to find them` : "";
    clear.hidden = !chosen.size;
  }
  function tick(value, isChosen) {
    const chosen = new Set(choice.chosen[name]);
    if (isChosen) chosen.add(value);
    else chosen.delete(value);
    choice.choose(name, choice.names[name].filter((known) => chosen.has(known)));
    clear.hidden = !chosen.size;
    choice.changed();
  }
  return {
    element,
    show() {
      const chosen = choice.chosen[name];
      const shown = !chosen.length ? ALL_OF[name] : chosen.length === 1 ? textOf(chosen[0]) : `${chosen.length} ${name === "person" ? "people" : `${FILTER_LABELS[name].toLowerCase()}s`}`;
      button.replaceChildren(el("span", { class: "chooser-label" }, `${label}: `), el("span", { class: "chooser-value" }, shown));
      button.classList.toggle("is-set", chosen.length > 0);
    },
  };
}
