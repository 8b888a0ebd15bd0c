// One board: its data unpacked, its filters, its cards; numbers first, pictures as they come into view.

class Page {
  constructor(data, columns) {
    this.board = data.board;
    this.isSimulated = data.isSimulated;
    this.turn = 0;
    this.queue = [];
    this.waiting = [];
    this.known = new KnownDays(data.known ?? {}, data.until);
    this.rows = Object.fromEntries(data.board.cards.map((card) => [card.name, new Rows(card, columns)]));
    for (const card of data.board.cards) card.hasDays = this.hasDays(card);
    this.choice = new Choice(data.board.filters, ...this.offered(), this.newestDay);
    this.choice.read(location.hash);
  }

  // Whether a card's rows can be cut by day.
  hasDays(card) {
    const names = this.rows[card.name].labels[card.filters.period]?.names ?? [];
    return String(names[names.length - 1] ?? "").length === 10;
  }

  // The newest day with known data on any card.
  get newestDay() {
    const days = this.board.cards.map((card) => card.through).filter(Boolean);
    return days.sort().pop() ?? null;
  }

  // The months and names that any card's filter can cut on.
  offered() {
    const found = { period: new Set(), provider: new Set(), cost_center: new Set(), team: new Set(), person: new Set() };
    for (const card of this.board.cards) {
      for (const [filter, column] of Object.entries(card.filters)) {
        for (const name of this.rows[card.name].labels[column].names) {
          if (name !== null) found[filter].add(filter === "period" ? String(name).slice(0, 7) : name);
        }
      }
    }
    const months = [...found.period].sort();
    const names = Object.fromEntries(["provider", "cost_center", "team", "person"].map((filter) => [filter, [...found[filter]].sort((a, b) => String(a).localeCompare(String(b)))]));
    return [months.length ? monthsBetween(months[0], months[months.length - 1]) : [], names];
  }

  // Whether a choice of months has the newest one in it, and that one is not over yet.
  isRunning(months) {
    const newest = this.choice.months[this.choice.months.length - 1];
    if (months && !months.includes(newest)) return false;
    const through = this.newestDay;
    return Boolean(through && newest) && through < lastDayOf(newest);
  }

  get theme() {
    return document.documentElement.dataset.theme;
  }

  sectionOf(card) {
    return [...this.sections].reverse().find((section) => section.row <= card.place.row) ?? this.sections[0];
  }

  rowOf(card) {
    return this.sectionOf(card).first;
  }

  build() {
    const { board } = this;
    const sorted = [...(board.sections ?? [])].sort((a, b) => a.row - b.row);
    this.sections = sorted.length && Math.min(...board.cards.map((card) => card.place.row)) >= sorted[0].row ? sorted : [{ row: 0, title: null }, ...sorted];
    const cards = [...board.cards].sort((a, b) => a.place.row - b.place.row || a.place.column - b.place.column);
    for (const section of this.sections) {
      const own = cards.filter((card) => this.sectionOf(card) === section);
      section.first = Math.min(...own.map((card) => card.place.row));
    }
    this.views = cards.map((card) => new CardView(card, this.rows[card.name], this));
    const main = document.getElementById("cards");
    for (const section of this.sections) {
      const own = this.views.filter((view) => this.sectionOf(view.card) === section);
      if (!own.length) continue;
      const head = el("h2", { class: section.title ? "section" : "unseen" }, section.title ?? "Cards");
      main.append(el("section", {}, head, el("div", { class: "grid" }, ...own.map((view) => view.element))));
    }
    if (board.filters.length) document.getElementById("filters").append(filterBar(this.choice));
    else document.getElementById("filters").hidden = true;
    document.getElementById("download-all").addEventListener("click", () => downloadAll(this));
    this.choice.listeners.push(() => this.refresh());
    window.addEventListener("hashchange", () => { this.choice.read(location.hash); this.choice.notify(); });
    this.watch();
  }

  watch() {
    const near = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const view = this.views.find((known) => known.element === entry.target);
        view.isSeen = entry.isIntersecting;
        if (view.isSeen) view.show();
        if (view.isSeen && view.drawnAt && !view.isEmpty && view.drawnAt !== this.wanted(view)) this.draws(view);
      }
    }, { rootMargin: "0px" });
    this.views.forEach((view) => near.observe(view.element));
    let last = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth === last) return;
      last = window.innerWidth;
      this.redraw();
    });
    window.addEventListener("beforeprint", () => this.print(true));
    window.addEventListener("afterprint", () => this.print(false));
    document.addEventListener("themechange", () => this.redraw());
  }

  wanted(view) {
    return `${Math.floor(view.figure.clientWidth)} ${this.theme}`;
  }

  refresh() {
    this.turn += 1;
    document.getElementById("chosen").textContent = this.choice.text;
    for (const view of this.views) view.refresh();
    if (this.isOpen) this.drawRest();
  }

  redraw() {
    for (const view of this.views) if (view.isSeen && view.picture && view.drawnAt !== this.wanted(view)) this.draws(view);
  }

  // Draws one picture after another, so that the page answers in between.
  async draws(view) {
    if (!this.queue.includes(view)) this.queue.push(view);
    if (this.isDrawing) return;
    this.isDrawing = true;
    try {
      await breath();
      for (let next = this.queue.shift(); next; next = this.queue.shift()) {
        if (next.picture && !next.isEmpty) await next.draw();
        await breath();
      }
    } finally {
      this.isDrawing = false;
      for (const done of this.waiting.splice(0)) done();
    }
  }

  // What is not in view yet is drawn when the browser is idle: it may be printed.
  drawRest() {
    const idle = window.requestIdleCallback ?? ((call) => setTimeout(call, 200));
    const next = this.views.find((view) => view.isDirty);
    if (!next) return;
    idle(() => {
      next.show();
      this.drawRest();
    });
  }

  settled() {
    return new Promise((done) => (this.isDrawing ? this.waiting.push(done) : done()));
  }

  // Printed pages have every table open; the style sheet makes them light.
  print(isOn) {
    for (const view of this.views) {
      view.show();
      if (isOn && view.opener && view.tablePlace.hidden) {
        view.wasClosed = true;
        view.openTable(true);
      } else if (!isOn && view.wasClosed) {
        view.wasClosed = false;
        view.openTable(false);
      }
    }
  }
}

// A moment in which the browser paints and answers.
function breath() {
  return new Promise((done) => setTimeout(done));
}

async function open() {
  const data = JSON.parse(document.getElementById("board").textContent);
  const columns = await unpacked(data.packed);
  Object.assign(TERMS, data.names); // of providers and platforms
  COLOURS = data.colours;
  const page = new Page(data, columns);
  page.build();
  page.refresh();
  performance.mark("numbers");
  window.aiUsage = {
    page,
    choice: page.choice,
    settled: () => page.settled(),
    // The numbers of a card for any choice, with every digit as text: for tests and for people who check them.
    numbers(name, chosen) {
      const card = data.board.cards.find((known) => known.name === name);
      return numbers(card, page.rows[name], chosen).map((line) =>
        Object.fromEntries(columnsOf(card).map((column) => [column.name, column.isMeasure ? line[column.name] && exactText(line[column.name]) : line[column.name]])));
    },
  };
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await breath();
  await page.settled();
  performance.mark("opened");
  document.documentElement.dataset.ready = "";
  page.isOpen = true;
  page.drawRest();
}

open();
