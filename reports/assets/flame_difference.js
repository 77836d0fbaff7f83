// How two sides of a frame are drawn and told: diverging blue and orange, hatched and signed, grey where nothing can
// be said. What can be said was decided before; nothing is tested here.
const flameDifference = (() => {
  "use strict";
  const COLOURED = new Set(["changed", "beyond sampling", "differs"]);
  const SAYS = {
    changed: "changed",
    same: "the same within 5 %",
    "beyond sampling": "beyond sampling error; one run a side cannot say that the code changed it",
    differs: "differs between these two runs",
    "cannot tell": "cannot tell",
  };
  const FULL_AT = 0.5;

  const finding = (graph, node, own) => {
    const part = graph.data.found[own ? 1 : 0];
    return node.place >= 0 && part ? graph.data.findings[part.finding[node.place]] : "cannot tell";
  };

  // The change as a share of the larger side: -1 for what is gone, 1 for what is new.
  const share = (values) => {
    const larger = Math.max(...values);
    return larger ? (values[1] - values[0]) / larger : 0;
  };

  const isColoured = (graph, node) => graph.by !== "packages" && graph.per !== "share" && COLOURED.has(finding(graph, node, graph.by === "own"));
  const strength = (graph, node) => Math.min(Math.abs(share(graph.by === "own" ? node.ownShown : node.shown)) / FULL_AT, 1);
  const isMore = (graph, node) => share(graph.by === "own" ? node.ownShown : node.shown) > 0;

  function colours(graph, node, packageColour) {
    const { dark } = graph.theme;
    if (graph.by === "packages") return [packageColour, graph.theme.muted];
    if (!isColoured(graph, node)) return dark ? ["hsl(215 6% 30%)", "hsl(215 6% 44%)"] : ["hsl(215 10% 87%)", "hsl(215 8% 70%)"];
    const more = isMore(graph, node), hue = more ? 28 : 212, by = strength(graph, node);
    if (dark) return [`hsl(${hue} ${34 + 26 * by}% ${28 + 4 * by}%)`, `hsl(${hue} 85% ${more ? 52 : 58}%)`];
    return [`hsl(${hue} ${70 + 20 * by}% ${90 - 16 * by}%)`, `hsl(${hue} 90% ${more ? 44 : 45}%)`];
  }

  // Plain: what both sides have. Hatched: what only the larger has, forward for more and backward for less.
  function drawBars(graph, context, node, x, y, inner, height, packageColour) {
    const [before, after] = node.bars.map((bar) => (node.width ? Math.min(bar / node.width, 1) * inner : 0));
    const [plain, strong] = colours(graph, node, packageColour);
    const shared = graph.view === "union" ? Math.min(before, after) : graph.view === "before" ? before : after;
    const larger = graph.view === "union" ? Math.max(before, after) : shared;
    context.fillStyle = graph.theme.panel;
    context.fillRect(x, y, inner, height);
    context.fillStyle = plain;
    context.fillRect(x, y, shared, height);
    if (larger - shared >= 0.5) hatch(graph, context, x + shared, y, larger - shared, height, strong, after > before);
    if (inner > 4) {
      context.strokeStyle = graph.theme.rule;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, inner - 1, height - 1);
    }
  }

  function hatch(graph, context, x, y, width, height, colour, forward) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    const alpha = context.globalAlpha;
    context.globalAlpha = alpha * (graph.theme.dark ? 0.4 : 0.22);
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
    context.globalAlpha = alpha * 0.5;
    context.strokeStyle = colour;
    context.lineWidth = 1.2;
    context.beginPath();
    const from = Math.max(x, 0) - height, to = Math.min(x + width, graph.width) + height;
    for (let at = from - (from % 7); at < to; at += 7) {
      context.moveTo(at, forward ? y + height : y);
      context.lineTo(at + height, forward ? y : y + height);
    }
    context.stroke();
    context.restore();
  }

  function sign(graph, node) {
    if (!isColoured(graph, node)) return "";
    const [before, after] = graph.by === "own" ? node.ownShown : node.shown;
    if (!before) return "+ new  ";
    if (!after) return "− gone  ";
    const by = (100 * (after - before)) / before;
    return `${by > 0 ? "+" : "−"}${Math.abs(by) >= 1000 ? `×${Math.round(after / before)}` : `${Math.round(Math.abs(by))} %`}  `;
  }

  // Rows for the tooltip and for the line under the graph: what, whole, own.
  function rows(graph, node, format) {
    const line = (own) => {
      const [before, after] = own ? node.ownShown : node.shown, by = after - before;
      const part = graph.data.found[own ? 1 : 0], reach = node.place >= 0 && graph.data.sampled ? part.reach[node.place] : 0;
      const share = before ? `${format.signed(by, `${format.digits(Math.abs((100 * by) / before))} %`)}` : by ? "new" : "±0 %";
      return {
        change: format.signed(by, format.amount(Math.abs(by))), share,
        interval: reach ? `${format.signed(by - reach, format.amount(Math.abs(by - reach)))} to ${format.signed(by + reach, format.amount(Math.abs(by + reach)))}` : "–",
        says: node.place < 0 ? "not tested" : `${SAYS[finding(graph, node, own)]}${part.function.includes(node.place) ? ", as its function over all its places" : ""}`,
      };
    };
    return [line(false), line(true)];
  }

  return { drawBars, sign, rows, finding };
})();
