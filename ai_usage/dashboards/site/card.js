// A card on the page: its question, its answer, and the answer's freshness.

const UNIT = 48; // px of a row of the grid
const AROUND = 132; // px of title, question and foot
const WITHOUT_PICTURE = new Set(["number", "table", "status"]);
const SMALL_SHOWN = 5;
const MANY_POINTS = 500;
const GRAVEST = ["bad", "warn", "none", "good"];

class CardView {
  constructor(card, rows, page) {
    Object.assign(this, { card, rows, page });
    this.isDirty = true;
    this.isSeen = false;
    this.sortedBy = card.sort ?? card.x ?? null;
    this.ranksSmall = false;
    this.colours = null;
    this.build();
  }

  build() {
    const { card } = this;
    const id = `card-${card.name}`;
    this.figure = el("div", { class: "figure" });
    this.key = el("ul", { class: "key", hidden: true, "aria-label": "Colours" });
    this.aside = el("p", { class: "aside", hidden: true });
    this.note = el("p", { class: "note", hidden: true });
    this.tablePlace = el("div", { class: "table-place", id: `${id}-table` });
    this.isTable = card.display === "table" || card.display === "status";
    this.tablePlace.hidden = !this.isTable;
    this.mark = el("p", { class: "freshness" });
    const tools = el("div", { class: "tools" });
    if (!this.isTable && Object.keys(card.dimensions).length) {
      this.opener = el("button", { type: "button", class: "quiet", "aria-expanded": "false", "aria-controls": `${id}-table`, onclick: () => this.openTable(this.tablePlace.hidden) }, "Table");
      tools.append(this.opener);
    }
    tools.append(el("button", { type: "button", class: "quiet", "data-export": "csv", "aria-label": `${card.title}: download CSV`, onclick: () => downloadCsv(this) }, "CSV"));
    tools.append(el("button", { type: "button", class: "quiet", "data-export": "png", "aria-label": `${card.title}: download PNG`, onclick: () => downloadPng(this) }, "PNG"));
    this.element = el("article", { class: `card is-${card.display}`, id, "aria-labelledby": `${id}-title` },
      el("header", {}, el("h3", { id: `${id}-title` }, card.title), tools, el("p", { class: "question" }, card.question)),
      this.key, this.figure, this.aside, this.isTable ? this.tablePlace : null,
      card.caveat ? el("p", { class: "caveat" }, ...coded(card.caveat)) : null, this.note,
      el("footer", {}, this.mark), this.isTable ? null : this.tablePlace);
    const { row, column, width, height } = card.place;
    const place = { "--row": row + 1 - this.page.rowOf(card), "--column": column + 1, "--width": width, "--height": height };
    for (const [name, value] of Object.entries(place)) this.element.style.setProperty(name, value);
    this.pictureHeight = Math.max(170, height * UNIT - AROUND);
    if (!WITHOUT_PICTURE.has(card.display) && !["row", "heatmap"].includes(card.display)) this.figure.style.minHeight = `${this.pictureHeight}px`;
  }

  // The last day of the data, the number of known days if some are unknown, as of when, and whether the provider may still
  // restate any of it, for the chosen months.
  get freshness() {
    const { through, asOf, provisionalFrom, filters } = this.card;
    const months = "period" in filters ? this.page.choice.values.period : null;
    const end = months ? spanOf(this.card, months)[1] : null;
    const partly = this.page.known.missing(this.card, this.page.choice.values);
    const whole = end && through && end < through ? end : through;
    const until = partly?.last && partly.last < whole ? partly.last : whole;
    const isProvisional = Boolean(provisionalFrom) && (!until || provisionalFrom <= until);
    return [
      until ? `Data through ${dayText(until)}` : null,
      this.page.known.text(this.card, this.page.choice.values),
      asOf ? `as of ${nameText(asOf, "instant").replace(` ${(until ?? "").slice(0, 4)},`, ",")}` : null, // the year is shown already
      !until && !asOf ? null : isProvisional ? "provisional" : partly ? "incomplete" : "final",
    ].filter(Boolean);
  }

  get markText() {
    return this.freshness.join(" · ");
  }

  showMark() {
    const notes = this.freshness;
    const state = notes.pop();
    const partly = this.page.known.text(this.card, this.page.choice.values);
    const parts = notes.flatMap((text, at) => [at ? " · " : "", text === partly ? el("strong", { class: "partly" }, text) : text]);
    this.mark.replaceChildren(...(state ? [...parts, "\u00a0· ", explained(state, this.stateText(state))] : []));
  }

