// Graphs of one set as tabs, and the state of the one that is shown in the address of the page. Without scripts all
// graphs stand below one another. A graph is laid out when it is first shown: most are never looked at. What the first
// sight of a page does not hold waits until the page is there.
(() => {
  "use strict";
  const PREFIX = "#flame=";

  const whenIdle = window.requestIdleCallback || ((work) => setTimeout(work, 1));

  function startSoon(figure) {
    if (figure.getBoundingClientRect().top < innerHeight) flameGraph.start(figure);
    else whenIdle(() => flameGraph.start(figure), { timeout: 2000 });
  }

  function show(set, key, start = flameGraph.start) {
    const figures = [...set.querySelectorAll(".flame")];
    const chosen = figures.find((figure) => figure.dataset.key === key) || figures[0];
    for (const figure of figures) figure.hidden = figure !== chosen;
    for (const tab of set.querySelectorAll("[role=tab]")) {
      const isOn = tab.dataset.key === chosen.dataset.key;
      tab.ariaSelected = String(isOn);
      tab.tabIndex = isOn ? 0 : -1;
    }
    start(chosen);
  }

  function addTabs(set) {
    const figures = [...set.querySelectorAll(".flame")];
    if (figures.length < 2) return;
    const list = Object.assign(document.createElement("div"), { className: "flame-tablist", role: "tablist", ariaLabel: "Profiles" });
    for (const figure of figures) {
      const tab = Object.assign(document.createElement("button"), { type: "button", role: "tab", id: `tab-${figure.dataset.key}`, textContent: figure.querySelector("figcaption").textContent });
      tab.dataset.key = figure.dataset.key;
      figure.id = `flame-${figure.dataset.key}`;
      figure.setAttribute("role", "tabpanel");
      tab.setAttribute("aria-controls", figure.id);
      tab.addEventListener("click", () => { show(set, tab.dataset.key); write(tab.dataset.key, figure.flame?.state() || {}); });
      list.append(tab);
    }
    list.addEventListener("keydown", (event) => {
      const tabs = [...list.children], step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      next.click();
      next.focus();
      event.preventDefault();
    });
    set.prepend(list);
    show(set, figures[0].dataset.key, startSoon);
  }

  // Paper has no tabs.
  function printAll() {
    let hidden = [];
    addEventListener("beforeprint", () => {
      hidden = [...document.querySelectorAll(".flame[hidden]")];
      for (const figure of hidden) figure.hidden = false;
      document.querySelectorAll(".flame").forEach(flameGraph.start);
    });
    addEventListener("afterprint", () => hidden.forEach((figure) => { figure.hidden = true; }));
  }

  function write(key, state) {
    const parts = Object.entries(state).filter(([, value]) => value).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`);
    // A page without an address of its own (about:blank, srcdoc) has no place for state.
    try { history.replaceState(null, "", `${PREFIX}${encodeURIComponent(key)}${parts.join("")}`); } catch { /* nothing to keep it in */ }
  }

  function read() {
    if (!location.hash.startsWith(PREFIX)) return;
    const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const figure = [...document.querySelectorAll(".flame")].find((found) => found.dataset.key === state.flame);
    if (!figure) return;
    const set = figure.closest(".flame-set");
    if (set) show(set, state.flame);
    figure.flame?.restore(state);
    (set || figure).scrollIntoView();
  }

  function start() {
    document.querySelectorAll(".flame-set").forEach(addTabs);
    document.querySelectorAll(".flame:not([hidden])").forEach(startSoon);
    printAll();
    document.addEventListener("flame-state", (event) => write(event.target.closest(".flame").dataset.key, event.detail));
    window.addEventListener("hashchange", read);
    read();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
