// A card as a file: CSV with every digit, PNG for a slide; and every card of the board in one ZIP file. A file's name shows
// that data is simulated.

function save(name, blob) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function fileName(page, name, ending, isOfPeriod) {
  const [from, to] = page.choice.daySpan ?? page.choice.span ?? [];
  const span = from && isOfPeriod ? `_${from}_${to}` : "";
  return `${page.isSimulated ? "SIMULATED_" : ""}${page.board.name}${name ? `_${name}` : ""}${span}.${ending}`;
}

function fileOf({ page, card }, ending) {
  return fileName(page, card.name, ending, "period" in card.filters);
}

function downloadCsv(view) {
  view.show();
  save(fileOf(view, "csv"), new Blob([csvText(view.card, view.lines)], { type: "text/csv" }));
}

// Each card's CSV as it is filtered now.
function downloadAll(page) {
  for (const view of page.views) view.show();
  const files = page.views.map((view) => [fileOf(view, "csv"), csvText(view.card, view.lines)]);
  save(fileName(page, "", "zip", page.board.filters.includes("period")), new Blob([zipped(files)], { type: "application/zip" }));
}

// Texts as one ZIP file, stored as they are. The format: APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16.
function zipped(files) {
  const [parts, directory] = [[], []];
  let at = 0;
  for (const [name, text] of files) {
    const [title, content] = [name, text].map((one) => new TextEncoder().encode(one));
    // version 2.0, names in UTF-8, stored, 1 January 1980, checksum, size twice, length of the name, no extra field
    const about = [[20, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc32(content), 4], [content.length, 4], [content.length, 4], [title.length, 2], [0, 2]];
    const local = littleEndian([[0x04034b50, 4], ...about]);
    directory.push(littleEndian([[0x02014b50, 4], [20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), title);
    parts.push(local, title, content);
    at += local.length + title.length + content.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = littleEndian([[0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...directory, end]);
}

function littleEndian(fields) {
  return Uint8Array.from(fields.flatMap(([value, size]) => Array.from({ length: size }, (_, byte) => Math.floor(value / 256 ** byte) % 256)));
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const SHEET = { width: 1080, margin: 40, scale: 2 };

async function downloadPng(view) {
  view.show();
  const canvas = await pngOf(view);
  canvas.toBlob((blob) => save(fileOf(view, "png"), blob), "image/png");
}

// Title, question, picture and foot on one light sheet.
async function pngOf(view) {
  const { card, page } = view;
  const ink = INK.light;
  const inner = SHEET.width - 2 * SHEET.margin;
  const title = `${card.title}${page.isSimulated ? " (SIMULATED DATA)" : ""}`;
  const { picture } = view;
  const columns = columnsOf(card);
  const lines = picture || !view.isTable || view.isEmpty ? [] : view.lines.slice(0, 20);
  let body = null;
  if (picture) {
    const height = Math.max(view.height, ["row", "heatmap"].includes(card.display) ? 0 : 400);
    const made = await embedded(pictureSpec(card, picture, { width: inner, height, theme: "light" }), el("div"), "canvas");
    body = await made.view.toCanvas(SHEET.scale);
    made.finalize();
  }
  const key = picture && !view.key.hidden ? keyOf(card, picture, ink) : [];
  const bodyHeight = body ? body.height / SHEET.scale : lines.length ? (lines.length + 1) * 26 : 110;
  const canvas = el("canvas");
  canvas.width = SHEET.width * SHEET.scale;
  canvas.height = (SHEET.margin * 2 + 74 + (key.length ? 30 : 0) + bodyHeight + 44) * SHEET.scale;
  const pen = canvas.getContext("2d");
  pen.scale(SHEET.scale, SHEET.scale);
  pen.fillStyle = ink.paper;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const write = (text, x, y, size, colour, weight = "", align = "left") => {
    pen.font = `${weight} ${size}px ${FONT}`;
    pen.fillStyle = colour;
    pen.textAlign = align;
    pen.fillText(text, x, y);
  };
  let y = SHEET.margin + 18;
  write(title, SHEET.margin, y, 24, ink.text, "600");
  write(card.question, SHEET.margin, (y += 28), 15, ink.quiet);
  y += 28;
  if (key.length) {
    let x = SHEET.margin;
    for (const [name, colour] of key) {
      pen.fillStyle = colour;
      pen.fillRect(x, y - 9, 11, 11);
      write(name, x + 17, y, 13, ink.text);
      x += pen.measureText(name).width + 40;
    }
    y += 30;
  }
  if (body) pen.drawImage(body, SHEET.margin, y, body.width / SHEET.scale, bodyHeight);
  else if (view.figure.querySelector(".empty")) write(view.figure.textContent, SHEET.margin, y + 50, 18, ink.quiet);
  else if (card.display === "number") {
    const [amount, ...words] = view.answer;
    write(amount, SHEET.margin, y + 64, 64, ink.text, "600");
    const after = SHEET.margin + pen.measureText(amount).width + 18;
    write(words.join(" "), after, y + 64, 24, ink.text);
    write(view.figure.querySelector(".change")?.textContent ?? "", SHEET.margin, y + 96, 15, ink.quiet);
  } else drawTable(pen, write, columns, lines, y, inner, ink);
  y += bodyHeight + 30;
  const foot = [view.markText, page.choice.text].filter(Boolean).join("  |  ");
  write(foot, SHEET.margin, y, 12.5, ink.quiet);
  return canvas;
}

function drawTable(pen, write, columns, lines, top, inner, ink) {
  const width = inner / columns.length;
  const cut = (text) => {
    pen.font = `13px ${FONT}`;
    while (text.length > 3 && pen.measureText(text).width > width - 16) text = `${text.slice(0, -2)}…`;
    return text;
  };
  columns.forEach((column, at) => {
    const x = SHEET.margin + at * width + (column.isMeasure ? width - 8 : 0);
    const align = column.isMeasure ? "right" : "left";
    write(cut(column.label), x, top + 14, 13, ink.quiet, "600", align);
    lines.forEach((line, row) => {
      const text = column.isMeasure ? cellText(line[column.name], column.format) : nameText(line[column.name], column.format);
      write(cut(text), x, top + 14 + (row + 1) * 26, 13, ink.text, "", align);
    });
  });
  pen.fillStyle = ink.rule;
  for (let row = 1; row <= lines.length; row++) pen.fillRect(SHEET.margin, top + row * 26 - 4, inner, 1);
}
