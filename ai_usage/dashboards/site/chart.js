// A card's lines as a Vega-Lite picture. Colours belong to names, not to ranks: a filter never recolours a chart.

const INK = {
  light: {
    text: "#1c1b19", quiet: "#5f5b53", rule: "#e4e0d8", paper: "#ffffff", accent: "#4f43dd", faint: "#c9c5bc",
    series: ["#4f43dd", "#d0680d", "#0e8074", "#b3357f", "#8a6a00", "#2a78b8", "#5b8c2a", "#a34a2c", "#5f6f80", "#a05fc4", "#1f8fa8", "#c0566b"],
    heat: ["#eeecfb", "#4f43dd"], good: "#3c8f68", warn: "#d99a1c", bad: "#b3261e",
  },
  dark: {
    text: "#f0eee9", quiet: "#aaa69d", rule: "#34353a", paper: "#1b1c20", accent: "#a39bff", faint: "#55565c",
    series: ["#a39bff", "#f3a055", "#3fbfae", "#ee86c0", "#d8ba45", "#6db5ea", "#9ccc65", "#e58f6f", "#a7b4c2", "#cf9be8", "#67cfe3", "#f293a5"],
    heat: ["#26263a", "#a39bff"], good: "#4fae83", warn: "#e2b65a", bad: "#ff7a6e",
  },
};
const FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const OTHER = "Other";
const MOST_SERIES = 6;

function isTime(format) {
  return format === "month" || format === "date";
}

// Which colours belong to which names on every board: providers and platforms have theirs from the platform's own list.
let COLOURS = {};

// Which names get which colour, from all rows there are: those with a colour of their own, then the greatest, at most six.
// null is grey. A filter changes no colour.
function coloured(card, everything) {
  if (!card.series) return new Map();
  const total = new Map();
  for (const line of everything) {
    const cell = line[card.y[0]];
    total.set(line[card.series], (total.get(line[card.series]) ?? 0) + Math.abs(cell?.value ?? 0));
  }
  const names = [...total.keys()].filter((name) => name !== null).sort((a, b) => total.get(b) - total.get(a));
  const kept = names.length > MOST_SERIES ? names.slice(0, MOST_SERIES - 1) : names;
  const found = new Map();
  const taken = new Set();
  const give = (name, at) => { found.set(name, at); taken.add(at); };
  for (const name of kept) if (Object.hasOwn(COLOURS, name) && !taken.has(COLOURS[name])) give(name, COLOURS[name]);
  for (const name of kept) if (!found.has(name)) give(name, INK.light.series.findIndex((_, at) => !taken.has(at)));
  return new Map(kept.map((name) => [name, found.get(name)]));
}

// What is drawn: points {x, y, name, low, high, size, label, tip}, and the names in the order of their colours.
function drawn(card, lines, own, whole = null) {
  if (card.display === "scatter") return drawnPoints(card, lines);
  const format = card.dimensions[card.x]?.format;
  const points = [];
  if (card.series && card.display !== "heatmap") {
    const at = new Map();
    for (const line of lines) {
      const cell = line[card.y[0]];
      if (!cell) continue;
      const name = line[card.series] === null ? "none" : own.has(line[card.series]) ? nameText(line[card.series], card.dimensions[card.series].format) : OTHER;
      const key = `${line[card.x]}\n${name}`;
      const known = at.get(key);
      if (known) known.y += cell.value;
      else {
        const point = { x: line[card.x], y: cell.value, name, measure: card.y[0] };
        at.set(key, point);
        points.push(point);
      }
    }
    const names = [...own.keys()].map((name) => nameText(name, card.dimensions[card.series].format));
    for (const extra of [OTHER, "none"]) if (points.some((point) => point.name === extra)) names.push(extra);
    const shown = names.filter((name) => points.some((point) => point.name === name && point.y)); // the rest is zero throughout
    for (const measure of card.y.slice(1)) points.push(...pointsOf(card, lines, measure));
    const colours = new Map([...own].map(([name, at]) => [nameText(name, card.dimensions[card.series].format), at]));
    return { points: tipped(card, points, format, whole), names: shown, colours };
  }
  for (const measure of card.y) points.push(...pointsOf(card, lines, measure));
  const names = card.y.map((measure) => card.measures[measure].label).filter((name) => card.display === "heatmap" || points.some((point) => point.name === name));
  return { points: tipped(card, points, format, whole), names, whole, band: card.display === "band" ? bandOf(card, lines, format) : [] };
}

