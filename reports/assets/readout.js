"use strict";
// A pointer over a chart reads its values. The data stand beside each chart as JSON; without scripts nothing is lost
// but this convenience.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  // As harness/units.py writes them, so that a chart reads as a table does.
  const rounded = (value) => Number(value.toPrecision(3));
  const short = (value) => (Math.abs(rounded(value)) >= 100
    ? Math.round(value).toLocaleString("en") : rounded(value).toLocaleString("en", { maximumFractionDigits: 12 }));
  const time = (ns) => {
    const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]].find(([step]) => rounded(ns / step) >= 1) || [1, "ns"];
    return `${short(ns / size)} ${unit}`;
  };
  const words = {
    ns: time,
    calls: short,
    processors: (value) => `${short(value)} processors`,
    bytes: (value) => {
      const [size, unit] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]].find(([step]) => value >= step) || [1, "B"];
      return `${short(value / size)} ${unit}`;
    },
    rate: (value) => `${short(value)}/s`,
    share: (value) => `${short(value * 100)} % of calls`,
    seconds: (value) => `at ${time(value * 1e9)}`,
    percentile: (value) => {
      const share = 100 * (1 - 1 / Math.max(value, 1));
      const digits = Math.min(Math.max(Math.ceil(Math.log10(Math.max(value, 1))) - 2, 0), 4);
      return `p${share.toFixed(digits)}`;
    },
  };

  const tip = document.createElement("div");
  tip.className = "readout-tip";
  tip.hidden = true;
  document.body.append(tip);

  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle; else high = middle;
    }
    return x - xs[low] < xs[high] - x ? low : high;
  };
  const scaled = ({ log, limits }) => (log ? limits.map(Math.log) : limits);
  const valueAt = (axis, share) => {
    const [first, last] = scaled(axis);
    const value = first + share * (last - first);
    return axis.log ? Math.exp(value) : value;
  };
  const shareOf = (axis, value) => {
    const [first, last] = scaled(axis);
    return ((axis.log ? Math.log(value) : value) - first) / (last - first);
  };

  const line = (label, run, text) => {
    const row = document.createElement("div");
    const key = document.createElement("span");
    key.className = `key run-${run % 6}`;
    const value = document.createElement("b");
    value.textContent = text;
    row.append(key, `${label} `, value);
    return row;
  };

  const show = (panel, x, cross, event) => {
    const rows = panel.lines.filter((one) => one.x.length && x <= one.x[one.x.length - 1] * 1.1).map((one) => {
      const place = nearest(one.x, x);
      return one.y[place] === null ? null : { one, at: one.x[place], y: one.y[place] };
    }).filter(Boolean);
    if (!rows.length) return hide(cross);
    const head = document.createElement("div");
    const kind = panel.x.kind;
    head.textContent = kind === "ns" ? `about ${time(rows[0].at)}` : words[kind](rows[0].at);
    tip.replaceChildren(head, ...rows.map(({ one, y }) => line(one.label, one.run, words[one.kind](y))));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 8))}px`;
    const [left, top, wide, high] = panel.box;
    const place = left + shareOf(panel.x, rows[0].at) * wide;
    cross.setAttribute("x1", place);
    cross.setAttribute("x2", place);
    cross.setAttribute("y1", top);
    cross.setAttribute("y2", top + high);
    cross.style.display = "";
  };
  const hide = (cross) => {
    tip.hidden = true;
    cross.style.display = "none";
  };

  for (const source of document.querySelectorAll("script.readout")) {
    const panels = JSON.parse(source.textContent);
    const svg = source.parentElement.querySelector("svg");
    if (!panels.length || !svg) continue;
    const cross = document.createElementNS(NS, "line");
    cross.setAttribute("class", "cross");
    cross.style.display = "none";
    svg.append(cross);
    svg.addEventListener("pointermove", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const panel = panels.find(({ box: [x, y, w, h] }) => at.x >= x && at.x <= x + w && at.y >= y && at.y <= y + h);
      if (!panel) return hide(cross);
      show(panel, valueAt(panel.x, (at.x - panel.box[0]) / panel.box[2]), cross, event);
    });
    svg.addEventListener("pointerleave", () => hide(cross));
  }
})();
