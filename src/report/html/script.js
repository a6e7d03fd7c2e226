// The numbers under the pointer, from the table behind the chart. The page says everything without this.
(() => {
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; document.querySelectorAll(".at").forEach((line) => line.remove()); };
  const cells = (row) => Array.from(row.cells, (cell) => cell.textContent.trim());
  const show = (area, event) => {
    const body = area.closest("figure").querySelector("details table");
    if (!body) return;
    const box = area.getBoundingClientRect();
    const across = Math.min(0.99999, Math.max(0, (event.clientX - box.left) / box.width));
    const down = Math.min(0.99999, Math.max(0, (event.clientY - box.top) / box.height));
    const rows = body.tBodies[0].rows;
    const names = cells(body.tHead.rows[0]);
    let lines;
    if (area.dataset.hover === "cell") {
      const row = cells(rows[Math.floor(down * rows.length)]);
      const column = 1 + Math.floor(across * (row.length - 1));
      lines = [`${names[0]} ${row[0]}, from ${names[column]} s`, `${row[column]} % of the limit`];
    } else {
      const row = cells(rows[Math.floor(across * rows.length)]);
      lines = row.map((text, index) => `${names[index]}: ${text}`);
    }
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const width = tip.offsetWidth, height = tip.offsetHeight;
    const right = event.clientX + 14 + width > document.documentElement.clientWidth;
    tip.style.left = Math.max(4, right ? event.clientX - width - 14 : event.clientX + 14) + "px";
    tip.style.top = Math.max(4, Math.min(event.clientY - height - 8, innerHeight - height - 4)) + "px";
    let line = area.querySelector(".at");
    if (!line) {
      hide();
      tip.hidden = false;
      line = document.createElement("i");
      line.className = "at";
      area.append(line);
    }
    line.style.left = across * 100 + "%";
  };
  for (const area of document.querySelectorAll("[data-hover]")) {
    area.addEventListener("pointermove", (event) => show(area, event));
    area.addEventListener("pointerdown", (event) => show(area, event));
    area.addEventListener("pointerleave", hide);
  }
  addEventListener("scroll", hide, { passive: true });
})();