// One measure's points; over a series they are one line all the same, the first value of each x.
function pointsOf(card, lines, measure) {
  const seen = new Set();
  const found = [];
  for (const line of lines) {
    const cell = line[measure];
    if (!cell || (card.series && card.display !== "heatmap" && seen.has(line[card.x]))) continue;
    seen.add(line[card.x]);
    const point = { x: line[card.x], y: cell.value, name: card.measures[measure].label, measure, isSmall: line.isSmall, isRest: line.isRest };
    if (card.display === "heatmap") point.name = nameText(line[card.series], card.dimensions[card.series].format);
    found.push(point);
  }
  return found;
}

// Where both ends of an interval are known.
function bandOf(card, lines, format) {
  return lines.filter((line) => line[card.low] && line[card.high]).map((line) => {
    const [low, high] = [line[card.low].value, line[card.high].value];
    const shown = [card.low, card.high].map((name) => cellText(line[name], card.measures[name].format));
    return { x: line[card.x], label: nameText(line[card.x], format), low, high, day: dayOf(line[card.x], format), tip: `${nameText(line[card.x], format)}\n${shown.join(" to ")}` };
  });
}

function dayOf(name, format) {
  return format === "date" && name !== null ? Date.parse(`${name}T00:00:00Z`) : undefined;
}

function tipped(card, points, format, whole) {
  const totals = totalsOf(card, points);
  const isRanking = card.display === "row" && !card.series && whole > 0;
  for (const point of points) {
    const shown = (value) => cellText({ value, exact: null }, card.measures[point.measure].format);
    point.label = isTime(format) ? point.x : nameText(point.x, format);
    const total = totals.get(`${point.measure}\n${point.x}`);
    const share = isRanking && point.measure === card.y[0] ? ` (${percents.format(point.y / whole)} of ${shown(whole)})` : "";
    point.tip = `${nameText(point.x, format)}\n${point.name}: ${shown(point.y)}${share}${total === undefined ? "" : `\nTotal: ${shown(total)}`}`;
    point.day = dayOf(point.x, format);
  }
  return points;
}

// The sums of stacked parts, by measure and x.
function totalsOf(card, points) {
  const found = new Map();
  if (!card.series || card.display === "heatmap" || !addsUp(card.measures[card.y[0]])) return found;
  for (const point of points.filter((one) => one.measure === card.y[0])) {
    const key = `${point.measure}\n${point.x}`;
    found.set(key, (found.get(key) ?? 0) + point.y);
  }
  return found;
}

// Marks the points of a month or week of which only a part is known: the one in progress, and the first one if the known
// days begin within it.
function markRunning(card, picture, through, since = null) {
  const format = card.dimensions[card.x]?.format;
  if (!isTime(format) || !through || card.display === "heatmap") return;
  const days = [...new Set(picture.points.map((point) => point.day))].sort((a, b) => a - b);
  const step = format === "date" ? Math.min(...days.slice(1).map((day, at) => day - days[at]), Infinity) : 0;
  if (format === "date" && !(step >= 7 * DAY_MS)) return; // a day is over, or it is not there
  for (const point of picture.points) {
    const end = format === "month" ? lastDayOf(point.x) : new Date(point.day + 6 * DAY_MS).toISOString().slice(0, 10);
    point.isRunning = end > through && card.y.slice(1).every((name) => name !== point.measure || card.display === "line");
    if (point.isRunning) point.tip += `\nSo far, through ${dayText(through)}`;
    const start = format === "month" ? `${point.x}-01` : point.x;
    if (!since || !(start < since && since <= end) || card.y.slice(1).some((name) => name === point.measure && card.display !== "line")) continue;
    point.isRunning = true;
    point.tip += `\nKnown from ${dayText(since)} on`;
  }
  picture.isRunning = picture.points.some((point) => point.isRunning);
}

function drawnPoints(card, lines) {
  const [x, y] = [card.x, card.y[0]];
  const points = [];
  for (const line of lines) {
    if (!line[x] || !line[y]) continue;
    const named = card.label ? nameText(line[card.label], card.dimensions[card.label].format) : "";
    const details = [x, y, card.size].filter(Boolean).map((name) => `${card.measures[name].label}: ${cellText(line[name], card.measures[name].format)}`);
    points.push({
      x: line[x].value, y: line[y].value, label: named, size: card.size ? line[card.size]?.value ?? 0 : 1,
      name: card.series ? nameText(line[card.series], card.dimensions[card.series].format) : "", tip: [named, ...details].filter(Boolean).join("\n"),
    });
  }
  const names = card.series ? [...new Set(points.map((point) => point.name))].sort().slice(0, MOST_SERIES) : [];
  return { points, names };
}

