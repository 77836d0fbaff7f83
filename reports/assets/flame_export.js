// What the graph shows, as files for other tools: folded text and speedscope's JSON. Made here, sent nowhere.
const flameExport = (() => {
  "use strict";
  // Same rule as the harness: `;`, a backslash and what is no text would break a line.
  const escape = (name) => name.replace(/[\\;\u0000-\u001f\u007f-\u009f\u2028\u2029]|^#/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

  function* stacks(graph, side) {
    const open = graph.whole().children.map((node) => [node]);
    while (open.length) {
      const path = open.pop(), node = path[path.length - 1];
      const own = node.children.reduce((rest, child) => rest - child.weights[side], node.weights[side]);
      if (own > 1e-9 * node.weights[side]) yield [path, Number(own.toPrecision(12))];
      for (const child of node.children) open.push([...path, child]);
    }
  }

  function folded(graph, side) {
    const unit = graph.data.sampled ? "samples" : graph.data.unit;
    return [`# unit: ${unit}.`, ...[...stacks(graph, side)].map(([path, own]) => `${path.map((node) => escape(node.name)).join(";")} ${own}`), ""].join("\n");
  }

  function speedscope(graph) {
    const unit = graph.data.sampled ? "none" : { bytes: "bytes", ns: "nanoseconds" }[graph.data.unit] || "none";
    const frames = graph.data.names.map((name, place) => ({ name, ...(graph.data.lines[place] ? { line: graph.data.lines[place] } : {}) }));
    const profiles = graph.data.sides.map(({ label }, side) => {
      const all = [...stacks(graph, side)], weights = all.map(([, own]) => own);
      return { type: "sampled", name: label, unit, startValue: 0, endValue: weights.reduce((sum, own) => sum + own, 0), samples: all.map(([path]) => path.map((node) => node.number)), weights };
    });
    return JSON.stringify({ $schema: "https:" + "//www.speedscope.app/file-format-schema.json", exporter: "harness", name: graph.key, shared: { frames }, profiles });
  }

  function save(name, type, text) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  const choices = (graph) => [
    ...graph.data.sides.map(({ label }, side) => [`folded, ${label}`, () => save(`${graph.key}-${side}.folded`, "text/plain", folded(graph, side))]),
    ["speedscope", () => save(`${graph.key}.speedscope.json`, "application/json", speedscope(graph))],
  ];

  return { choices };
})();
