// The columns of a page, and what a card makes of them: filtered first, then added up, ratios last.
// Whole numbers are added exactly; a sum is kept as a BigInt beside the number that charts are drawn of.

async function unpacked(packed) {
  const deflated = Uint8Array.from(atob(packed.content), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const columns = [];
  for (const header of packed.columns) columns.push(unpackedColumn(header, bytes, columns));
  return columns;
}

// Labels: {names, codes}, code 0 for null. Amounts: {values, scale} with NaN for null, or {high, low, limb, scale}.
// Each is laid out when it is first asked for.
function unpackedColumn(header, bytes, columns) {
  const content = bytes.subarray(header.at, header.at + header.length);
  const lazily = (make) => {
    let made;
    return () => (made ??= make());
  };
  if (header.kind === "labels") {
    return { kind: "labels", names: [null, ...header.names], codes: lazily(() => fromPlanes(content, header.rows, Uint32Array)) };
  }
  if (header.kind === "floats") {
    return { kind: "floats", values: lazily(() => new Float64Array(content.slice().buffer)) };
  }
  if (header.kind === "limbs") {
    return { kind: "limbs", scale: header.scale, limb: header.limb, high: columns[header.high].values, low: columns[header.low].values };
  }
  const values = lazily(() => {
    const moved = fromPlanes(content, header.rows, Float64Array);
    for (let row = 0; row < moved.length; row++) moved[row] = moved[row] === 0 ? NaN : moved[row] - 1 + header.least;
    return moved;
  });
  return { kind: "whole", scale: header.scale, isTime: header.isTime, values };
}

function fromPlanes(content, rows, Kind) {
  const found = new Kind(rows);
  for (let plane = 0, weight = 1; plane * rows < content.length; plane++, weight *= 256) {
    const at = plane * rows;
    for (let row = 0; row < rows; row++) found[row] += content[at + row] * weight;
  }
  return found;
}

// One card's rows: which columns it has, by name. `labels` are dimensions and what filters cut on; `amounts` are what
// measures are made of.
class Rows {
  constructor(card, columns) {
    this.count = card.rows;
    this.labels = Object.fromEntries(Object.entries(card.labels).map(([name, at]) => [name, columns[at]]));
    this.amounts = Object.fromEntries(Object.entries(card.amounts).map(([name, at]) => [name, columns[at]]));
  }

  // The rows that match the chosen values of each filter. A period's value is a month or a day: a row of a day belongs to
  // its month, and a row of a month to each of its days.
  kept(card, chosen) {
    const cuts = [];
    for (const [filter, values] of Object.entries(chosen)) {
      const column = this.labels[card.filters[filter]];
      if (!column || !values) continue;
      const wanted = new Set(values);
      const months = filter === "period" ? new Set(values.map((value) => value.slice(0, 7))) : null;
      const isIn = (name) => (name.length === 7 ? months.has(name) : wanted.has(name) || wanted.has(name.slice(0, 7)));
      const allows = column.names.map((name) => name !== null && (months ? isIn(String(name)) : wanted.has(name)));
      cuts.push([column.codes(), Uint8Array.from(allows)]);
    }
    const kept = new Uint32Array(this.count);
    let count = 0;
    for (let row = 0; row < this.count; row++) {
      let stays = true;
      for (const [codes, allows] of cuts) stays = stays && allows[codes[row]] === 1;
      if (stays) kept[count++] = row;
    }
    return kept.subarray(0, count);
  }
}

// What the card shows: a line for each combination of its dimensions, with every measure. Without dimensions one line.
function numbers(card, rows, chosen, dimensions = Object.keys(card.dimensions)) {
  const kept = rows.kept(card, chosen);
  const { groups, firsts } = grouped(rows, kept, dimensions);
  const lines = firsts.map((row) => {
    const line = {};
    for (const name of dimensions) line[name] = rows.labels[name].names[rows.labels[name].codes()[row]];
    return line;
  });
  if (!dimensions.length) lines.push({});
  for (const [name, measure] of Object.entries(card.measures)) {
    const cells = measured(card, measure, rows, kept, groups, lines.length);
    lines.forEach((line, at) => (line[name] = cells[at]));
  }
  return lines;
}

function grouped(rows, kept, dimensions) {
  const groups = new Uint32Array(kept.length);
  const firsts = [];
  if (!dimensions.length) return { groups, firsts };
  const columns = dimensions.map((name) => [rows.labels[name].codes(), rows.labels[name].names.length]);
  const isSmall = columns.reduce((size, [, names]) => size * names, 1) < Number.MAX_SAFE_INTEGER;
  const known = new Map();
  for (let at = 0; at < kept.length; at++) {
    let key = isSmall ? 0 : "";
    for (const [codes, names] of columns) key = isSmall ? key * names + codes[kept[at]] : `${key},${codes[kept[at]]}`;
    let group = known.get(key);
    if (group === undefined) {
      known.set(key, (group = firsts.length));
      firsts.push(kept[at]);
    }
    groups[at] = group;
  }
  return { groups, firsts };
}

// A cell: null, or {value, exact, scale}: `exact` is a BigInt of 10^-scale, or null where the measure is no whole number.
function measured(card, measure, rows, kept, groups, count) {
  if (measure.distinct) {
    return distinct(rows.labels[measure.distinct], kept, groups, count).map((n) => ({ value: n, exact: BigInt(n), scale: 0 }));
  }
  const how = measure.how ?? "sum";
  const over = reduced(rows.amounts[`${how} ${measure.of}`], how, kept, groups, count);
  if (!measure.per) return over;
  const under = reduced(rows.amounts[`sum ${measure.per}`], "sum", kept, groups, count);
  return over.map((cell, group) =>
    cell && under[group] && under[group].value !== 0 ? { value: cell.value / under[group].value, exact: null, scale: 0 } : null,
  );
}

function distinct(column, kept, groups, count) {
  const codes = column.codes();
  const seen = new Set();
  const found = new Array(count).fill(0);
  for (let at = 0; at < kept.length; at++) {
    const code = codes[kept[at]];
    const key = groups[at] * column.names.length + code;
    if (code !== 0 && !seen.has(key)) {
      seen.add(key);
      found[groups[at]]++;
    }
  }
  return found;
}

function reduced(column, how, kept, groups, count) {
  if (column.kind === "limbs") return reducedLimbs(column, how, kept, groups, count);
  const values = column.values();
  const result = new Float64Array(count).fill(NaN); // NaN until there is a value: the sum of none is null, not 0
  for (let at = 0; at < kept.length; at++) {
    const value = values[kept[at]];
    if (Number.isNaN(value)) continue;
    const group = groups[at];
    if (Number.isNaN(result[group])) result[group] = value;
    else if (how === "sum") result[group] += value;
    else result[group] = how === "max" ? Math.max(result[group], value) : Math.min(result[group], value);
  }
  if (column.kind === "floats") return Array.from(result, (value) => (Number.isNaN(value) ? null : { value, exact: null, scale: 0 }));
  return Array.from(result, (value) => (Number.isNaN(value) ? null : exactly(BigInt(value), column.scale, column.isTime)));
}

function reducedLimbs(column, how, kept, groups, count) {
  const [high, low, limb] = [column.high(), column.low(), BigInt(column.limb)];
  const result = new Array(count).fill(null);
  for (let at = 0; at < kept.length; at++) {
    const row = kept[at];
    if (Number.isNaN(high[row])) continue;
    const value = BigInt(high[row]) * limb + BigInt(low[row]);
    const before = result[groups[at]];
    if (before === null) result[groups[at]] = value;
    else if (how === "sum") result[groups[at]] = before + value;
    else if (how === "max" ? value > before : value < before) result[groups[at]] = value;
  }
  return result.map((value) => value === null ? null : exactly(value, column.scale));
}

function exactly(exact, scale, isTime = false) {
  return { value: Number(exact) / 10 ** scale, exact, scale, isTime };
}

// Whether a measure of two groups together is the sum of both.
function addsUp(measure) {
  return !measure.per && !measure.distinct && (measure.how ?? "sum") === "sum";
}

// Several lines of sums as one; null where a measure is none that adds up.
function added(card, lines) {
  const total = {};
  for (const [name, measure] of Object.entries(card.measures)) {
    const cells = lines.map((line) => line[name]).filter(Boolean);
    if (!addsUp(measure) || !cells.length) total[name] = null;
    else if (cells.every((cell) => cell.exact !== null)) total[name] = exactly(cells.reduce((sum, cell) => sum + cell.exact, 0n), cells[0].scale);
    else total[name] = { value: cells.reduce((sum, cell) => sum + cell.value, 0), exact: null, scale: 0 };
  }
  return total;
}