function rangeOf(picture, ink) {
  if (picture.names.length && picture.names.every((name) => Object.hasOwn(RESULTS, name))) return picture.names.map((name) => ink[RESULTS[name]]);
  return picture.names.map((name, at) => (name === OTHER || name === "none" ? ink.faint : ink.series[(picture.colours?.get(name) ?? at) % ink.series.length]));
}

const RESULTS = { passed: "good", warned: "warn", failed: "bad", "not evaluated": "faint" };

// Vega looks names up in plain objects: a team called `constructor` would find a built-in property, and the picture
// would be blank. No property begins with a zero-width space.
const marked = (name) => `\u200b${name}`;

function withMarkedNames(card, picture) {
  const isPeriod = isTime(card.dimensions[card.x]?.format); // read by the axis
  const point = (of) => ({ ...of, label: isPeriod ? of.label : marked(of.label), name: marked(of.name) });
  return { ...picture, points: picture.points.map(point), names: picture.names.map(marked), band: (picture.band ?? []).map((of) => ({ ...of, label: isPeriod ? of.label : marked(of.label) })) };
}

function pictureSpec(card, plain, { width, height, theme }) {
  const ink = INK[theme];
  const colours = rangeOf(plain, ink);
  const picture = withMarkedNames(card, plain);
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width, height, background: null, padding: 0, autosize: { type: "fit", contains: "padding" },
    data: { values: picture.points },
    config: configOf(ink),
  };
  const color = { field: "name", type: "nominal", scale: { domain: picture.names, range: colours }, legend: null };
  const make = { line: lineLayers, area: areaLayers, bar: barLayers, combo: comboLayers, band: bandLayers, row: rowLayers, heatmap: heatLayers, scatter: scatterLayers }[card.display];
  return Object.assign(spec, make(card, picture, { color, ink, width, height }));
}

function configOf(ink) {
  return {
    font: FONT,
    view: { stroke: null },
    axis: { labelColor: ink.quiet, titleColor: ink.quiet, labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: "normal", labelFont: FONT, titleFont: FONT,
      gridColor: ink.rule, gridWidth: 1, domain: false, ticks: false, labelPadding: 7, tickCount: 4 },
    axisX: { grid: false, labelFlush: false },
    text: { font: FONT, fontSize: 12, color: ink.text },
  };
}

// The axes.

// `datum.label` has as many decimals as the step between two ticks needs, on all of them.
const TICKS = { usd: "$,f", usd_fine: "$,f", ratio: "%", other: ",f" };
const SHOWN_VALUE = {
  usd: "abs(datum.value) < 1000 ? datum.label : replace(format(datum.value, '$.3~s'), 'G', 'bn')",
  usd_fine: "datum.label",
  ratio: "datum.label",
  other: "abs(datum.value) < 1000 ? datum.label : replace(format(datum.value, '.3~s'), 'G', 'bn')",
};
const SHOWN_MONTH = `[['${MONTHS.join("','")}'][toNumber(slice(datum.value, 5, 7)) - 1], datum.index === 0 || slice(datum.value, 5, 7) === '01' ? slice(datum.value, 0, 4) : '']`;

function valueAxis(format, more = {}) {
  return { title: null, format: TICKS[format] ?? TICKS.other, labelExpr: SHOWN_VALUE[format] ?? SHOWN_VALUE.other, ...more };
}

