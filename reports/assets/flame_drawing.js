// How a graph is drawn on its canvas. Colour tells where code comes from and means nothing else.
const flameDrawing = (() => {
  "use strict";
  const { walk, isBelow } = flameTree, { of } = flameWords;
  const ROW = 21, PAD = 5, LEAST_PX = 0.5, LEAST_TEXT_PX = 26, MOST_PX = 800, MOST = 0.2;
  const FONT = '12px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif';
  const HUES = [212, 30, 150, 330, 265, 75, 185, 0, 110, 295];

  // ---- Colours --------------------------------------------------------------------------------------------------

  const hash = (text) => {
    let value = 7;
    for (const letter of text) value = (value * 31 + letter.codePointAt(0)) >>> 0;
    return value;
  };

  // Ten colours tell apart most of what is drawn: packages, and of a package that is most of it, its folders and files.
  function colourGroups(graph) {
    const weights = new Map();
    for (const node of walk(graph.top)) {
      const { path } = of(graph, node);
      if (path) weights.set(path, (weights.get(path) || 0) + node.weights[0] + (node.weights[1] || 0));
    }
    const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    let groups = grouped([...weights.keys()], weights, 1);
    for (let tries = 0; tries < 8; tries++) {
      const first = groups.find((group) => group.weight > MOST * total && group.paths.some((path) => path.split("/").length > group.level));
      if (!first) break;
      groups = [...groups.filter((group) => group !== first), ...grouped(first.paths, weights, first.level + 1)].sort((a, b) => b.weight - a.weight);
    }
    const shown = groups.slice(0, HUES.length);
    shown.forEach(({ paths }, place) => paths.forEach((path) => graph.hues.set(path, HUES[place])));
    return shown.map(({ name, paths }) => [name.replace(/\.py$/, "").split("/").slice(-2).join("/"), graph.hues.get(paths[0])]);
  }

  function grouped(paths, weights, level) {
    const groups = new Map();
    for (const path of paths) {
      const name = path.split("/").slice(0, level).join("/"), key = name.replace(/\.py$/, "");
      if (!groups.has(key)) groups.set(key, { name, level, weight: 0, paths: [] });
      const group = groups.get(key);
      group.weight += weights.get(path);
      group.paths.push(path);
    }
    return [...groups.values()].sort((a, b) => b.weight - a.weight);
  }

  function readTheme(graph) {
    const style = getComputedStyle(graph.box);
    const get = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    const theme = {
      fg: get("--fg", "#1b1f24"), bg: get("--bg", "#ffffff"), muted: get("--muted", "#5c6570"),
      accent: get("--accent", "#2f6fde"), panel: get("--panel", "#f5f7f9"), rule: get("--rule", "#d5dae0"),
    };
    const context = graph.canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = theme.bg;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    theme.dark = 0.3 * red + 0.6 * green + 0.1 * blue < 128;
    graph.theme = theme;
  }

  function colour(graph, node) {
    const { path } = of(graph, node), { dark } = graph.theme, hue = graph.hues.get(path);
    if (!path) return dark ? "hsl(215 8% 27%)" : "hsl(215 12% 88%)";
    // Functions that stand beside one another differ a little in lightness.
    const shade = (hash(node.name) % 3) * 3;
    if (hue === undefined) return dark ? `hsl(215 6% ${31 + shade}%)` : `hsl(215 8% ${79 + shade}%)`;
    return dark ? `hsl(${hue} 36% ${31 + shade}%)` : `hsl(${hue} 62% ${77 + shade}%)`;
  }

  // ---- Drawing --------------------------------------------------------------------------------------------------

  const scaleOf = (graph) => graph.width / (graph.zoom.width || 1);

  function boxOf(graph, node) {
    if (isBelow(graph.zoom, node)) return { x: 0, width: graph.width };
    const scale = scaleOf(graph);
    return { x: (node.x - graph.zoom.x) * scale, width: node.width * scale };
  }

  function* seen(graph) {
    for (let node = graph.zoom.parent; node; node = node.parent) yield node;
    const open = [graph.zoom], scale = scaleOf(graph);
    while (open.length) {
      const node = open.pop();
      yield node;
      for (const child of node.children) if (child.width * scale >= LEAST_PX) open.push(child);
      for (const caller of node.above) if (caller.width * scale >= LEAST_PX) open.push(caller);
    }
  }

  const rowOf = (graph, node) => (node.depth + graph.lift) * ROW;

  function resize(graph) {
    graph.width = graph.scroll.clientWidth;
    if (!graph.width) return;
    let lowest = 0, highest = 0;
    for (const { depth } of seen(graph)) [lowest, highest] = [Math.max(lowest, depth), Math.min(highest, depth)];
    graph.lift = -highest;
    const rows = lowest - highest + 1, room = Math.max(Math.floor(Math.min(0.7 * window.innerHeight, MOST_PX) / ROW), 5);
    // A row is shown as a whole or not at all.
    graph.height = Math.min(rows, room) * ROW;
    graph.space.style.height = `${rows * ROW}px`;
    graph.scroll.style.height = `${graph.height}px`;
    graph.hidden = rows * ROW - graph.height;
    const ratio = window.devicePixelRatio || 1;
    graph.canvas.width = Math.round(graph.width * ratio);
    graph.canvas.height = Math.round(graph.height * ratio);
    graph.canvas.style.height = `${graph.height}px`;
    readTheme(graph);
    colourLegend(graph);
    draw(graph);
  }

  function draw(graph) {
    if (!graph.width) return;
    const context = graph.canvas.getContext("2d"), ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = graph.theme.bg;
    context.fillRect(0, 0, graph.width, graph.height);
    context.font = FONT;
    context.textBaseline = "middle";
    for (const node of seen(graph)) {
      const y = rowOf(graph, node) - graph.scroll.scrollTop;
      if (y > -ROW && y < graph.height) drawNode(graph, context, node, y);
    }
    if (graph.focus) outline(graph, context, graph.base, graph.theme.fg, 1.5);
    if (graph.selected) outline(graph, context, graph.selected, graph.theme.fg, 2);
    const left = Math.round((graph.hidden - graph.scroll.scrollTop) / ROW);
    graph.deeper.textContent = left > 0 ? `▾ ${left} more ${left === 1 ? "row" : "rows"} below: scroll in the graph` : "";
  }

  function drawNode(graph, context, node, y) {
    const { x, width } = boxOf(graph, node);
    const inner = Math.max(width - 1, LEAST_PX), two = node.bars.length === 2;
    context.globalAlpha = graph.query && !node.matches ? 0.28 : 1;
    if (two) flameDifference.drawBars(graph, context, node, x, y, inner, ROW - 1, colour(graph, node));
    else {
      context.fillStyle = colour(graph, node);
      context.fillRect(x, y, inner, ROW - 1);
    }
    if (width >= LEAST_TEXT_PX) drawText(graph, context, node, Math.max(x, 0) + PAD, y + (ROW - 1) / 2, Math.min(width, graph.width) - 2 * PAD, two);
    context.globalAlpha = 1;
    if (graph.query && node.matches && width > 3) outline(graph, context, node, graph.theme.accent, 1.5);
  }

  function drawText(graph, context, node, x, y, room, two) {
    const { path, title: name } = of(graph, node), title = (two ? flameDifference.sign(graph, node) : "") + name;
    const shown = fit(context, title, room);
    context.fillStyle = graph.theme.fg;
    if (two) halo(graph, context, shown, x, y);
    context.fillText(shown, x, y);
    const used = context.measureText(shown).width + 8;
    if (shown !== title || !path || room - used < 60) return;
    context.fillStyle = graph.theme.fg;
    context.globalAlpha *= 0.62;
    context.fillText(fit(context, path, room - used), x + used, y);
  }

  // Text over hatching needs a ground of its own.
  function halo(graph, context, text, x, y) {
    context.strokeStyle = graph.theme.bg;
    context.lineWidth = 4;
    context.lineJoin = "round";
    const alpha = context.globalAlpha;
    context.globalAlpha = 0.85 * alpha;
    context.strokeText(text, x, y);
    context.globalAlpha = alpha;
  }

  function fit(context, text, room) {
    const line = text.slice(0, 300);
    if (context.measureText(line).width <= room) return line;
    let low = 0, high = line.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (context.measureText(`${line.slice(0, middle)}…`).width <= room) low = middle;
      else high = middle - 1;
    }
    return low > 1 ? `${line.slice(0, low)}…` : "";
  }

  function outline(graph, context, node, style, thick) {
    const { x, width } = boxOf(graph, node), y = rowOf(graph, node) - graph.scroll.scrollTop;
    context.strokeStyle = style;
    context.lineWidth = thick;
    context.strokeRect(x + thick / 2, y + thick / 2, Math.max(width - 1 - thick, 1), ROW - 1 - thick);
  }

  function colourLegend(graph) {
    graph.packages.hidden = graph.data.sides.length > 1 && graph.by !== "packages";
    for (const item of graph.packages.children) item.firstChild.style.background = `hsl(${item.dataset.hue} ${graph.theme.dark ? "36% 40%" : "62% 77%"})`;
  }

  return { ROW, LEAST_TEXT_PX, hash, colourGroups, seen, boxOf, rowOf, scaleOf, resize, draw };
})();
