// The table under every card, and its CSV: the same lines, the same columns, the same order.

const ROWS_AT_ONCE = 100;
const LONG = 160; // characters of a text that opens when its row is hovered over, or it has the focus

const names = new Intl.Collator("en", { numeric: true });

// Names as people order them: 8-14 before 15-21.
function inOrder(one, other) {
  return names.compare(String(one), String(other));
}

// Lines in the card's own order: its `sort`, else along x.
function sorted(card, lines, key = card.sort ?? card.x ?? Object.keys(card.dimensions)[0]) {
  if (!key) return lines;
  const name = key.replace(/^-/, "");
  const sign = key.startsWith("-") ? -1 : 1;
  const isMeasure = name in card.measures;
  const rest = Object.keys(card.dimensions).filter((dimension) => dimension !== name);
  return [...lines].sort((a, b) => {
    const [one, other] = isMeasure ? [a[name]?.value ?? null, b[name]?.value ?? null] : [a[name], b[name]];
    if (one === null || other === null) {
      if (one !== other) return one === null ? 1 : -1; // null is last in both directions
    } else if (one !== other) return (isMeasure ? one - other : inOrder(one, other)) * sign;
    for (const dimension of rest) if (a[dimension] !== b[dimension]) return inOrder(a[dimension], b[dimension]);
    return 0;
  });
}

function columnsOf(card) {
  return [
    ...Object.entries(card.dimensions).map(([name, of]) => ({ name, ...of, isMeasure: false })),
    ...Object.entries(card.measures).map(([name, of]) => ({ name, label: of.label, format: of.format, isMeasure: true })),
  ];
}

// Every digit, for CSV and for the table's data-value.
function exactCell(line, column) {
  const value = line[column.name];
  if (value === null || value === undefined) return "";
  return column.isMeasure ? exactText(value) : String(value);
}

// No spreadsheet runs a name: an apostrophe stands before what would be a formula, wherever cells may be parted
// (German Excel does at `;`).
function harmless(text) {
  const inside = text.replace(/([;\t|\r\n][\s"']*)(?=[=+\-@＝＋－＠])/g, "$1'");
  return /^(?:[\s"']*[=+\-@＝＋－＠]|[\t\r\n])/.test(inside) ? `'${inside}` : inside;
}

// Only a header and its lines: the file's name shows that data is simulated.
function csvText(card, lines) {
  const columns = columnsOf(card);
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const safe = (column, text) => (column.isMeasure ? text : harmless(text));
  const rows = lines.map((line) => columns.map((column) => quoted(safe(column, exactCell(line, column)))).join(","));
  return [columns.map((column) => quoted(column.label)).join(","), ...rows].join("\r\n") + "\r\n";
}

// A table of lines. `small` marks groups too small to be ranked.
function tableOf(card, lines, { sortedBy, onSort, caption }) {
  const columns = columnsOf(card);
  const body = el("tbody");
  const decimals = Object.fromEntries(columns.map(({ name, isMeasure }) => [name, isMeasure ? decimalsOf(lines.map((line) => line[name])) : 0]));
  let shown = 0;
  const count = el("span");
  const more = el("button", { type: "button", class: "quiet more", onclick: () => show() });
  const show = () => {
    body.append(...lines.slice(shown, shown + ROWS_AT_ONCE).map((line) => rowOf(card, columns, line, decimals)));
    shown = Math.min(lines.length, shown + ROWS_AT_ONCE);
    more.hidden = shown >= lines.length;
    count.textContent = shown < lines.length ? `${grouping.format(shown)} of ${plural(lines.length, "row")}` : plural(lines.length, "row");
    more.textContent = `Show ${grouping.format(Math.min(ROWS_AT_ONCE, lines.length - shown))} more`;
  };
  const heads = columns.map((column) => {
    const by = sortedBy?.replace(/^-/, "") === column.name ? (sortedBy.startsWith("-") ? "descending" : "ascending") : null;
    const next = by === "descending" ? column.name : by === "ascending" ? `-${column.name}` : column.isMeasure ? `-${column.name}` : column.name;
    return el("th", { scope: "col", class: column.isMeasure ? "number" : null, "aria-sort": by }, el("button", { type: "button", "data-sort": next, onclick: () => onSort(next) }, column.label));
  });
  const scroller = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": `${caption}: table` },
    el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body));
  show();
  return el("div", { class: `table${columns.length > 3 ? " is-wide" : ""}` }, scroller, el("p", { class: "row-count" }, count, " ", more));
}

// Words that are a result, and their columns. The word is always shown beside the color.
const MARKS = { passed: "good", final: "good", closed: "good", warned: "warn", provisional: "warn", open: "warn", failed: "bad", "not evaluated": "none" };
const TIMES = new Set(["date", "month", "instant"]);
const MARKED = new Set(["result", "status"]);

function stateOf(line) {
  if (line.failed?.value) return "bad";
  if (line.warned?.value) return "warn";
  return line.not_evaluated?.value && !line.passed?.value ? "none" : "good";
}

function rowOf(card, columns, line, decimals) {
  const cells = columns.map((column, at) => {
    const value = exactCell(line, column);
    const text = column.isMeasure ? cellText(line[column.name], column.format, decimals[column.name]) : nameText(line[column.name], column.format);
    const attributes = { class: column.isMeasure ? "number" : TIMES.has(column.format) ? "time" : null, "data-value": value, "data-label": column.label, title: column.format === "words" ? value : null };
    if (at === 0 && !column.isMeasure) return el("th", { scope: "row", ...attributes }, card.display === "status" ? el("span", { class: `mark ${stateOf(line)}` }, text) : text, line.isSmall ? el("span", { class: "small-group" }, ` fewer than ${card.smallest_group} people`) : null);
    const mark = MARKED.has(column.name) ? MARKS[text.toLowerCase()] : null;
    const isLong = text.length > LONG;
    return el("td", attributes, mark ? el("span", { class: `mark ${mark}` }, text) : isLong ? el("span", { class: "clamped", tabindex: "0" }, text) : text);
  });
  return el("tr", { class: line.isSmall ? "is-small" : null }, ...cells);
}