  // The meaning of the foot's last word, shown on hover.
  stateText(state) {
    const { provisionalFrom } = this.card;
    if (state === "provisional") return `Provisional: providers may still restate what they billed from ${dayText(provisionalFrom)} on. A day is final when its provider no longer changes it.`;
    if (state === "incomplete") return "Incomplete: some days of this period were never pulled. They are unknown, not zero; `make backfill` pulls them.";
    return "Final: providers no longer change what they billed for these days.";
  }

  openTable(isOpen) {
    this.tablePlace.hidden = !isOpen;
    this.opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.showTable();
  }

  // The lines shown now, in the table's order.
  get lines() {
    return this._lines;
  }

  refresh() {
    this.isDirty = true;
    if (this.isSeen) this.show();
  }

  show() {
    if (!this.isDirty) return;
    this.isDirty = false;
    const { card, rows, page } = this;
    const { values } = page.choice;
    const lines = numbers(card, rows, values);
    if (card.smallest_group) for (const line of lines) line.isSmall = (line.people?.value ?? 0) < card.smallest_group;
    this._lines = this.ordered(lines);
    const measures = Object.keys(card.measures);
    this.isEmpty = !lines.some((line) => measures.some((name) => line[name] !== null && !(line[name].value === 0 && card.measures[name].distinct)));
    this.key.hidden = this.aside.hidden = true;
    this.picture = null;
    if (this.isEmpty) this.showEmpty(this.rows.count ? this.nothingText : card.empty, this.rows.count > 0 && page.choice.isTouched);
    else if (card.display === "number") this.showNumber(values);
    else if (this.isTable) this.figure.replaceChildren();
    else this.showPicture();
    if (!this.tablePlace.hidden || this.isTable) this.showTable();
    this.showNote(values);
    this.showMark();
    if (!this.isEmpty && this.picture) page.draws(this);
    this.element.classList.toggle("is-empty", !this.picture && !WITHOUT_PICTURE.has(card.display));
    this.element.dataset.shown = String(page.turn);
  }

  ordered(lines, key = this.sortedBy) {
    const all = sorted(this.card, lines, key ?? undefined);
    if (this.card.display === "status" && key === this.card.sort) return all.sort((a, b) => GRAVEST.indexOf(stateOf(a)) - GRAVEST.indexOf(stateOf(b)));
    const isRanking = (key ?? "").replace(/^-/, "") in this.card.measures;
    return this.ranksSmall || !isRanking ? all : [...all.filter((line) => !line.isSmall), ...all.filter((line) => line.isSmall)];
  }

  showPicture() {
    const picture = this.framed();
    if (picture.points.some((point) => point.y)) this.picture = picture;
    else this.showEmpty("Every value is zero, so nothing is drawn. The table has the rows.");
  }

  // Why a card with rows shows none.
  get nothingText() {
    const chosen = this.page.choice.textFor(Object.keys(this.card.filters));
    const partly = this.page.known.text(this.card, this.page.choice.values);
    return `None of its ${plural(this.rows.count, "row")} is of ${chosen || "this choice"}${partly ? `, of which ${partly.replace("known", "are known")}` : ""}. Choose another period or other names.`;
  }

  showEmpty(text, isChosen = false) {
    this.made?.finalize();
    this.made = null;
    const { choice } = this.page;
    const reset = isChosen ? el("button", { type: "button", class: "reset", onclick: () => { choice.clear(); choice.changed(); } }, "Reset filters") : null;
    this.figure.replaceChildren(el("p", { class: "empty" }, ...coded(text), ...(reset ? [" ", reset] : [])));
    this.figure.removeAttribute("role");
    this.figure.removeAttribute("aria-label");
  }

  showNumber(values) {
    const { card } = this;
    const [main, ...rest] = this.numberMeasures;
    const line = this._lines[0];
    const [amount, ...words] = this.answer;
    const parts = [el("p", { class: "big", "data-value": line[main] ? exactText(line[main]) : "" }, el("span", { class: "amount" }, amount), ...words.flatMap((text) => [" ", el("span", { class: "answer" }, text)]))];
    const change = this.change(values);
    if (change) parts.push(el("p", { class: "change" }, change));
    const spark = this.spark(main);
    if (spark) parts.push(spark);
    if (rest.length) {
      parts.push(el("dl", { class: "rest" }, ...rest.map((name) => el("div", {}, el("dt", {}, card.measures[name].label), el("dd", { "data-value": line[name] ? exactText(line[name]) : "" }, cellText(line[name], card.measures[name].format))))));
    }
    this.figure.replaceChildren(...parts);
  }

