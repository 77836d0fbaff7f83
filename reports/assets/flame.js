// Flame graphs on canvas. Each `.flame-graph` draws the JSON that follows it; nothing is fetched, and every name
// reaches the page as text only. A caller stands above what it calls.
const flameGraph = (() => {
  "use strict";
  const ROW = 21, PAD = 5, LEAST_PX = 0.5, LEAST_TEXT_PX = 26;
  const FONT = '12px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif';
  const HUES = [212, 30, 150, 330, 265, 75, 185, 0, 110, 295];
  const KEYS_HELP = "Arrow keys move, Enter zooms in, Backspace zooms out, Escape shows all, / searches.";

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- Data -----------------------------------------------------------------------------------------------------

  function readTree(data) {
    const top = newNode("all", null, data.sides.map((side) => side.total), 0, -1, -1);
    const open = [top];
    data.name.forEach((number, place) => {
      open.length = data.depth[place] + 1;
      const parent = open[data.depth[place]];
      const weights = data.weights.map((column) => column[place]);
      const node = newNode(data.names[number], parent, weights, data.lines[number], place, number);
      parent.children.push(node);
      open.push(node);
    });
    return top;
  }

  function newNode(name, parent, weights, line, place, number) {
    const depth = parent ? parent.depth + 1 : 0;
    return { name, parent, weights, line, place, number, depth, children: [], own: [], bars: [], shown: [], ownShown: [], width: 0, x: 0, matches: false };
  }

  // Where the requests of each operation are known, an operation's weights are given per request of its own.
  function requestsOf(data, base, side) {
    const { requests } = data.sides[side];
    const operation = base.name.startsWith(data.marker) ? base.name.slice(data.marker.length) : "";
    return Math.max(Object.hasOwn(requests, operation) ? requests[operation] : requests[""], 1);
  }

  // What is said of a frame is per request of its own operation; without operations, per request of all.
  function countPerRequest(data, top) {
    const nodes = [...walk(top)];
    for (const node of nodes) node.own = node.weights.slice();
    for (const { parent, weights } of nodes) if (parent) weights.forEach((weight, side) => (parent.own[side] -= weight));
    for (const node of nodes) {
      const root = node.depth ? operationOf(node) : node;
      // What is left of a subtraction of equals is nothing.
      node.own = node.own.map((own, side) => (own > 1e-9 * node.weights[side] ? own : 0));
      const per = data.sides.map((side, place) => side.scale / requestsOf(data, root, place));
      [node.shown, node.ownShown] = [node.weights, node.own].map((values) => values.map((value, side) => value * per[side]));
    }
  }

  // A frame is as wide as its own weight, the larger of both sides, and all that stands on it: so a frame that only
  // one side has keeps its place, and no child leaves its parent. Iterative: stacks may be a thousand deep.
  function layOut(graph) {
    const { data, base } = graph, order = [base];
    const whole = data.sides.map((side, place) => (graph.per === "share" ? base.weights[place] || 1 : requestsOf(data, base, place) / side.scale));
    const larger = { before: (values) => values[0], after: (values) => values[1] }[graph.view] || ((values) => Math.max(...values));
    for (let i = 0; i < order.length; i++) order.push(...order[i].children);
    for (const node of order.slice().reverse()) {
      node.bars = node.weights.map((weight, side) => weight / whole[side]);
      node.width = node.children.reduce((sum, child) => sum + child.width, larger(node.own.map((own, side) => own / whole[side])));
    }
    base.x = 0;
    for (const node of order) {
      let x = node.x;
      for (const child of node.children) [child.x, x] = [x, x + child.width];
    }
  }

  function* walk(node) {
    const open = [node];
    while (open.length) {
      const next = open.pop();
      yield next;
      for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i]);
    }
  }

  const isBelow = (node, ancestor) => {
    while (node && node !== ancestor) node = node.parent;
    return node === ancestor;
  };

  // ---- Words ----------------------------------------------------------------------------------------------------

  const digits = (value) => {
    const size = Math.abs(value);
    if (value === 0) return "0";
    // Not toLocaleString: the first use of it takes longer than laying out the graph.
    return size >= 100 ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",") : String(Number(value.toPrecision(3)));
  };
  const scaled = (value, steps) => {
    const [size, unit] = steps.find(([least]) => Math.abs(value) >= least) || steps[steps.length - 1];
    return `${digits(value / size)} ${unit}`;
  };
  const amount = (value, unit) => {
    if (unit === "bytes") return scaled(value, [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"], [1, "B"]]);
    if (unit === "ns") return scaled(value, [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]]);
    return `${digits(value)} ${unit}`;
  };
  const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");
  const signed = (value, text) => (value > 0 ? "+" : value < 0 ? "−" : "±") + text;

  function words(graph, node) {
    const name = node.name.startsWith(graph.data.marker) ? node.name.slice(graph.data.marker.length) : node.name;
    const cut = node.name.startsWith(graph.data.marker) || !name.endsWith(")") ? -1 : name.lastIndexOf(" (");
    const path = cut > 0 ? name.slice(cut + 2, -1) : "";
    return { title: cut > 0 ? name.slice(0, cut) : name, path, place: node.line ? `${path}:${node.line}` : path };
  }

  // ---- Colours --------------------------------------------------------------------------------------------------

  const hash = (text) => {
    let value = 7;
    for (const letter of text) value = (value * 31 + letter.codePointAt(0)) >>> 0;
    return value;
  };
  const packageOf = (path) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.py$/, ""));

  // The heaviest packages get a hue each; the rest share grey. Modules of one package differ a little in lightness.
  function colourPackages(graph) {
    const weights = new Map();
    for (const node of walk(graph.top)) {
      const name = packageOf(words(graph, node).path);
      if (name) weights.set(name, (weights.get(name) || 0) + Math.max(...node.ownShown));
    }
    const ranked = [...weights].sort((a, b) => b[1] - a[1]).slice(0, HUES.length).map(([name]) => name);
    ranked.forEach((name, place) => graph.hues.set(name, HUES[place]));
    return ranked;
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
    const { path } = words(graph, node);
    const hue = graph.hues.get(packageOf(path));
    const shade = (hash(path) % 3) * 3;
    if (!path) return graph.theme.dark ? "hsl(215 8% 27%)" : "hsl(215 12% 88%)";
    if (hue === undefined) return graph.theme.dark ? `hsl(215 6% ${31 + shade}%)` : `hsl(215 8% ${79 + shade}%)`;
    return graph.theme.dark ? `hsl(${hue} 36% ${31 + shade}%)` : `hsl(${hue} 62% ${77 + shade}%)`;
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
    }
  }

  function resize(graph) {
    graph.width = graph.scroll.clientWidth;
    if (!graph.width) return;
    let depth = 0;
    for (const node of seen(graph)) depth = Math.max(depth, node.depth);
    const whole = (depth + 1) * ROW;
    graph.space.style.height = `${whole}px`;
    graph.height = Math.min(whole, graph.scroll.clientHeight || whole);
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
      const y = node.depth * ROW - graph.scroll.scrollTop;
      if (y > -ROW && y < graph.height) drawNode(graph, context, node, y);
    }
    if (graph.selected) outline(graph, context, graph.selected, graph.theme.fg, 2);
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
    const words_ = words(graph, node), { path } = words_, title = (two ? flameDifference.sign(graph, node) : "") + (node.parent ? words_.title : "All stacks");
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
    const { x, width } = boxOf(graph, node), y = node.depth * ROW - graph.scroll.scrollTop;
    context.strokeStyle = style;
    context.lineWidth = thick;
    context.strokeRect(x + thick / 2, y + thick / 2, Math.max(width - 1 - thick, 1), ROW - 1 - thick);
  }

  function colourLegend(graph) {
    graph.packages.hidden = graph.data.sides.length > 1 && graph.by !== "packages";
    for (const item of graph.packages.children) {
      item.firstChild.style.background = `hsl(${graph.hues.get(item.dataset.name)} ${graph.theme.dark ? "36% 40%" : "62% 77%"})`;
    }
  }

  // ---- What is pointed at ---------------------------------------------------------------------------------------

  function nodeAt(graph, event) {
    const box = graph.canvas.getBoundingClientRect();
    const x = event.clientX - box.left, depth = Math.floor((event.clientY - box.top + graph.scroll.scrollTop) / ROW);
    let node = graph.top;
    while (node && node.depth < depth) {
      node = node.children.find((child) => {
        const place = boxOf(graph, child);
        return (isBelow(graph.zoom, child) || isBelow(child, graph.zoom)) && x >= place.x && x < place.x + place.width;
      });
    }
    return node && node.depth === depth ? node : null;
  }

  const operationOf = (node) => {
    while (node.depth > 1) node = node.parent;
    return node;
  };

  function numbers(graph, node) {
    const { unit, sides } = graph.data, root = graph.base;
    return sides.map((side, place) => [
      side.label, amount(node.shown[place], unit), percent(node.weights[place], root.weights[place]), amount(node.ownShown[place], unit),
      ...(graph.data.sampled ? [digits(node.weights[place])] : []),
    ]);
  }

  const format = (graph) => ({ amount: (value) => amount(value, graph.data.unit), digits, signed });

  function changeRows(graph, node) {
    if (graph.data.sides.length < 2) return [];
    const [whole, own] = flameDifference.rows(graph, node, format(graph));
    return [["change", whole.change, whole.share, own.change]];
  }

  function perOf(graph, node) {
    const root = node.depth ? operationOf(node) : node;
    return root.name.startsWith(graph.data.marker) && graph.data.per !== "in all" ? `per ${words(graph, root).title.slice(0, 60)} request` : graph.data.per;
  }

  function showTip(graph, node, event) {
    if (!node) return void (graph.tip.hidden = true);
    const { title, place } = words(graph, node);
    const cells = (tag, row) => make("tr", {}, ...row.map((text, i) => make(i ? tag : "th", { textContent: text })));
    const heads = [perOf(graph, node), "whole", "share", "own", ...(graph.data.sampled ? ["samples"] : [])];
    const table = make("table", {}, cells("th", heads), ...[...numbers(graph, node), ...changeRows(graph, node)].map((row) => cells("td", row)));
    const operation = node.depth > 1 ? ` · ${words(graph, operationOf(node)).title}` : "";
    graph.tip.replaceChildren(make("b", { textContent: title.slice(0, 400) }), make("span", { className: "flame-path", textContent: (place + operation).slice(0, 400) }), table, ...saysOf(graph, node).map((text) => make("p", { textContent: text })));
    graph.tip.hidden = false;
    const room = graph.tip.getBoundingClientRect();
    const x = Math.min(event.clientX + 14, window.innerWidth - room.width - 8);
    const y = event.clientY + 18 + room.height > window.innerHeight ? event.clientY - room.height - 12 : event.clientY + 18;
    Object.assign(graph.tip.style, { left: `${Math.max(x, 4)}px`, top: `${Math.max(y, 4)}px` });
  }

  function saysOf(graph, node) {
    if (graph.data.sides.length < 2 || node.place < 0) return [];
    const [whole, own] = flameDifference.rows(graph, node, format(graph));
    const text = (what, { says, interval }) => `${what}: ${says}${interval === "–" ? "" : ` (95 % interval ${interval})`}.`;
    return [text("Whole", whole), text("Own", own)];
  }

  function say(graph) {
    const node = graph.selected || graph.zoom, { title, place } = words(graph, node);
    const facts = numbers(graph, node).map(([label, whole, share, own]) => `${label}: ${whole} (${share}), own ${own}`).join(" · ");
    const [change] = changeRows(graph, node), more = change ? ` · change: ${change[1]} (${change[2]}), own ${change[3]}. ${saysOf(graph, node).join(" ")}` : "";
    graph.said.replaceChildren(make("b", { textContent: node.parent ? title : "All stacks" }), ` ${facts}${more}`, make("span", { className: "flame-path", textContent: place || KEYS_HELP }));
  }

  // ---- What the reader does -------------------------------------------------------------------------------------

  function select(graph, node) {
    graph.selected = node;
    if (node) {
      const y = node.depth * ROW, scroll = graph.scroll;
      if (y < scroll.scrollTop) scroll.scrollTop = y;
      if (y + ROW > scroll.scrollTop + graph.height) scroll.scrollTop = y + ROW - graph.height;
    }
    say(graph);
    draw(graph);
  }

  function zoomTo(graph, node) {
    graph.zoom = isBelow(node, graph.base) ? node : graph.base;
    graph.reset.disabled = graph.zoom === graph.base;
    resize(graph);
    select(graph, graph.zoom === graph.top ? null : graph.zoom);
    keep(graph);
  }

  // ---- State: all that another reader needs to see the same, names of frames as a short hash of their path --------

  const pathOf = (node) => {
    const names = [];
    for (; node.parent; node = node.parent) names.unshift(node.name);
    return names.length ? hash(names.join("\n")).toString(36) : "";
  };

  const stateOf = (graph) => ({
    op: graph.base === graph.top ? "" : graph.base.name, view: graph.view === "union" ? "" : graph.view, by: graph.by === "whole" ? "" : graph.by,
    per: graph.per === "request" ? "" : graph.per, q: graph.query, z: graph.zoom === graph.base ? "" : pathOf(graph.zoom),
  });

  const keep = (graph) => graph.isReady && graph.box.dispatchEvent(new CustomEvent("flame-state", { bubbles: true, detail: stateOf(graph) }));

  function restore(graph, state) {
    graph.isReady = false;
    for (const [name, picker] of Object.entries(graph.modes)) {
      if ([...picker.options].some((option) => option.value === state[name])) graph[name] = picker.value = state[name];
    }
    const operation = graph.top.children.findIndex((node) => node.name === state.op);
    graph.picker.value = operation < 0 ? "" : operation;
    graph.input.value = graph.query = state.q || "";
    pickOperation(graph, graph.picker.value);
    const zoom = state.z && [...walk(graph.base)].find((node) => pathOf(node) === state.z);
    if (zoom) zoomTo(graph, zoom);
    else if (graph.query) nextMatch(graph);
    graph.isReady = true;
  }

  function setMode(graph, name, value) {
    graph[name] = value;
    layOut(graph);
    resize(graph);
    say(graph);
    keep(graph);
  }

  function pickOperation(graph, place) {
    graph.base = place === "" ? graph.top : graph.top.children[Number(place)];
    layOut(graph);
    search(graph, graph.query);
    zoomTo(graph, graph.base);
  }

  function search(graph, query) {
    graph.query = query.trim().toLowerCase();
    for (const node of walk(graph.top)) node.matches = graph.query !== "" && node.name.toLowerCase().includes(graph.query);
    graph.found.textContent = graph.query ? describeMatches(graph) : "";
    draw(graph);
    keep(graph);
  }

  // Frames that stand on a match belong to it already: count the outermost ones only.
  function describeMatches(graph) {
    const sums = graph.data.sides.map(() => 0), open = [graph.base];
    let count = 0;
    for (const node of walk(graph.base)) count += node.matches;
    while (open.length) {
      const node = open.pop();
      if (node.matches) node.weights.forEach((weight, side) => (sums[side] += weight));
      else open.push(...node.children);
    }
    if (!count) return "nothing found";
    const shares = sums.map((sum, side) => percent(sum, graph.base.weights[side]));
    return `${count} ${count === 1 ? "frame" : "frames"}, ${shares.length === 1 ? `${shares[0]} of the whole` : graph.data.sides.map((side, i) => `${side.label} ${shares[i]}`).join(", ")}`;
  }

  function nextMatch(graph) {
    const matches = [...walk(graph.base)].filter((node) => node.matches);
    if (!matches.length) return;
    graph.match = (matches.indexOf(graph.selected) + 1) % matches.length;
    const node = matches[graph.match];
    if (!isBelow(node, graph.zoom) || node.width * scaleOf(graph) < LEAST_TEXT_PX) zoomTo(graph, node);
    select(graph, node);
  }

  function step(graph, key) {
    const node = graph.selected;
    if (!node) return graph.zoom;
    if (key === "ArrowDown") return isBelow(graph.zoom, node) && node !== graph.zoom ? childTowards(graph, node) : node.children[0] || node;
    if (key === "ArrowUp") return node.parent && node !== graph.base ? node.parent : node;
    const row = node.parent && isBelow(node.parent, graph.zoom) ? node.parent.children : [node];
    return row[row.indexOf(node) + (key === "ArrowRight" ? 1 : -1)] || node;
  }

  const childTowards = (graph, node) => node.children.find((child) => isBelow(graph.zoom, child));

  function onKey(graph, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      Enter: () => graph.selected && zoomTo(graph, graph.selected),
      Backspace: () => zoomTo(graph, graph.zoom.parent || graph.top),
      Escape: () => zoomTo(graph, graph.base),
      "/": () => graph.input.focus(),
      n: () => nextMatch(graph),
    };
    const action = event.key.startsWith("Arrow") ? () => select(graph, step(graph, event.key)) : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  function onSearchKey(graph, event) {
    if (event.key === "Enter") nextMatch(graph);
    else if (event.key === "Escape") {
      graph.input.value = "";
      search(graph, "");
      graph.canvas.focus();
    } else return;
    event.preventDefault();
  }

  // ---- Start ----------------------------------------------------------------------------------------------------

  function tools(graph) {
    graph.input = make("input", { type: "search", placeholder: "Search functions and files", ariaLabel: "Search functions and files" });
    graph.found = make("span", { className: "flame-found", role: "status" });
    graph.reset = make("button", { type: "button", textContent: "Show all", disabled: true });
    graph.picker = make("select", { ariaLabel: "Operation" }, make("option", { value: "", textContent: "All operations" }));
    graph.top.children.forEach((node, place) => graph.picker.append(make("option", { value: place, textContent: words(graph, node).title.slice(0, 120) })));
    graph.modes = graph.data.sides.length < 2 ? {} : {
      view: modes(graph, "view", "Sides", [["union", "Both sides"], ["before", `Only ${graph.data.sides[0].label}`], ["after", `Only ${graph.data.sides[1].label}`]]),
      by: modes(graph, "by", "Colour", [["whole", "Colour: change of whole"], ["own", "Colour: change of own"], ["packages", "Colour: packages"]]),
      ...(graph.data.per === "in all" ? {} : { per: modes(graph, "per", "Width", [["request", "Width: per request"], ["share", "Width: share of all"]]) }),
    };
    return make("div", { className: "flame-tools" }, graph.picker, ...Object.values(graph.modes), graph.input, graph.reset, graph.found);
  }

  function modes(graph, name, label, options) {
    const picker = make("select", { ariaLabel: label }, ...options.map(([value, text]) => make("option", { value, textContent: text.slice(0, 60) })));
    picker.addEventListener("change", () => setMode(graph, name, picker.value));
    return picker;
  }

  const exports = (graph) => make("p", { className: "flame-exports" }, "Save what is shown: ", ...flameExport.choices(graph).map(([text, save]) => {
    const button = make("button", { type: "button", textContent: text.slice(0, 80) });
    button.addEventListener("click", save);
    return button;
  }));

  function listen(graph) {
    graph.canvas.addEventListener("mousemove", (event) => showTip(graph, nodeAt(graph, event), event));
    graph.canvas.addEventListener("mouseleave", () => (graph.tip.hidden = true));
    graph.canvas.addEventListener("click", (event) => {
      const node = nodeAt(graph, event);
      if (node) zoomTo(graph, node);
    });
    graph.canvas.addEventListener("keydown", (event) => onKey(graph, event));
    graph.canvas.addEventListener("focus", () => graph.selected || select(graph, graph.zoom));
    graph.scroll.addEventListener("scroll", () => { graph.tip.hidden = true; draw(graph); });
    graph.input.addEventListener("input", () => search(graph, graph.input.value));
    graph.input.addEventListener("keydown", (event) => onSearchKey(graph, event));
    graph.reset.addEventListener("click", () => zoomTo(graph, graph.base));
    graph.picker.addEventListener("change", () => pickOperation(graph, graph.picker.value));
    new ResizeObserver(() => graph.scroll.clientWidth !== graph.width && resize(graph)).observe(graph.scroll);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => resize(graph));
    new MutationObserver(() => resize(graph)).observe(document.documentElement, { attributes: true });
  }

  // Draws the graph of a figure if that was not done yet.
  function start(figure) {
    const box = figure.querySelector(".flame-graph");
    if (figure.flame || !box) return;
    const data = JSON.parse(figure.querySelector(".flame-data").textContent);
    const top = readTree(data);
    countPerRequest(data, top);
    const graph = { box, data, top, zoom: top, base: top, selected: null, query: "", hues: new Map(), width: 0, height: 0, view: "union", by: "whole", per: "request", key: figure.dataset.key };
    layOut(graph);
    graph.canvas = make("canvas", { tabIndex: 0, role: "application", ariaLabel: `Flame graph. ${KEYS_HELP} The tables below hold the same numbers.` });
    graph.space = make("div", {}, graph.canvas);
    graph.scroll = make("div", { className: "flame-scroll" }, graph.space);
    graph.said = make("p", { className: "flame-said", ariaLive: "polite" });
    graph.tip = make("div", { className: "flame-tip", hidden: true });
    graph.packages = make("ul", { className: "flame-packages" }, ...colourPackages(graph).map((name) => {
      const item = make("li", {}, make("i", {}), name);
      item.dataset.name = name;
      return item;
    }));
    box.replaceChildren(tools(graph), graph.scroll, graph.said, graph.packages, exports(graph), graph.tip);
    listen(graph);
    resize(graph);
    say(graph);
    graph.isReady = true;
    figure.flame = { restore: (state) => restore(graph, state), state: () => stateOf(graph) };
  }

  return { start };
})();
