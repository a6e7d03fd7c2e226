// report.html in Chromium: it asks the network for nothing, fits every screen, and says what report.json says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { main, require, say, version } from "../kit/claims.mjs";

const { chromium } = require("playwright-core");
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const WORK = process.env.WORK;
const WIDTHS = [375, 768, 1280];
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const HOUR = `
schema = 1
name = "an-hour-of-200-shards"
question = "Is the page of ten million records still a page?"
[time]
warm_up = "0s"
measure = "1h"
drain = "1m"
[streams.orders]
shards = 200
[producers.web]
arrival = { kind = "constant", rate = "2800/s" }
keys = { kind = "zipf", exponent = 1.01, population = 100_000 }
size = { kind = "fixed", bytes = "100B" }
payload = { kind = "zeros" }
send = { max_records = 500, linger = "1s" }
[events.storm]
at = "measure+20m"
do = "throttle-storm"
on = "orders"
duration = "30s"
`;

// Runs a scenario; gives its results folder. What it answers is the page's to say: a run may miss its SLO, or be VOID.
function folder(name, command, scenario, ...more) {
  const out = path.join(WORK, name);
  try {
    execFileSync(process.env.PROGRAM, [command, scenario, "--quiet", "--out", out, ...more], { stdio: "pipe" });
  } catch (error) {
    assert.ok([1, 3].includes(error.status), `${name} ended with ${error.status}: ${error.stderr}`);
  }
  return fs.realpathSync(path.join(out, "latest"));
}

const shipped = (name) => path.join(ROOT, "scenarios", `${name}.toml`);
const folders = {};
let browser;

// Opens the page of a folder; whatever it says or asks for is a fault.
async function opened(of, width = 1280, options = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  const url = `file://${path.join(of, "report.html")}`;
  page.on("console", (message) => faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => request.url() !== url && !request.url().startsWith("data:")
    && faults.push(`request: ${request.url()}`));
  await page.goto(url, { waitUntil: "load" });
  return { page, faults, close: () => context.close() };
}

const at = (report, pointer) => pointer.split("/").slice(1)
  .reduce((value, step) => value?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], report);

// Every number that the page says it has from the report.
const numbers = (page) => page.evaluate(() => {
  const found = [];
  for (const element of document.querySelectorAll("[data-figure]")) {
    found.push([element.dataset.figure, Number(element.dataset.value)]);
  }
  const cells = (row) => Array.from(row.cells, (cell) => cell.textContent);
  for (const head of document.querySelectorAll("th[data-series]")) {
    const rows = Array.from(head.closest("table").tBodies[0].rows);
    rows.forEach((row, index) => found.push([`${head.dataset.series}/${index}`, Number(cells(row)[head.cellIndex])]));
  }
  for (const table of document.querySelectorAll("table[data-rows]")) {
    table.dataset.rows.split(" ").forEach((place, index) => {
      cells(table.tBodies[0].rows[index]).slice(1)
        .forEach((text, column) => found.push([`${place}/${column}`, Number(text)]));
    });
  }
  return found;
});