function xOf(card, picture, isBand, width = 0) {
  const format = card.dimensions[card.x].format;
  const days = [...new Set(picture.points.map((point) => point.day))].sort((a, b) => a - b);
  const isOfWeeks = days.length > 1 && days.slice(1).every((day, at) => day - days[at] >= 7 * DAY_MS);
  const each = Math.ceil(days.length / Math.max(2, Math.floor((width || 400) / 90)));
  const ticks = isOfWeeks ? { values: days.filter((_, at) => at % each === 0) } : { tickCount: 6 }; // a week is named by its own first day
  if (format === "date") return { field: "day", type: "temporal", scale: { type: "utc", padding: isBand ? barOf(picture, width) / 2 + 1 : 0 }, axis: { title: null, format: "%-d %b", ...ticks, labelOverlap: true, labelFlush: true } };
  const domain = [...new Set([...picture.points, ...(picture.band ?? [])].map((point) => point.x))];
  if (format === "month") {
    domain.sort();
    return { field: "x", type: "ordinal", sort: domain, scale: isBand ? { paddingInner: 0.3, paddingOuter: 0.15 } : { type: "point", padding: 0.15 },
      axis: { title: null, labelExpr: SHOWN_MONTH, labelAngle: 0, labelOverlap: true } };
  }
  return { field: "label", type: "ordinal", sort: null, axis: { title: null, labelAngle: 0, labelOverlap: true, labelLimit: 110 } };
}

function yOf(card, more = {}) {
  const { format } = card.measures[card.y[0]];
  return { field: "y", type: "quantitative", axis: valueAxis(format), ...more };
}

const part = { detail: { field: "part", type: "nominal" } }; // a line ends where days are unknown, and begins anew after them
const tip = { tooltip: { field: "tip", type: "nominal" } };

// The displays.

function lineLayers(card, picture, { color }) {
  const x = xOf(card, picture, false);
  const y = yOf(card, { scale: { zero: card.measures[card.y[0]].format !== "ratio", nice: true } });
  return {
    encoding: { x, y, color, ...part },
    layer: [
      { mark: { type: "line", strokeWidth: 2.25, strokeCap: "round", strokeJoin: "round" } },
      { mark: { type: "point", filled: true, size: 26, opacity: 1 }, transform: [{ filter: `!datum.isRunning && (${picture.isBroken ? "true" : lastOnly(picture, card)})` }] },
      hollow(),
      { mark: { type: "point", filled: true, size: 260, opacity: 0 }, encoding: tip },
    ],
  };
}

// A point of a period in progress is separate from the line, since it is not a drop.
function hollow(more = {}) {
  return { mark: { type: "point", filled: false, size: 60, strokeWidth: 2, strokeDash: [2.5, 2], opacity: 1 }, transform: [{ filter: "datum.isRunning" }], encoding: more };
}

function lastOnly(picture, card) {
  const xs = new Set(picture.points.map((point) => point.x));
  if (xs.size <= 2) return "true";
  return `datum.x === '${[...xs].sort().pop()}'`;
}

function areaLayers(card, picture, look) {
  if (picture.isBroken || picture.isRunning || new Set(picture.points.map((point) => point.x)).size < 4) return barLayers(card, picture, look);
  const x = xOf(card, picture, false);
  const order = picture.names;
  for (const point of picture.points) point.order = order.indexOf(point.name);
  return {
    encoding: { x, y: yOf(card, { stack: "zero" }), color: look.color, order: { field: "order", type: "quantitative" } },
    layer: [
      { mark: { type: "area", fillOpacity: 0.88, line: false, stroke: look.ink.paper, strokeWidth: 1 } },
      { mark: { type: "point", filled: true, size: 260, opacity: 0 }, encoding: { ...tip, y: yOf(card, { stack: "zero" }) } },
    ],
  };
}

function barLayers(card, picture, { color, ink, width }) {
  const x = xOf(card, picture, true, width);
  const isGrouped = (!card.series && card.y.length > 1) || (picture.names.length > 1 && !addsUp(card.measures[card.y[0]])); // what does not add up is not stacked
  for (const point of picture.points) point.order = picture.names.indexOf(point.name);
  const mark = { type: "bar", stroke: ink.paper, strokeWidth: picture.names.length > 1 && !isGrouped ? 1 : 0 };
  if (x.type === "temporal") mark.size = barOf(picture, width);
  if (mark.size < 5) mark.strokeWidth = 0; // a line between colours would take them away
  else if (new Set(picture.points.map((point) => point.x)).size < 5 && !isGrouped) mark.size = Math.min(64, width / 8);
  const encoding = { x, y: yOf(card, isGrouped ? { stack: null } : {}), color, order: { field: "order", type: "quantitative" }, ...tip };
  if (isGrouped) encoding.xOffset = { field: "name", sort: picture.names };
  const bars = { mark, encoding };
  const over = { mark: { ...mark, opacity: 0 }, encoding }; // takes the pointer that stripes would
  return picture.isRunning ? { layer: [bars, stripes(card, picture, { isGrouped, mark, x, ink }), over] } : bars;
}

