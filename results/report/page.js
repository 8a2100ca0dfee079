// Sorts tables by a press on their headings, and switches the colour scheme.
(() => {
  const root = document.documentElement, button = document.getElementById("scheme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const name = () => { button.textContent = now() === "dark" ? "Light" : "Dark"; };
  button.hidden = false;
  name();
  dark.addEventListener("change", name);
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    try { localStorage.setItem("scheme", root.dataset.theme); } catch (e) {}
    name();
  });
  const key = (row, at) => {
    const cell = row.cells[at], value = cell.dataset.value;
    return value === undefined ? cell.textContent.trim() : value === "" ? -Infinity : +value;
  };
  const sort = (table, head, at) => {
    const was = head.getAttribute("aria-sort");
    const up = was ? was === "descending" : !head.classList.contains("n");
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => {
      const x = key(a, at), y = key(b, at);
      const order = typeof x === "string" || typeof y === "string"
        ? String(x).localeCompare(String(y), undefined, { numeric: true }) : x - y;
      return up ? order : -order;
    });
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...head.childNodes);
      head.append(press);
      press.addEventListener("click", () => sort(table, head, at));
    });
  }
})();