  // The number, and the words that make it an answer: $8,318, under budget (27 %).
  get answer() {
    const { card } = this;
    const cell = this._lines[0][this.numberMeasures[0]];
    const { format } = card.measures[this.numberMeasures[0]];
    if (!card.answer || !cell) return [cellText(cell, format)];
    const { above, below, zero, share_of: of } = card.answer;
    const words = cell.value === 0 ? zero ?? above : cell.value < 0 ? below ?? above : above;
    const whole = of ? this._lines[0][of] : null;
    const share = whole?.value ? ` (${Math.round(Math.abs(cell.value / whole.value) * 100)} %)` : "";
    const isBare = cell.value < 0 && below !== null; // the words show that it is less
    const shown = isBare ? { value: -cell.value, exact: cell.exact === null ? null : -cell.exact, scale: cell.scale } : cell;
    const amount = of && format === "usd" && Math.abs(cell.value) >= 100 ? wholeDollars.format(shown.value).replace("-", "−") : cellText(shown, format);
    return [amount, `${words}${share}`];
  }

  get numberMeasures() {
    const all = Object.keys(this.card.measures);
    const main = this.card.y[0] ?? all[0];
    return [main, ...all.filter((name) => name !== main)];
  }

  // The change compared with the same number of months before. A month in progress is not compared with a whole one.
  change(values) {
    const { card, rows, page } = this;
    if (card.compares !== "previous") return null;
    const before = page.choice.valuesBefore;
    if (!before) return null;
    const [main] = this.numberMeasures;
    const [now, then] = [this._lines[0][main], numbers(card, rows, before)[0][main]];
    const span = spanText(before.period);
    const format = card.measures[main].format;
    if (!then) return `nothing in ${span}`;
    const partly = page.known.text(card, values) ?? page.known.text(card, before);
    if (partly) return `${span}: ${cellText(then, format)}; ${partly}, so they do not compare`;
    if (page.isRunning(values.period)) return `so far; ${span} came to ${cellText(then, format)}`;
    if (!now || !then.value) return `${span}: ${cellText(then, format)}`;
    const change = now.value / then.value - 1;
    if (format === "ratio") {
      const points = (now.value - then.value) * 100;
      return `${points >= 0 ? "▲" : "▼"} ${Math.abs(points).toFixed(1)} points against ${span}`;
    }
    return `${change >= 0 ? "▲" : "▼"} ${percents.format(Math.abs(change))} against ${span}`;
  }