main({
  async runs_of_every_kind_write_a_page() {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
    say(`Chromium ${browser.version()}, playwright-core ${version("playwright-core")}`);
    folders.reshard = folder("reshard", "simulate", shipped("reshard-under-load"));
    folders.hot = folder("hot", "simulate", shipped("hot-key"));
    folders.fan_out = folder("fan-out", "simulate", shipped("fan-out"));
    folders.calls = folder("calls", "simulate", shipped("control-plane"));
    folders.measured = folder("measured", "run", shipped("first-run"));
    fs.writeFileSync(path.join(WORK, "hour.toml"), HOUR);
    folders.hour = folder("hour", "simulate", path.join(WORK, "hour.toml"));
    for (const [name, of] of Object.entries(folders)) {
      assert.ok(fs.statSync(path.join(of, "report.html")).size > 10_000, name);
    }
  },

  async the_page_says_nothing_to_the_console_and_asks_the_network_for_nothing() {
    for (const [name, of] of Object.entries(folders)) {
      const { page, faults, close } = await opened(of);
      for (const area of (await page.$$("[data-hover]")).slice(0, 4)) {
        await area.scrollIntoViewIfNeeded();
        await area.hover();
        assert.equal(await page.isVisible("#tip"), true, `${name}: the numbers under the pointer`);
      }
      assert.deepEqual(faults, [], name);
      await close();
    }
  },

  async no_screen_is_too_narrow_for_it() {
    for (const [name, of] of Object.entries(folders)) {
      for (const width of WIDTHS) {
        const { page, close } = await opened(of, width);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${name} is ${wide} px wide on ${width}`);
        if (process.env.SHOTS) {
          await page.screenshot({ path: path.join(process.env.SHOTS, `${name}-${width}.png`), fullPage: true });
        }
        await close();
      }
    }
  },

  async every_number_is_the_reports() {
    for (const [name, of] of Object.entries(folders)) {
      const report = JSON.parse(fs.readFileSync(path.join(of, "report.json")));
      const { page, close } = await opened(of);
      const found = await numbers(page);
      assert.ok(found.length > 100, `${name}: ${found.length} numbers`);
      for (const [place, value] of found) {
        assert.equal(value, at(report, place), `${name}: ${place}`);
      }
      say(`${name}: ${found.length} numbers`);
      await close();
    }
  },

  async the_parts_of_every_flow_add_up_to_its_whole() {
    for (const [name, of] of Object.entries(folders)) {
      const { page, close } = await opened(of);
      const flows = await page.evaluate(() => Array.from(document.querySelectorAll("figure.flow"), (flow) => {
        const value = (selector) => Array.from(flow.querySelectorAll(`${selector} [data-value]`), (cell) => +cell.dataset.value);
        return [value(".whole")[0], value(".parts").reduce((sum, part) => sum + part, 0)];
      }));
      assert.ok(flows.length > 0, name);
      flows.forEach(([whole, sum]) => assert.equal(sum, whole, name));
      await close();
    }
  },

  async it_is_dark_where_the_reader_wants_that_and_light_on_paper() {
    const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await opened(folders.hot, 1280, { colorScheme: "light" });
    const dark = await opened(folders.hot, 1280, { colorScheme: "dark" });
    const [bright, dim] = [await paper(light.page), await paper(dark.page)];
    assert.equal(bright, "rgb(245, 246, 248)");
    assert.equal(dim, "rgb(15, 20, 27)");
    await dark.page.emulateMedia({ media: "print", colorScheme: "light" });
    assert.equal(await paper(dark.page), "rgb(255, 255, 255)");
    assert.equal(await dark.page.isVisible("nav"), false);
    const pdf = await light.page.pdf({ format: "A4", printBackground: true });
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    if (process.env.SHOTS) {
      fs.writeFileSync(path.join(process.env.SHOTS, "hot.pdf"), pdf);
      await dark.page.emulateMedia({ media: "screen", colorScheme: "dark" });
      await dark.page.screenshot({ path: path.join(process.env.SHOTS, "hot-dark.png"), fullPage: true });
    }
    await light.close();
    await dark.close();
  },

  async ten_million_records_of_200_shards_open_at_once() {
    const report = JSON.parse(fs.readFileSync(path.join(folders.hour, "report.json")));
    assert.ok(report.ledger.producers.web.total.intended >= 10_000_000);
    assert.equal(report.heat.orders.rows.length, 200);
    const bytes = fs.statSync(path.join(folders.hour, "report.html")).size;
    assert.ok(bytes < 3_000_000, `${bytes} bytes`);
    const { page, close } = await opened(folders.hour);
    const loaded = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
    say(`${bytes} bytes, open after ${Math.round(loaded)} ms`);
    assert.ok(loaded < 2_000, `${loaded} ms`);
    await close();
    await browser.close();
  },
});