const STRIPES = 36; // over the highest bar

// Stripes in the color of the paper hatch the bars of a period that still runs; Vega has no patterns of its own.
function stripes(card, picture, { isGrouped, mark, x, ink }) {
  const bars = new Map();
  for (const point of picture.points) {
    const key = isGrouped ? `${point.x}\n${point.name}` : point.x;
    bars.set(key, { ...point, top: (bars.get(key)?.top ?? 0) + Math.max(0, point.y) });
  }
  const step = Math.max(0, ...[...bars.values()].map((bar) => bar.top)) / STRIPES || 1;
  const striped = (bar) => Array.from({ length: Math.round(bar.top / step) }, (_, at) => ({ ...bar, y: (at + 0.3) * step, end: (at + 0.7) * step }));
  const values = [...bars.values()].filter((bar) => bar.isRunning).flatMap(striped);
  const encoding = { x, y: yOf(card, { stack: null }), y2: { field: "end" } };
  if (isGrouped) encoding.xOffset = { field: "name", sort: picture.names };
  return { data: { values }, mark: { type: "bar", color: ink.paper, opacity: 0.75, ...(mark.size ? { size: mark.size } : {}) }, encoding };
}

// How wide a bar may be where days, or weeks, stand side by side.
function barOf(picture, width) {
  const days = [...new Set(picture.points.map((point) => point.day))].sort((a, b) => a - b);
  const steps = days.slice(1).map((day, at) => day - days[at]);
  const across = days.length > 1 ? (days[days.length - 1] - days[0]) / Math.min(...steps) + 1 : 1;
  const room = (width - 60) / across;
  return Math.min(64, Math.max(1, room < 5 ? room : room * 0.8));
}

function comboLayers(card, picture, look) {
  const [first, ...rest] = card.y;
  const isAlike = rest.every((measure) => card.measures[measure].format === card.measures[first].format);
  const x = xOf(card, picture, true, look.width);
  const bars = barLayers({ ...card, y: [first] }, { ...picture, points: picture.points.filter((point) => point.measure === first) }, look);
  const lines = rest.map((measure, at) => {
    const y = { field: "y", type: "quantitative", axis: valueAxis(card.measures[measure].format, isAlike ? {} : { orient: "right", grid: false }) };
    const stroke = card.series ? (at ? look.ink.quiet : look.ink.text) : look.ink.series[(at + 1) % 6];
    return {
      transform: [{ filter: `datum.measure === '${measure}'` }],
      encoding: { x, y, ...part },
      layer: [
        { mark: { type: "line", color: stroke, strokeWidth: 2, strokeDash: card.series || at ? [5, 4] : [] } },
        { mark: { type: "point", filled: true, color: stroke, size: 46 }, encoding: tip },
      ],
    };
  });
  return {
    layer: [{ transform: [{ filter: `datum.measure === '${first}'` }], ...bars }, ...lines],
    resolve: { scale: { y: isAlike ? "shared" : "independent" } },
  };
}