  // The last months of a number as a small line; without words, since the trend has a card of its own.
  spark(measure) {
    const { card, rows, page } = this;
    const column = card.filters.period;
    if (!column || !rows.labels[column] || !/^\d{4}-\d{2}$/.test(String(rows.labels[column].names[1] ?? ""))) return null;
    const { period, ...others } = page.choice.values;
    const lines = sorted(card, numbers(card, rows, others, [column]), column).slice(-12);
    const values = lines.map((line) => line[measure]?.value ?? null).filter((value) => value !== null);
    if (values.length < 3) return null;
    const [low, high] = [Math.min(0, ...values), Math.max(...values)];
    const at = values.map((value, index) => [(index / (values.length - 1)) * 116 + 2, 26 - ((value - low) / (high - low || 1)) * 22]);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 120 28");
    svg.setAttribute("class", "spark");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(svg.namespaceURI, "polyline");
    line.setAttribute("points", at.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" "));
    const dot = document.createElementNS(svg.namespaceURI, "circle");
    const [x, y] = at[at.length - 1];
    for (const [name, value] of [["cx", x], ["cy", y], ["r", 2.4]]) dot.setAttribute(name, value);
    svg.append(line, dot);
    return svg;
  }

  // The lines that are drawn: the top of a ranking, the sum of the rest, and small groups separately.
  framed() {
    const { card, rows } = this;
    this.colours ??= coloured(card, card.series ? numbers(card, rows, {}) : []);
    let lines = this.ordered(this._lines, card.sort ?? card.x);
    const remarks = [];
    if (["row", "heatmap"].includes(card.display) || (card.display === "bar" && !isTime(card.dimensions[card.x].format))) {
      lines = this.topOf(lines, remarks);
    }
    this.aside.hidden = !remarks.length;
    this.aside.replaceChildren(...remarks);
    const [first] = card.y;
    const picture = drawn(card, lines, this.colours, addsUp(card.measures[first]) ? added(card, this._lines)[first]?.value : null);
    markRunning(card, picture, card.through, this.page.known.since(this.page.known.providersOf(card, this.page.choice.values)));
    this.breakAtUnknown(picture);
    if (card.display === "row") picture.rows = new Set(picture.points.map((point) => point.label)).size;
    if (card.display === "heatmap") picture.rows = new Set(picture.points.map((point) => point.name)).size;
    return picture;
  }

  // A line is interrupted at unknown days: its parts are drawn separately.
  breakAtUnknown(picture) {
    const { card, page } = this;
    const format = card.dimensions[card.x]?.format;
    if (!isTime(format)) return;
    const breaks = page.known.breaks(picture.points.map((point) => point.x), format, page.known.providersOf(card, page.choice.values));
    picture.isBroken = breaks.length > 0;
    for (const point of [...picture.points, ...(picture.band ?? [])]) point.part = point.isRunning ? `running ${point.x}` : breaks.filter((x) => x < point.x).length;
  }

  topOf(lines, remarks) {
    const { card } = this;
    const by = card.display === "heatmap" ? card.series : card.x;
    const isRanking = (card.sort ?? "").replace(/^-/, "") in card.measures;
    const isApart = (line) => line.isSmall && isRanking && !this.ranksSmall;
    const ranked = [...new Set(lines.filter((line) => !isApart(line)).map((line) => line[by]))];
    const small = [...new Set(lines.filter(isApart).map((line) => line[by]))].filter((name) => !ranked.includes(name));
    if (isRanking) this.byTotal(ranked, lines, by);
    const top = ranked.slice(0, card.top ?? (card.display === "heatmap" ? 20 : 15));
    const rest = ranked.slice(top.length);
    const shownSmall = small.slice(0, SMALL_SHOWN);
    const order = new Map([...top, ...shownSmall].map((name, at) => [name, at]));
    const kept = lines.filter((line) => order.has(line[by])).sort((a, b) => order.get(a[by]) - order.get(b[by]));
    if (rest.length) {
      const isOut = new Set(rest);
      const others = added(card, lines.filter((line) => isOut.has(line[by])));
      if (others[card.y[0]] && !card.series && card.display !== "heatmap") {
        const at = kept.findIndex((line) => line.isSmall);
        kept.splice(at < 0 ? kept.length : at, 0, { ...others, [by]: `${OTHER} (${grouping.format(rest.length)})`, isSmall: false, isRest: true });
      } else remarks.push(`${grouping.format(rest.length)} more in the table. `);
    }
    if (small.length || (this.ranksSmall && isRanking)) {
      const text = this.ranksSmall ? "Groups of any size are ranked. " : `${plural(small.length, "group")} of fewer than ${card.smallest_group} people ${small.length === 1 ? "is" : "are"} not ranked${small.length > SMALL_SHOWN ? `; ${SMALL_SHOWN} of them are` : ""}, shown paler at the end. `;
      remarks.push(text, el("button", { type: "button", class: "quiet", onclick: () => { this.ranksSmall = !this.ranksSmall; this.refresh(); } }, this.ranksSmall ? "Set small groups apart" : "Rank all groups"));
    }
    return kept;
  }

  byTotal(names, lines, by) {
    const total = new Map();
    for (const line of lines) total.set(line[by], (total.get(line[by]) ?? 0) + (line[this.card.y[0]]?.value ?? 0));
    const sign = this.card.sort.startsWith("-") ? 1 : -1;
    names.sort((a, b) => sign * (total.get(b) - total.get(a)));
  }

  get height() {
    const { card, picture } = this;
    if (card.display === "row") return picture.rows * Math.min(42, Math.max(28, this.pictureHeight / picture.rows)) + 6;
    if (card.display === "heatmap") return Math.max(120, picture.rows * 28 + 34);
    return this.pictureHeight;
  }

  async draw() {
    const { picture, page } = this;
    const width = Math.floor(this.figure.clientWidth);
    if (!picture || !width) return;
    this.drawnAt = `${width} ${page.theme}`;
    this.showKey(picture);
    const holder = el("div", { class: "picture", "aria-hidden": "true" }); // the figure around it has a description in words
    const spec = pictureSpec(this.card, picture, { width, height: this.height, theme: page.theme });
    const renderer = picture.points?.length > MANY_POINTS ? "canvas" : "svg"; // an element a point takes its time
    const made = await embedded(spec, holder, renderer);
    this.made?.finalize();
    this.made = made;
    if (this.picture !== picture) return; // chosen anew meanwhile
    this.figure.replaceChildren(holder);
    this.figure.setAttribute("role", "img");
    this.figure.setAttribute("aria-label", pictureText(this.card, picture));
  }

  showKey(picture) {
    const isNeeded = this.card.display !== "heatmap" && (picture.names.length > 1 || (this.card.series && picture.names.length === 1));
    this.key.hidden = !isNeeded;
    if (!isNeeded) return;
    const colours = keyOf(this.card, picture, INK[this.page.theme]);
    this.key.replaceChildren(...colours.map(([name, colour, kind]) => {
      const swatch = el("span", { class: `swatch ${kind}`, "aria-hidden": "true" });
      swatch.style.setProperty("--colour", colour);
      return el("li", {}, swatch, name);
    }));
  }

  showTable() {
    const { card } = this;
    const sort = (key) => {
      this.sortedBy = key;
      this._lines = this.ordered(this._lines);
      this.showTable();
      this.tablePlace.querySelector("th[aria-sort] button")?.focus();
    };
    if (this.isEmpty) this.tablePlace.replaceChildren();
    else this.tablePlace.replaceChildren(tableOf(card, this._lines, { sortedBy: this.sortedBy, onSort: sort, caption: card.title }));
  }

  // The active filters that do not change this card, and why.
  showNote(values) {
    const { card, page } = this;
    const idle = page.choice.filters.filter((name) => values[name] && !(name in card.filters) && !(name === "period" && page.choice.isUsualPeriod)).map((name) => FILTER_LABELS[name].toLowerCase());
    const names = idle.length > 1 ? `${idle.slice(0, -1).join(", ")} and ${idle[idle.length - 1]}` : idle[0];
    const notes = idle.length ? [`Not filtered by ${names}${card.unfiltered ? `: ${card.unfiltered}` : "."}`] : [];
    if (page.choice.isOfDays && "period" in card.filters && !card.hasDays) notes.push(`Counts whole months, ${page.choice.monthsText}: these figures are kept by month, not by day.`);
    this.note.hidden = !notes.length;
    this.note.textContent = notes.join(" ");
  }
}

