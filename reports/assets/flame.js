// Flame graphs on canvas. Each `.flame-graph` draws the JSON that follows it; nothing is fetched, and every name
// reaches the page as text only. A caller stands above what it calls.
const flameGraph = (() => {
  "use strict";
  const { read, around, layOut, walk, isBelow } = flameTree, { of, digits, amount, percent, signed } = flameWords;
  const { ROW, LEAST_TEXT_PX, hash, colourGroups, seen, boxOf, rowOf, scaleOf, resize, draw } = flameDrawing;
  const KEYS_HELP = "Arrow keys move, Enter zooms in, Backspace zooms out, s shows callers and callees, Escape shows all, / searches.";

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- What is pointed at ---------------------------------------------------------------------------------------

  function nodeAt(graph, event) {
    const room = graph.canvas.getBoundingClientRect(), x = event.clientX - room.left, y = event.clientY - room.top + graph.scroll.scrollTop;
    for (const node of seen(graph)) {
      const row = rowOf(graph, node), place = y >= row && y < row + ROW && boxOf(graph, node);
      if (place && x >= place.x && x < place.x + place.width) return node;
    }
    return null;
  }

  const operationOf = (graph, node) => {
    if (graph.focus) return graph.operation;
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
    const root = operationOf(graph, node);
    return root.name.startsWith(graph.data.marker) && graph.data.per !== "in all" ? `per ${of(graph, root).title.slice(0, 60)} request` : graph.data.per;
  }

  function showTip(graph, node, event) {
    if (!node) return void (graph.tip.hidden = true);
    const { title, place } = of(graph, node);
    const cells = (tag, row) => make("tr", {}, ...row.map((text, i) => make(i ? tag : "th", { textContent: text })));
    const heads = [perOf(graph, node), "whole", "share", "own", ...(graph.data.sampled ? ["samples"] : [])];
    const table = make("table", {}, cells("th", heads), ...[...numbers(graph, node), ...changeRows(graph, node)].map((row) => cells("td", row)));
    const root = operationOf(graph, node), operation = root.depth && root !== node ? ` · ${of(graph, root).title}` : "";
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
    return [text("Total", whole), text("Self", own)];
  }

  function say(graph) {
    const node = graph.selected || graph.zoom, { title, place } = of(graph, node);
    const facts = numbers(graph, node).map(([label, whole, share, own]) => `${label}: ${whole} (${share}), own ${own}`).join(" · ");
    const [change] = changeRows(graph, node), more = change ? ` · change: ${change[1]} (${change[2]}), own ${change[3]}. ${saysOf(graph, node).join(" ")}` : "";
    graph.said.replaceChildren(make("b", { textContent: title }), ` ${facts}${more}`, make("span", { className: "flame-path", textContent: place || KEYS_HELP }));
  }

  // ---- What the reader does -------------------------------------------------------------------------------------

  function select(graph, node) {
    graph.selected = node;
    if (node) {
      const y = rowOf(graph, node), { scroll } = graph;
      if (y < scroll.scrollTop) scroll.scrollTop = y;
      if (y + ROW > scroll.scrollTop + graph.height) scroll.scrollTop = y + ROW - graph.height;
    }
    graph.sandwich.disabled = !canFocus(node);
    say(graph);
    draw(graph);
  }

  function zoomTo(graph, node) {
    graph.zoom = isBelow(node, graph.base) ? node : graph.base;
    graph.reset.disabled = graph.zoom === graph.base && !graph.focus;
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
    op: graph.operation === graph.top ? "" : graph.operation.name, f: graph.focus ? graph.base.name : "", all: graph.folds ? "" : "1", view: graph.view === "union" ? "" : graph.view, by: graph.by === "whole" ? "" : graph.by,
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
    if (state.all) showPlumbing(graph, true);
    pickOperation(graph, graph.picker.value);
    const focus = graph.data.names.indexOf(state.f);
    if (focus >= 0) focusOn(graph, focus);
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
    graph.operation = place === "" ? graph.top : graph.top.children[Number(place)];
    show(graph, graph.operation);
  }

  // All of an operation, or one function of it with its callers above and what it calls below.
  function show(graph, base) {
    graph.base = base;
    graph.focus = base !== graph.operation;
    graph.title.textContent = graph.focus ? `${of(graph, base).title}: who calls it stands above, what it calls below, over all its places.` : "";
    layOut(graph);
    search(graph, graph.query);
    zoomTo(graph, base);
    graph.scroll.scrollTop = rowOf(graph, base) - graph.height / 2;
  }

  const canFocus = (node) => Boolean(node && node.number >= 0 && node.name.endsWith(")") && !node.name.startsWith("("));

  function focusOn(graph, number) {
    const found = around(graph.data, graph.operation, number) || around(graph.data, graph.whole(), number);
    if (found) show(graph, found);
  }

  function showPlumbing(graph, shows) {
    graph.folds = !shows;
    graph.plumbing.checked = shows;
    const focus = graph.focus ? graph.base.number : -1;
    graph.top = read(graph.data, graph.folds);
    pickOperation(graph, graph.picker.value);
    if (focus >= 0) focusOn(graph, focus);
  }

  function search(graph, query) {
    graph.query = query.trim().toLowerCase();
    for (const node of walk(graph.focus ? graph.base : graph.top)) node.matches = graph.query !== "" && node.name.toLowerCase().includes(graph.query);
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
    if (key === "ArrowDown" || key === "ArrowUp") return stepAcross(graph, node, (key === "ArrowDown") === (node.depth >= 0));
    const row = node.parent && isBelow(node.parent, graph.zoom) ? (node.depth === -1 ? node.parent.above : node.parent.children) : [node];
    return row[row.indexOf(node) + (key === "ArrowRight" ? 1 : -1)] || node;
  }

  function stepAcross(graph, node, outwards) {
    if (!outwards) return node !== graph.base && node.parent ? node.parent : node.above[0] || node;
    return isBelow(graph.zoom, node) && node !== graph.zoom ? childTowards(graph, node) : node.children[0] || node;
  }

  const childTowards = (graph, node) => [...node.children, ...node.above].find((child) => isBelow(graph.zoom, child));

  const showAll = (graph) => (graph.zoom === graph.base && graph.focus ? show(graph, graph.operation) : zoomTo(graph, graph.base));

  function onKey(graph, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      Enter: () => graph.selected && zoomTo(graph, graph.selected),
      Backspace: () => zoomTo(graph, graph.zoom.parent || graph.base),
      Escape: () => showAll(graph),
      s: () => canFocus(graph.selected) && focusOn(graph, graph.selected.number),
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
    graph.sandwich = make("button", { type: "button", textContent: "Callers and callees", title: "Of the selected function, over all its places (key s)", disabled: true });
    graph.plumbing = make("input", { type: "checkbox" });
    const { folded } = graph.top, plumbing = folded ? [make("label", { className: "flame-plumbing", title: "Frames of threads, event loops and the load generator that only pass a call on" }, graph.plumbing, ` Framework frames (${folded})`)] : [];
    graph.picker = make("select", { ariaLabel: "Operation" }, make("option", { value: "", textContent: "All operations" }));
    graph.top.children.forEach((node, place) => graph.picker.append(make("option", { value: place, textContent: of(graph, node).title.slice(0, 120) })));
    graph.modes = graph.data.sides.length < 2 ? {} : {
      view: modes(graph, "view", "Sides", [["union", "Both sides"], ["before", `Only ${graph.data.sides[0].label}`], ["after", `Only ${graph.data.sides[1].label}`]]),
      by: modes(graph, "by", "Colour", [["whole", "Colour: change of total"], ["own", "Colour: change of self"], ["packages", "Colour: packages"]]),
      ...(graph.data.per === "in all" ? {} : { per: modes(graph, "per", "Width", [["request", "Width: per request"], ["share", "Width: share of all"]]) }),
    };
    return make("div", { className: "flame-tools" }, graph.picker, ...Object.values(graph.modes), graph.input, graph.sandwich, graph.reset, ...plumbing, graph.found);
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
    graph.reset.addEventListener("click", () => showAll(graph));
    graph.sandwich.addEventListener("click", () => { focusOn(graph, graph.selected.number); graph.canvas.focus(); });
    graph.plumbing.addEventListener("change", () => showPlumbing(graph, graph.plumbing.checked));
    graph.picker.addEventListener("change", () => pickOperation(graph, graph.picker.value));
    new ResizeObserver(() => graph.scroll.clientWidth !== graph.width && resize(graph)).observe(graph.scroll);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => resize(graph));
    new MutationObserver(() => resize(graph)).observe(document.documentElement, { attributes: true });
  }

  // A function of the tables opens in the graph.
  function offerFunctions(graph, figure) {
    for (const code of figure.querySelectorAll("code[data-name]")) {
      const button = make("button", { type: "button", className: "flame-open", title: "Show its callers and callees in the graph", textContent: code.textContent });
      button.addEventListener("click", () => {
        const place = graph.top.children.findIndex((node) => of(graph, node).title === code.dataset.root);
        graph.picker.value = place < 0 ? "" : place;
        pickOperation(graph, graph.picker.value);
        focusOn(graph, Number(code.dataset.name));
        graph.canvas.focus({ preventScroll: true });
        graph.box.scrollIntoView({ block: "nearest" });
      });
      code.replaceChildren(button);
    }
  }

  // Draws the graph of a figure if that was not done yet.
  function start(figure) {
    const box = figure.querySelector(".flame-graph");
    if (figure.flame || !box) return;
    const data = JSON.parse(figure.querySelector(".flame-data").textContent);
    const top = read(data, true);
    const graph = { box, data, top, zoom: top, base: top, operation: top, focus: false, folds: true, lift: 0, hidden: 0, selected: null, query: "", hues: new Map(), words: [], width: 0, height: 0, view: "union", by: "whole", per: "request", key: figure.dataset.key };
    let whole = null;
    graph.whole = () => (whole = whole || read(data, false));
    layOut(graph);
    graph.canvas = make("canvas", { tabIndex: 0, role: "application", ariaLabel: `Flame graph. ${KEYS_HELP} The tables below hold the same numbers.` });
    graph.space = make("div", {}, graph.canvas);
    graph.scroll = make("div", { className: "flame-scroll" }, graph.space);
    graph.said = make("p", { className: "flame-said", ariaLive: "polite" });
    graph.tip = make("div", { className: "flame-tip", hidden: true });
    graph.title = make("p", { className: "flame-title", role: "status" });
    graph.deeper = make("p", { className: "flame-deeper" });
    graph.packages = make("ul", { className: "flame-packages" }, ...colourGroups(graph).map(([name, hue]) => {
      const item = make("li", {}, make("i", {}), name);
      item.dataset.hue = hue;
      return item;
    }));
    box.replaceChildren(tools(graph), graph.title, graph.scroll, graph.deeper, graph.said, graph.packages, exports(graph), graph.tip);
    listen(graph);
    resize(graph);
    say(graph);
    graph.isReady = true;
    offerFunctions(graph, figure);
    figure.flame = { restore: (state) => restore(graph, state), state: () => stateOf(graph) };
  }

  return { start };
})();
