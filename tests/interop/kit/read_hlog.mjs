// Prints as JSON what hdr-histogram-js finds in an interval log, by tag: its intervals added up.
import fs from "node:fs";

import { require } from "./claims.mjs";

const hdr = require("hdr-histogram-js");
const reader = new hdr.HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"));
const merged = new Map();
for (let interval; (interval = reader.nextIntervalHistogram()) !== null; ) {
  const total = merged.get(interval.tag);
  if (total) total.add(interval);
  else merged.set(interval.tag, interval);
}
const found = {};
for (const [tag, total] of merged) {
  found[tag] = { count: total.totalCount, max_us: total.maxValue };
  for (const [name, percentile] of [["p50_us", 50], ["p90_us", 90], ["p99_us", 99], ["p999_us", 99.9]]) {
    found[tag][name] = total.getValueAtPercentile(percentile);
  }
}
console.log(JSON.stringify(found));
