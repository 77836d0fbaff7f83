// Names and numbers as a reader sees them.
const flameWords = (() => {
  "use strict";
  // As harness/units.py writes them, so that a graph reads as its table does.
  const rounded = (value) => Number(value.toPrecision(3));
  const digits = (value) => {
    const size = Math.abs(rounded(value));
    // Not toLocaleString: the first use of it takes longer than to lay out a graph.
    if (size >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
    return size >= 1e-6 ? String(rounded(value)) : size ? value.toFixed(9).replace(/0+$/, "") : "0";
  };
  const scaled = (value, steps) => {
    const [size, unit] = steps.find(([least]) => Math.abs(rounded(value / least)) >= 1) || steps[steps.length - 1];
    return `${digits(value / size)} ${unit}`;
  };
  const amount = (value, unit) => {
    if (unit === "bytes") return scaled(value, [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"], [1, "B"]]);
    if (unit === "ns") return scaled(value, [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]]);
    return `${digits(value)} ${unit}`;
  };
  const percent = (part, whole) => (whole ? `${digits((100 * part) / whole)} %` : "–");
  const signed = (value, text) => (value > 0 ? "+" : value < 0 ? "−" : "±") + text;

  function ofName(data, name) {
    if (name.startsWith(data.marker)) return { title: name.slice(data.marker.length), path: "" };
    const cut = name.endsWith(")") ? name.lastIndexOf(" (") : -1;
    return cut > 0 ? { title: name.slice(0, cut), path: name.slice(cut + 2, -1) } : { title: name, path: "" };
  }

  // Names are few and nodes many.
  function of(graph, node) {
    if (!node.parent && !graph.focus) return { title: "All stacks", path: "", place: "" };
    let words = graph.words[node.number];
    if (!words) {
      words = graph.words[node.number] = ofName(graph.data, node.name);
      words.place = node.line ? `${words.path}:${node.line}` : words.path;
    }
    return words;
  }

  return { of, digits, amount, percent, signed };
})();
