// lifion-kinesis: a consumer group with leases in DynamoDB, polling, and with enhanced fan-out over HTTP/1.1.
import assert from "node:assert/strict";
import dns from "node:dns";

import { main, require, say, sleep, until, version } from "../kit/claims.mjs";

// Version 2 of the SDK, which it is made with, prints that it has come of age.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const Kinesis = require("lifion-kinesis");
// Its fan-out signs, and then asks, the host of AWS whatever the endpoint is; only the port is the endpoint's. So that
// name leads to the endpoint here.
const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host.endsWith(".amazonaws.com") ? "127.0.0.1" : host, ...rest);
const RECORDS = 5_000;

// One run: put, read, split while it reads, read on.
async function over_a_split(name, useEnhancedFanOut) {
  const failures = [];
  let subscriptions = 0;
  const kinesis = new Kinesis({
    streamName: name,
    shardCount: 2,
    consumerGroup: name,
    endpoint: process.env.KINESIS_URL,
    region: "eu-west-1",
    dynamoDb: { endpoint: process.env.DYNAMODB_URL, region: "eu-west-1", tableName: name },
    initialPositionInStream: "TRIM_HORIZON",
    leaseAcquisitionInterval: 3_000,
    leaseAcquisitionRecoveryInterval: 1_000,
    maxEnhancedConsumers: 1,
    useEnhancedFanOut,
    logger: {
      debug: (text) => { subscriptions += text === "Subscription to shard is successful."; },
      error: (...words) => failures.push(words.join(" ")),
    },
  });
  const numbers = [];
  const byShard = new Map();
  kinesis.on("error", (error) => failures.push(error.message));
  kinesis.on("data", ({ records, shardId }) => {
    const at = Date.now();
    const seen = byShard.get(shardId) ?? { first: at, sequence: [] };
    seen.last = at;
    for (const record of records) {
      numbers.push(record.data.number);
      seen.sequence.push(BigInt(record.sequenceNumber));
    }
    byShard.set(shardId, seen);
  });

  const put = async (from, to) => {
    for (let start = from; start < to; start += 500) {
      const batch = Array.from({ length: Math.min(500, to - start) }, (_, i) => start + i);
      const records = batch.map((number) => ({ data: { number }, partitionKey: `key-${number}` }));
      await kinesis.putRecords({ records });
      // It does not put again what a limit refused, so it is kept below them.
      await sleep(400);
    }
  };
  const has = (count) => until(() => new Set(numbers).size === count, `${count} records`, 90)
    .catch((error) => { throw new Error(`${error.message}: ${new Set(numbers).size}; ${failures.join("\n")}`); });

  // Its reader of event streams takes one message out of each piece that arrives and stumbles over a second one. So
  // nothing is there to be pushed together with the beginning of a subscription.
  const subscribed = async (count) => {
    if (!useEnhancedFanOut) return;
    await until(() => subscriptions >= count, `${count} subscriptions`);
    await sleep(500);
  };

  await kinesis.startConsumer();
  await subscribed(2);
  await put(0, RECORDS / 2);
  await has(RECORDS / 2);
  const AWS = require("aws-sdk");
  const client = new AWS.Kinesis({ endpoint: process.env.KINESIS_URL, region: "eu-west-1" });
  const split = { StreamName: name, ShardToSplit: "shardId-000000000000", NewStartingHashKey: String(2n ** 126n) };
  await client.splitShard(split).promise();
  await subscribed(4);
  await put(RECORDS / 2, RECORDS);
  await has(RECORDS);
  try {
    kinesis.stopConsumer();
  } catch (error) {
    // The library forgets the consumer of a shard that has ended and then fails to stop it.
    assert.ok(error instanceof TypeError, error);
  }

  const shards = [...byShard.keys()].sort().map((id) => Number(id.slice(-1)));
  assert.deepEqual(shards, [0, 1, 2, 3]);
  const parent = byShard.get("shardId-000000000000");
  for (const child of ["shardId-000000000002", "shardId-000000000003"]) {
    assert.ok(byShard.get(child).first >= parent.last, `${child} came before the end of its parent`);
  }
  for (const [shard, { sequence }] of byShard) {
    const distinct = sequence.filter((number, i) => sequence.indexOf(number) === i);
    assert.ok(distinct.every((number, i) => i === 0 || distinct[i - 1] < number), `${shard} is in order`);
  }
  say(`${RECORDS.toLocaleString("en")} records, ${numbers.length - RECORDS} duplicates, ${failures.length} errors logged`);
  assert.deepEqual(failures, []);
}

say(`lifion-kinesis ${version("lifion-kinesis")}, aws-sdk ${version("aws-sdk")}`);
await main({
  what_it_puts_it_reads_by_polling_over_a_split: () => over_a_split("lifion-polling", false),
  what_it_puts_it_reads_by_fan_out_over_a_split: () => over_a_split("lifion-fan-out", true),
});
