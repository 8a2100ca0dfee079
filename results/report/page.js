// Without a script the page shows everything. With it, tables sort and filter, a trial's row opens to
// its curves, photos enlarge, the colour scheme switches, and a printed page is light.
(() => {
  const root = document.documentElement;
  const drawing = document.createElement("template");
  drawing.innerHTML = "<svg></svg>"; // whose namespace need not be spelled out
  const space = drawing.content.firstChild.namespaceURI;
  const drawn = ["svg", "polyline", "circle", "text", "line"];
  const made = (tag, attributes = {}, ...inside) => {
    const element = drawn.includes(tag)
      ? document.createElementNS(space, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  };
  const button = (...inside) => made("button", { type: "button" }, ...inside);

  // ---- the colour scheme
  const scheme = document.getElementById("scheme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const name = () => { scheme.textContent = now() === "dark" ? "Light" : "Dark"; };
  scheme.hidden = false;
  name();
  dark.addEventListener("change", name);
  scheme.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    try { localStorage.setItem("scheme", root.dataset.theme); } catch (e) {}
    name();
  });

  // ---- curves of a trial
  const WIDE = 320, HIGH = 150, LEFT = 44, TOP = 10, LOW = HIGH - 22, RIGHT = WIDE - 12;
  const panel = (title, [train, validation], best) => {
    const known = [...train, ...validation].filter((value) => value !== null);
    const least = Math.min(...known), most = Math.max(...known), last = validation.length;
    const x = (at) => last > 1 ? LEFT + (RIGHT - LEFT) * at / (last - 1) : (LEFT + RIGHT) / 2;
    const y = (value) => most > least ? LOW - (LOW - TOP) * (value - least) / (most - least) : (LOW + TOP) / 2;
    const short = (value) => value.toFixed(Math.abs(value) < 10 ? 3 : 1);
    const line = (values, part) => {
      const points = values.flatMap((value, at) => value === null ? [] : [`${x(at)},${y(value)}`]);
      return made("polyline", { class: part, points: points.join(" ") });
    };
    const told = validation.map((value) => value === null ? "no number" : short(value)).join(", ");
    const chart = made("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img",
      "aria-label": `${title} on validation by epoch: ${told}` },
      made("line", { x1: LEFT, x2: RIGHT, y1: LOW, y2: LOW }),
      line(train, "train"), line(validation, "validation"),
      made("text", { x: LEFT - 6, y: TOP + 4, "text-anchor": "end" }, short(most)),
      made("text", { x: LEFT - 6, y: LOW + 4, "text-anchor": "end" }, short(least)),
      made("text", { x: LEFT, y: HIGH - 6 }, "epoch 1"),
      made("text", { x: RIGHT, y: HIGH - 6, "text-anchor": "end" }, `${last}`));
    if (best && validation[best - 1] !== null) {
      chart.append(made("circle", { cx: x(best - 1), cy: y(validation[best - 1]), r: 4 }));
    }
    return made("figure", {}, made("figcaption", {}, title), chart);
  };
  const opened = new Map(); // row -> the row below it that shows its curves
  const toggle = (row, press) => {
    const below = opened.get(row);
    press.setAttribute("aria-expanded", String(!below));
    if (below) {
      below.remove();
      opened.delete(row);
      return;
    }
    const curve = JSON.parse(row.dataset.curve);
    const legend = "solid: validation; dashed: training, running means; a dot: the best epoch";
    const cell = made("td", { colspan: row.cells.length },
      made("div", { class: "curves" }, panel("accuracy, %", curve.accuracy, curve.best),
        panel("cross-entropy, nats", curve.loss, curve.best)),
      made("p", { class: "quiet" }, legend));
    const more = made("tr", { class: "more" }, cell);
    opened.set(row, more);
    row.after(more);
  };
  for (const row of document.querySelectorAll("tr[data-curve]")) {
    const press = button(...row.cells[0].childNodes);
    press.setAttribute("aria-expanded", "false");
    row.cells[0].append(press);
    press.addEventListener("click", () => toggle(row, press));
  }

  // ---- tables
  const rowsOf = (table) => [...table.tBodies[0].rows].filter((row) => row.className !== "more");
  const place = (table, rows) => {
    for (const row of rows) table.tBodies[0].append(row, ...(opened.has(row) ? [opened.get(row)] : []));
  };
  const key = (row, at) => {
    const cell = row.cells[at], value = cell.dataset.value;
    return value === undefined ? cell.textContent.trim() : value === "" ? -Infinity : +value;
  };
  const sort = (table, head, at) => {
    const was = head.getAttribute("aria-sort");
    const up = was ? was === "descending" : !head.classList.contains("n");
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    place(table, rowsOf(table).sort((a, b) => {
      const x = key(a, at), y = key(b, at);
      const order = typeof x === "string" || typeof y === "string"
        ? String(x).localeCompare(String(y), undefined, { numeric: true }) : x - y;
      return up ? order : -order;
    }));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const press = button(...head.childNodes);
      head.append(press);
      press.addEventListener("click", () => sort(table, head, at));
    });
  }
  for (const table of document.querySelectorAll("table[data-filter]")) {
    const typed = made("input", { type: "search", placeholder: "Filter: vgg adam",
      "aria-label": `Filter the rows of: ${table.caption.textContent}` });
    const count = made("span", { class: "quiet", role: "status" });
    typed.addEventListener("input", () => {
      const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean), rows = rowsOf(table);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        if (opened.has(row)) opened.get(row).hidden = row.hidden;
      }
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
    table.parentElement.before(made("div", { class: "filter" }, typed, count));
  }

  // ---- photos
  const large = made("img", { alt: "" }), told = made("figcaption"), close = button("Close");
  const dialog = made("dialog", { "aria-label": "A photo, enlarged" }, made("figure", {}, large, told), close);
  let from = null;
  document.body.append(dialog);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { if (from) from.focus(); });
  for (const photo of document.querySelectorAll(".photos img")) {
    const item = photo.closest("li"), press = button();
    photo.before(press);
    press.append(photo);
    press.addEventListener("click", () => {
      large.src = photo.src;
      large.alt = photo.alt;
      told.replaceChildren(...[...item.querySelectorAll("div")].map((line) => line.cloneNode(true)));
      from = press;
      dialog.showModal();
    });
  }

  // ---- paper is light, whatever the screen is; what is folded stays folded
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
  });
})();
