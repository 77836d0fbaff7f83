// The tree behind a graph: as the page holds it, as seen from one function, and laid out. A caller stands above what
// it calls; of one function's callers the depth is negative.
const flameTree = (() => {
  "use strict";
  const PASSED_ON = 0.01;

  function newNode(name, parent, weights, line, place, number, depth) {
    return { name, parent, weights, line, place, number, depth, children: [], above: [], own: [], bars: [], shown: [], ownShown: [], width: 0, x: 0, matches: false };
  }

  // Iterative, as all here: stacks may be a thousand deep.
  function* walk(node) {
    const open = [node];
    while (open.length) {
      const next = open.pop();
      yield next;
      for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i]);
      for (const caller of next.above) open.push(caller);
    }
  }

  const isBelow = (node, ancestor) => {
    while (node && node !== ancestor) node = node.parent;
    return node === ancestor;
  };

  // ---- As the page holds it -------------------------------------------------------------------------------------

  function read(data, folds) {
    const top = newNode("all", null, data.sides.map((side) => side.total), 0, -1, -1, 0);
    const open = [top];
    data.name.forEach((number, place) => {
      const depth = data.depth[place], parent = open[depth];
      const node = newNode(data.names[number], parent, data.weights.map((column) => column[place]), data.lines[number], place, number, depth + 1);
      parent.children.push(node);
      open[depth + 1] = node;
    });
    setOwn(top);
    top.folded = folds ? fold(top, new Set(data.plumbing)) : 0;
    count(data, [top], requestsOf(data, top));
    for (const root of top.children) count(data, walk(root), requestsOf(data, root));
    return top;
  }

  function setOwn(top) {
    const nodes = [...walk(top)];
    for (const node of nodes) node.own = node.weights.slice();
    for (const { parent, weights, depth } of nodes) if (parent && (parent.depth || depth > 0)) weights.forEach((weight, side) => (parent.own[side] -= weight));
    // What is left of a subtraction of equals is nothing.
    for (const node of nodes) node.own.forEach((own, side) => { if (own <= 1e-9 * node.weights[side]) node.own[side] = 0; });
  }

  // What only passes a call on (the start of a thread, the driver, the hub) gives its place to what it calls.
  function fold(top, plumbing) {
    const passes = (node) => node.depth > 1 && plumbing.has(node.number) && node.children.length === 1 && node.own.every((own, side) => own <= PASSED_ON * node.weights[side]);
    const nodes = [...walk(top)];
    let folded = 0;
    for (const node of nodes.reverse()) {
      node.children = node.children.flatMap((child) => (passes(child) ? (folded++, child.children) : [child]));
    }
    for (const node of walk(top)) for (const child of node.children) [child.parent, child.depth] = [node, node.depth + 1];
    setOwn(top);
    return folded;
  }

  // Where the requests of each operation are known, an operation's weights are given per request of its own.
  function requestsOf(data, root) {
    const operation = root.name.startsWith(data.marker) ? root.name.slice(data.marker.length) : "";
    return data.sides.map(({ requests }) => Math.max(Object.hasOwn(requests, operation) ? requests[operation] : requests[""], 1));
  }

  // What is said of a frame is per request of its own operation; without operations, per request of all.
  function count(data, nodes, requests) {
    const per = data.sides.map((side, place) => side.scale / requests[place]);
    for (const node of nodes) {
      node.shown = node.weights.map((weight, side) => weight * per[side]);
      node.ownShown = node.own.map((own, side) => own * per[side]);
    }
  }

  // ---- As seen from one function --------------------------------------------------------------------------------

  // Return one function over all its places below `base`: what it calls under it, and over it who calls it, each merged.
  // Its calls of itself stand under it and are counted once. Null where it is not.
  function around(data, base, number) {
    let root = null;
    for (const node of walk(base)) {
      if (node.number !== number || hasAbove(node, number)) continue;
      root = root || newNode(node.name, null, data.sides.map(() => 0), node.line, -1, number, 0);
      addTo(root, node);
      mergeCallees(root, node);
      let at = root;
      for (let caller = node.parent; caller && caller.place >= 0; caller = caller.parent) at = join(at, at === root ? at.above : at.children, caller, node, -1);
    }
    if (!root) return null;
    for (const node of walk(root)) for (const list of [node.children, node.above]) list.sort((a, b) => Math.max(...b.weights) - Math.max(...a.weights));
    setOwn(root);
    count(data, walk(root), requestsOf(data, base));
    return root;
  }

  function hasAbove(node, number) {
    for (node = node.parent; node; node = node.parent) if (node.number === number) return true;
    return false;
  }

  const addTo = (target, source) => source.weights.forEach((weight, side) => (target.weights[side] += weight));

  function join(at, list, like, source, step) {
    let found = list.find((node) => node.number === like.number);
    if (!found) list.push((found = newNode(like.name, at, source.weights.map(() => 0), like.line, -1, like.number, at.depth + step)));
    addTo(found, source);
    return found;
  }

  function mergeCallees(root, from) {
    const open = [[root, from]];
    while (open.length) {
      const [target, source] = open.pop();
      for (const child of source.children) open.push([join(target, target.children, child, child, 1), child]);
    }
  }

  // ---- Laid out -------------------------------------------------------------------------------------------------

  // A frame is as wide as its own weight, the larger of both sides, and all that stands on it: so a frame that only
  // one side has keeps its place, and no child leaves its parent.
  function layOut(graph) {
    const { data, base } = graph, requests = requestsOf(data, graph.operation);
    const whole = data.sides.map((side, place) => (graph.per === "share" ? base.weights[place] || 1 : requests[place] / side.scale));
    const larger = { before: ([before]) => before, after: ([, after]) => after }[graph.view] || ((values) => (values.length > 1 ? Math.max(values[0], values[1]) : values[0]));
    const own = (node) => larger(node.own.map((weight, side) => weight / whole[side]));
    lay(base, base.children, whole, own);
    if (!base.above.length) return;
    const { width } = base;
    lay(base, base.above, whole, (node) => (node === base ? 0 : own(node)));
    const scale = width / (base.width || 1);
    base.width = width;
    for (const caller of base.above) for (const node of walk(caller)) [node.x, node.width] = [node.x * scale, node.width * scale];
  }

  function lay(base, children, whole, own) {
    const order = [base];
    const below = (node) => (node === base ? children : node.children);
    for (let i = 0; i < order.length; i++) for (const child of below(order[i])) order.push(child);
    for (let i = order.length - 1; i >= 0; i--) {
      const node = order[i];
      node.bars = node.weights.map((weight, side) => weight / whole[side]);
      node.width = own(node);
      for (const child of below(node)) node.width += child.width;
    }
    base.x = 0;
    for (const node of order) {
      let { x } = node;
      for (const child of below(node)) {
        child.x = x;
        x += child.width;
      }
    }
  }

  return { read, around, layOut, walk, isBelow };
})();