function bandLayers(card, picture, { color, ink }) {
  const x = xOf(card, picture, false);
  const data = { values: picture.band };
  const y = { field: "low", type: "quantitative", axis: valueAxis(card.measures[card.y[0]].format) };
  return {
    encoding: { x },
    layer: [
      { data, mark: { type: "area", color: ink.accent, opacity: 0.16 }, encoding: { y, y2: { field: "high" }, ...part } },
      { data, mark: { type: "rule", color: ink.accent, opacity: 0.3, strokeWidth: 2 }, encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" }, ...tip } },
      { mark: { type: "line", strokeWidth: 2.25, strokeCap: "round" }, encoding: { y: yOf(card), color, ...part } },
      { mark: { type: "point", filled: true, size: picture.points.length > 40 ? 0 : 30, opacity: 1 }, transform: [{ filter: "!datum.isRunning" }], encoding: { y: yOf(card), color } },
      hollow({ y: yOf(card), color }),
      { mark: { type: "point", filled: true, size: 260, opacity: 0 }, encoding: { y: yOf(card), color, ...tip } },
    ],
  };
}

function rowLayers(card, picture, { color, ink, width }) {
  const { format } = card.measures[card.y[0]];
  const first = picture.points.filter((point) => point.measure === card.y[0]);
  const names = [...new Set(first.map((point) => point.label))];
  const total = new Map();
  for (const point of first) total.set(point.label, (total.get(point.label) ?? 0) + point.y);
  const inShort = shortly([...total.values()], format);
  const share = (value) => (card.shares && picture.whole > 0 ? `${percents.format(value / picture.whole)} · ` : "");
  const ends = names.map((label) => ({ label, y: total.get(label), text: `${share(total.get(label))}${inShort(total.get(label))}` }));
  const isWide = width > 420;
  const limit = isWide ? Math.min(210, width * 0.34) : 112;
  const y = { field: "label", type: "ordinal", sort: names, scale: { paddingInner: 0.34, paddingOuter: 0.1 },
    axis: { title: null, labelLimit: limit, labelColor: ink.text, labelFontSize: 12.5, labelPadding: 8, minExtent: 20 } };
  const room = 7.2 * Math.max(...ends.map((end) => end.text.length)) + 14; // px of the longest text after a bar
  const most = Math.max(0, ...total.values()) / Math.max(0.3, 1 - room / Math.max(1, width - limit - 16));
  const x = { field: "y", type: "quantitative", axis: null, stack: "zero", scale: { nice: false, domainMax: most || 1, domainMin: Math.min(0, ...total.values()) * 1.2 } };
  const bar = { mark: { type: "bar", cornerRadiusEnd: 1.5 }, transform: [{ filter: `datum.measure === '${card.y[0]}'` }],
    encoding: { x, color: card.series ? color : { condition: { test: "datum.isRest", value: ink.faint }, value: ink.accent }, opacity: { condition: { test: "datum.isSmall", value: 0.42 }, value: 1 }, ...tip } };
  const rest = card.y.slice(1).filter((measure) => card.measures[measure].format === format).map((measure) => ({
    mark: { type: "tick", color: ink.text, thickness: 2.5 }, transform: [{ filter: `datum.measure === '${measure}'` }],
    encoding: { x: { field: "y", type: "quantitative" }, ...tip },
  }));
  return {
    encoding: { y },
    layer: [bar, ...rest, { data: { values: ends }, mark: { type: "text", align: "left", dx: 6, fontSize: 12.5, color: ink.text }, encoding: { x: { field: "y", type: "quantitative" }, text: { field: "text" } } }],
  };
}

function heatLayers(card, picture, { ink, width }) {
  const { format } = card.measures[card.y[0]];
  const inShort = shortly(picture.points.map((point) => point.y), format);
  for (const point of picture.points) point.text = inShort(point.y);
  const across = [...new Set(picture.points.map((point) => point.label))];
  const down = [...new Set(picture.points.map((point) => point.name))];
  if (isTime(card.dimensions[card.x].format)) across.sort();
  const most = Math.max(...picture.points.map((point) => point.y), 0);
  const room = (width - 180) / across.length;
  const isRoomy = room > 46;
  const isTilted = room < 70 && !isTime(card.dimensions[card.x].format) && across.some((label) => label.length > 3);
  const x = { field: "label", type: "ordinal", sort: across, axis: { title: null, orient: "top",
    ...(isTilted ? { labelAngle: -35, labelAlign: "left", labelLimit: 90 } : { labelAngle: 0, labelLimit: Math.max(50, room), labelOverlap: true }),
    ...(card.dimensions[card.x].format === "month" ? { labelExpr: SHOWN_MONTH } : {}) } };
  const y = { field: "name", type: "ordinal", sort: down, axis: { title: null, labelLimit: Math.min(190, width * 0.3), labelColor: ink.text, labelFontSize: 12.5 } };
  const layers = [{ mark: { type: "rect", stroke: ink.paper, strokeWidth: 2 },
    encoding: { color: { field: "y", type: "quantitative", legend: null, scale: { type: "sqrt", domain: [0, most || 1], range: ink.heat, interpolate: "lab" } }, ...tip } }];
  if (isRoomy) {
    const isStrong = `sqrt(datum.y / ${most || 1}) > 0.55`;
    layers.push({ mark: { type: "text", fontSize: 11.5 }, encoding: { text: { field: "text" }, color: { condition: { test: isStrong, value: ink.paper }, value: ink.text } } });
  }
  return { encoding: { x, y }, layer: layers };
}

function scatterLayers(card, picture, { color, ink, width, height }) {
  const [over, up] = [card.measures[card.x], card.measures[card.y[0]]];
  const [xs, ys] = ["x", "y"].map((name) => picture.points.map((point) => point[name]));
  const [across, above] = [scaleOf(xs), scaleOf(ys)];
  const axis = (measure, name, scale) => ({ field: name, type: "quantitative", scale: { nice: true, zero: true, ...scale },
    axis: valueAxis(measure.format, { title: measure.label, grid: true, titlePadding: 8, labelOverlap: true, ...(name === "y" ? { titleAngle: 0, titleAlign: "left", titleAnchor: "end", titleX: 0, titleY: -12, titleBaseline: "bottom" } : {}) }) });
  const size = card.size ? { field: "size", type: "quantitative", legend: null, scale: { range: [20, 420] } } : { value: 70 };
  const labels = labelled(picture.points, xs, ys, across, above, width, height);
  const texts = [["left", 9], ["right", -9]].map(([align, dx]) => ({
    data: { values: labels.filter((point) => point.align === align) }, encoding: { text: { field: "label" } },
    mark: { type: "text", align, dx, dy: 1, fontSize: 11.5, color: ink.text, limit: 170 },
  }));
  return {
    encoding: { x: axis(over, "x", across), y: axis(up, "y", above) },
    layer: [
      { mark: { type: "point", filled: true, fillOpacity: 0.5, stroke: ink.paper, strokeWidth: 0.75 }, encoding: { size, color: picture.names.length ? color : { value: ink.accent }, ...tip } },
      ...texts,
    ],
  };
}

// If a few values are many times larger than most, a square-root scale separates them; the axis still shows amounts.
function scaleOf(values) {
  const ordered = [...values].sort((a, b) => a - b);
  const middle = ordered[Math.floor(ordered.length / 2)] ?? 0;
  return ordered[0] >= 0 && ordered[ordered.length - 1] > 12 * middle ? { type: "sqrt" } : {};
}

// The outermost points have labels, if there is room.
function labelled(points, xs, ys, across, above, width, height) {
  const share = (value, values, scale) => (scale.type ? Math.sqrt(value / (Math.max(...values) || 1)) : value / (Math.max(...values) || 1));
  const wanted = [...points].sort((a, b) => b.y / (Math.max(...ys) || 1) + b.x / (Math.max(...xs) || 1) - a.y / (Math.max(...ys) || 1) - a.x / (Math.max(...xs) || 1));
  const placed = [];
  for (const point of wanted.slice(0, 24)) {
    const [x, y] = [share(point.x, xs, across) * width, share(point.y, ys, above) * height];
    const isFree = placed.every((other) => Math.abs(other.placeY - y) > 22 || Math.abs(other.placeX - x) > 190);
    if (isFree && point.label) placed.push({ ...point, placeX: x, placeY: y, align: x > width * 0.6 ? "right" : "left" });
    if (placed.length === 5) break;
  }
  return placed;
}

// A picture in words.
function pictureText(card, picture) {
  const shown = (point) => cellText({ value: point.y, exact: null }, card.measures[point.measure ?? card.y[0]].format);
  if (card.display === "scatter") return `${card.title}. A point each for ${plural(picture.points.length, "row")}: ${card.measures[card.x].label} across, ${card.measures[card.y[0]].label} up.`;
  const format = card.dimensions[card.x].format;
  if (card.display === "heatmap" || !isTime(format)) {
    const great = [...picture.points].sort((a, b) => b.y - a.y).slice(0, 3);
    const parts = great.map((point) => `${nameText(point.x, format)}${picture.names.length > 1 || card.display === "heatmap" ? `, ${point.name}` : ""}: ${shown(point)}`);
    return `${card.title}. The greatest: ${parts.join("; ")}.`;
  }
  const parts = picture.names.slice(0, MOST_SERIES).map((name) => {
    const of = picture.points.filter((point) => point.name === name).sort((a, b) => (a.x < b.x ? -1 : 1));
    if (!of.length) return null;
    const [from, to] = [of[0], of[of.length - 1]];
    return from === to ? `${name}: ${shown(to)} in ${nameText(to.x, format)}` : `${name}: from ${shown(from)} in ${nameText(from.x, format)} to ${shown(to)} in ${nameText(to.x, format)}`;
  });
  return `${card.title}. ${parts.filter(Boolean).join("; ")}.`;
}
