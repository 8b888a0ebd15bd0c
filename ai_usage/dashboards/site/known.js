// Which UTC days are known, and how many of a card's period are: a day that was never pulled is unknown, never 0.

const DAY_MS = 86400000;

class KnownDays {
  // `spans` are a provider's known days as pairs of first and last day; `until` is the last day that should be known.
  constructor(spans, until) {
    this.days = Object.fromEntries(Object.entries(spans).map(([provider, pairs]) => {
      const days = new Set();
      for (const [first, last] of pairs) for (let day = numberOf(first); day <= numberOf(last); day++) days.add(day);
      return [provider, days];
    }));
    // A provider is expected from the first day of the first month of which it knows anything.
    this.starts = Object.fromEntries(Object.entries(spans).map(([provider, pairs]) => [provider, numberOf(`${pairs[0][0].slice(0, 7)}-01`)]));
    this.newest = Math.max(...Object.values(spans).map((pairs) => numberOf(pairs[pairs.length - 1][1])), -Infinity);
    this.until = until ? Math.max(numberOf(until), this.newest) : this.newest;
  }

  // The providers of a card: those chosen, else those it has rows of, else all.
  providersOf(card, chosen) {
    const wanted = "provider" in card.filters && chosen.provider ? chosen.provider : card.providers ?? Object.keys(this.days);
    return wanted.filter((provider) => provider in this.days);
  }

  // The first and the last day that a card is about, as numbers; null if it is about no days.
  periodOf(card, chosen) {
    if (!Number.isFinite(this.newest)) return null;
    const newestMonth = dateOf(this.newest).slice(0, 7);
    if ("period" in card.filters) return chosen.period ? spanOf(card, chosen.period).map(numberOf) : [-Infinity, Infinity];
    if (card.covers === "month") return monthsSpan(newestMonth, newestMonth);
    if (card.covers === "four_weeks") return [this.newest - 27, this.newest];
    return card.covers === "history" ? [-Infinity, Infinity] : null;
  }

  // {known, total, last, by: {provider: known}} of a card's period where days are missing, `last` the last known day; else null.
  missing(card, chosen) {
    const period = this.periodOf(card, chosen);
    const providers = this.providersOf(card, chosen);
    if (!period || !providers.length) return null;
    const first = Math.max(period[0], Math.min(...providers.map((provider) => this.starts[provider])));
    const last = Math.min(period[1], this.until);
    let [known, newest] = [0, null];
    const by = Object.fromEntries(providers.map((provider) => [provider, 0]));
    for (let day = first; day <= last; day++) {
      for (const provider of providers) by[provider] += this.days[provider].has(day);
      if (this.isKnown(day, providers)) [known, newest] = [known + 1, day];
    }
    const total = last - first + 1;
    return total > 0 && known < total ? { known, total, last: newest === null ? null : dateOf(newest), by } : null;
  }

  // The first day that any of the providers knows; null if none knows one.
  since(providers) {
    const first = Math.min(...providers.map((provider) => Math.min(...this.days[provider])));
    return Number.isFinite(first) ? dateOf(first) : null;
  }

  // Whether every provider that is expected by then knows the day.
  isKnown(day, providers) {
    const expected = providers.filter((provider) => this.starts[provider] <= day);
    return expected.length > 0 && expected.every((provider) => this.days[provider].has(day));
  }

  // Such as "5 of 31 days known"; where providers differ, with the number of each.
  text(card, chosen) {
    const found = this.missing(card, chosen);
    if (!found) return null;
    const differ = new Set(Object.values(found.by)).size > 1;
    const each = differ ? ` (${Object.entries(found.by).map(([provider, known]) => `${termText(provider)} ${known}`).join(", ")})` : "";
    return `${found.known} of ${plural(found.total, "day")} known${each}`;
  }

  // Where a line over time has to break: the points after which whole steps are unknown. `xs` are days or months.
  breaks(xs, format, providers) {
    const ordered = [...new Set(xs)].filter((x) => x !== null).sort();
    const starts = ordered.map((x) => numberOf(format === "month" ? `${x}-01` : x));
    const step = Math.min(...starts.slice(1).map((day, at) => day - starts[at]), Infinity);
    return ordered.filter((x, at) => {
      if (at + 1 >= ordered.length) return false;
      const from = format === "month" ? numberOf(`${monthAfter(x, 1)}-01`) : starts[at] + step;
      const to = Math.min(starts[at + 1], this.newest + 1); // what is still to come is no gap
      for (let day = from; day < to; day++) if (!providers.some((provider) => this.days[provider].has(day))) return true;
      return false;
    });
  }
}

function numberOf(day) {
  return Date.parse(`${day}T00:00:00Z`) / DAY_MS;
}

function dateOf(number) {
  return new Date(number * DAY_MS).toISOString().slice(0, 10);
}

// The first and the last day that a card shows of a chosen period; a card that is kept by month shows whole months.
function spanOf(card, period) {
  const [from, to] = [period[0], period[period.length - 1]];
  return from.length === 10 && card.hasDays ? [from, to] : [`${from.slice(0, 7)}-01`, lastDayOf(to.slice(0, 7))];
}

function monthsSpan(from, to) {
  return [numberOf(`${from}-01`), numberOf(lastDayOf(to))];
}
