"use strict";
(() => {
  const field = document.getElementById("search");
  if (!field) return;
  field.closest(".search").hidden = false;
  const rows = [...document.querySelectorAll("tr[data-search]")];
  const shown = document.getElementById("shown");
  const look = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => row.dataset.search.includes(word));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = `${count} of ${rows.length}`;
  };
  field.addEventListener("input", look);
  look();
})();