function keyOf(card, picture, ink) {
  const colours = rangeOf(picture, ink);
  const found = picture.names.map((name, at) => [name, colours[at], "block"]);
  if (card.display === "combo") {
    if (!card.series) return found.map(([name], at) => [name, at ? ink.series[at % 6] : colours[0], at ? "stroke" : "block"]);
    card.y.slice(1).forEach((measure, at) => found.push([card.measures[measure].label, at ? ink.quiet : ink.text, "stroke"]));
  }
  if (card.display === "row" && !card.series) return picture.names.map((name, at) => [name, at ? ink.text : ink.accent, at ? "tick" : "block"]);
  return card.display === "line" || card.display === "band" ? found.map(([name, colour]) => [name, colour, "stroke"]) : found;
}

function spanText(months) {
  const [from, to] = [months[0], months[months.length - 1]];
  return from === to ? monthText(to) : `${monthText(from)} to ${monthText(to)}`;
}

// Vega, held as text until the numbers stand.

let vegaIsThere = false;

function loadVega() {
  if (vegaIsThere) return;
  vegaIsThere = true;
  const script = el("script");
  script.textContent = document.getElementById("vega").textContent;
  document.head.append(script);
}

function embedded(spec, holder, renderer) {
  loadVega();
  return window.vegaEmbed(holder, spec, { actions: false, defaultStyle: false, renderer, tooltip, logLevel: 0 });
}

// A word with its meaning in a bubble: on hover, on focus, and read out.
function explained(word, meaning) {
  const show = (event) => {
    const { left, bottom } = made.getBoundingClientRect();
    tooltip(null, { clientX: event.clientX || left, clientY: event.clientY || bottom - 12 }, null, meaning);
  };
  const hide = () => tooltip(null, null, null, "");
  const made = el("button", { type: "button", class: `state ${word}`, "aria-label": meaning, onmouseenter: show, onfocus: show, onclick: show, onmouseleave: hide, onblur: hide }, word);
  return made;
}

const bubble = el("div", { class: "bubble", hidden: true });

function tooltip(_, event, __, value) {
  bubble.hidden = !value;
  if (!value) return;
  if (!bubble.isConnected) document.body.append(bubble);
  const [head, ...rest] = String(value).split("\n");
  bubble.replaceChildren(el("strong", {}, head), ...rest.map((line) => el("span", {}, line)));
  const { innerWidth } = window;
  bubble.style.left = `${Math.min(event.clientX + 14, innerWidth - bubble.offsetWidth - 12)}px`;
  bubble.style.top = `${event.clientY + 16}px`;
}
