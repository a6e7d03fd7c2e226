// What the AWS SDK for JavaScript 3 sees of a running server. Its default handler speaks HTTP/2 with prior knowledge.
import assert from "node:assert/strict";
import http2 from "node:http2";

import { main, require, say, sleep, until, version } from "../kit/claims.mjs";

const sdk = require("@aws-sdk/client-kinesis");
const endpoint = process.env.KINESIS_URL;
const arnOf = (name) => `arn:aws:kinesis:eu-west-1:000000000000:stream/${name}`;
const kinesis = new sdk.KinesisClient({ endpoint, region: "eu-west-1", maxAttempts: 1 });
const call = (operation, input) => kinesis.send(new sdk[`${operation}Command`](input));
const text = (record) => Buffer.from(record.Data).toString();

// What the call ends with, once the account's rate lets it: five streams a second may be created, and this is faster.
function withinTheRate(operation, input) {
  return until(async () => {
    try {
      return await call(operation, input);
    } catch (error) {
      if (error instanceof sdk.LimitExceededException) return null;
      throw error;
    }
  }, `${operation} is within its rate`);
}

// The stream of the named shard count, active.
async function streamWith(shards, name) {
  await withinTheRate("CreateStream", { StreamName: name, ShardCount: shards });
  await untilActive(name);
}

function untilActive(name) {
  return until(async () => {
    const { StreamDescriptionSummary: found } = await call("DescribeStreamSummary", { StreamName: name });
    return found.StreamStatus === "ACTIVE" && found;
  }, `${name} is active`);
}

async function readAll(name, shard, rest = { ShardIteratorType: "TRIM_HORIZON" }) {
  const { ShardIterator } = await call("GetShardIterator", { StreamName: name, ShardId: shard, ...rest });
  return call("GetRecords", { ShardIterator });
}

async function activeConsumer(stream, name) {
  const { Consumer } = await call("RegisterStreamConsumer", { StreamARN: arnOf(stream), ConsumerName: name });
  await until(async () => {
    const found = await call("DescribeStreamConsumer", { ConsumerARN: Consumer.ConsumerARN });
    return found.ConsumerDescription.ConsumerStatus === "ACTIVE";
  }, "the consumer is active");
  return Consumer.ConsumerARN;
}

const subscribe = (consumer, shard, position) =>
  call("SubscribeToShard", { ConsumerARN: consumer, ShardId: shard, StartingPosition: position });

// The error that a call ends with; it must be of the class, and the client's own.
async function refused(kind, operation, input) {
  try {
    await withinTheRate(operation, input);
  } catch (error) {
    assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
    assert.ok(error instanceof sdk.KinesisServiceException);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
    return error;
  }
  throw new Error(`${operation} was not refused`);
}

await main({
  async the_default_handler_speaks_http_2_with_prior_knowledge() {
    const handler = kinesis.config.requestHandler;
    assert.match(handler.constructor.name, /Http2/, handler.constructor.name);
    const session = http2.connect(endpoint);
    const [headers] = await new Promise((resolve, reject) => {
      session.on("error", reject);
      const request = session.request({ ":path": "/health" });
      request.on("response", (...answer) => resolve(answer));
      request.resume();
    });
    session.close();
    assert.equal(headers[":status"], 200);
    say(`@aws-sdk/client-kinesis ${version("@aws-sdk/client-kinesis")}, node ${process.versions.node}, ${handler.constructor.name}`);
  },

  async a_stream_is_created_waited_for_described_and_deleted() {
    await call("CreateStream", { StreamName: "life", ShardCount: 2, Tags: { team: "a" } });
    const waited = await sdk.waitUntilStreamExists({ client: kinesis, maxWaitTime: 30, minDelay: 1 }, { StreamName: "life" });
    assert.equal(waited.state, "SUCCESS");
    for (const selector of [{ StreamName: "life" }, { StreamARN: arnOf("life") }]) {
      const { StreamDescription: found } = await call("DescribeStream", selector);
      assert.equal(found.StreamARN, arnOf("life"));
      assert.equal(found.StreamStatus, "ACTIVE");
      assert.deepEqual(found.StreamModeDetails, { StreamMode: "PROVISIONED" });
      assert.ok(Math.abs(Date.now() - found.StreamCreationTimestamp.getTime()) < 120_000);
      assert.deepEqual(found.Shards.map((shard) => shard.ShardId), ["shardId-000000000000", "shardId-000000000001"]);
      assert.equal(found.Shards[0].HashKeyRange.StartingHashKey, "0");
      assert.equal(found.Shards[1].HashKeyRange.EndingHashKey, String(2n ** 128n - 1n));
    }
    await call("DeleteStream", { StreamName: "life" });
    const gone = await sdk.waitUntilStreamNotExists({ client: kinesis, maxWaitTime: 30, minDelay: 1 }, { StreamName: "life" });
    assert.equal(gone.state, "SUCCESS");
  },

  async streams_and_shards_are_listed_in_pages() {
    await streamWith(5, "pages-b");
    await streamWith(1, "pages-a");
    const names = [];
    for await (const page of sdk.paginateListStreams({ client: kinesis }, { Limit: 1 })) names.push(...page.StreamNames);
    assert.deepEqual(names.filter((name) => name.startsWith("pages")), ["pages-a", "pages-b"]);
    const shards = [];
    let input = { StreamName: "pages-b" };
    while (input) {
      const page = await call("ListShards", { ...input, MaxResults: 2 });
      shards.push(...page.Shards.map((shard) => shard.ShardId));
      input = page.NextToken && { NextToken: page.NextToken };
    }
    assert.equal(new Set(shards).size, 5);
  },

  async a_record_comes_back_as_it_was_put() {
    await streamWith(1, "one");
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    const put = await call("PutRecord", { StreamName: "one", Data: data, PartitionKey: "ключ" });
    assert.equal(put.ShardId, "shardId-000000000000");
    const page = await readAll("one", put.ShardId);
    assert.equal(page.Records.length, 1);
    const [record] = page.Records;
    assert.deepEqual(Uint8Array.from(record.Data), data);
    assert.equal(record.PartitionKey, "ключ");
    assert.equal(record.SequenceNumber, put.SequenceNumber);
    assert.ok(Math.abs(Date.now() - record.ApproximateArrivalTimestamp.getTime()) < 60_000);
    assert.equal(page.MillisBehindLatest, 0);
    const after = { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: put.SequenceNumber };
    assert.deepEqual((await readAll("one", put.ShardId, after)).Records, []);
    const at = { ShardIteratorType: "AT_TIMESTAMP", Timestamp: new Date(Date.now() - 60_000) };
    assert.equal((await readAll("one", put.ShardId, at)).Records.length, 1);
  },

  async a_batch_is_spread_over_shards_and_comes_back_in_order() {
    await streamWith(3, "batch");
    const Records = Array.from({ length: 300 }, (_, i) => ({ Data: Buffer.from(`${i}`), PartitionKey: `key-${i}` }));
    const answer = await call("PutRecords", { StreamName: "batch", Records });
    assert.equal(answer.FailedRecordCount, 0);
    assert.equal(answer.Records.length, 300);
    const seen = [];
    for (const { ShardId } of (await call("ListShards", { StreamName: "batch" })).Shards) {
      const page = (await readAll("batch", ShardId)).Records;
      assert.ok(page.length > 0, "every shard has some");
      const numbers = page.map((record) => BigInt(record.SequenceNumber));
      assert.ok(numbers.every((number, i) => i === 0 || numbers[i - 1] < number));
      for (const record of page) seen.push(Number(text(record)));
    }
    assert.deepEqual(seen.sort((a, b) => a - b), Records.map((_, i) => i));
  },

  async a_shard_is_split_and_its_children_merged() {
    await streamWith(1, "shards");
    await call("SplitShard", {
      StreamName: "shards", ShardToSplit: "shardId-000000000000", NewStartingHashKey: String(2n ** 127n),
    });
    await untilActive("shards");
    const [left, right] = ["shardId-000000000001", "shardId-000000000002"];
    await call("MergeShards", { StreamName: "shards", ShardToMerge: left, AdjacentShardToMerge: right });
    assert.equal((await untilActive("shards")).OpenShardCount, 1);
    const ended = await readAll("shards", "shardId-000000000000");
    assert.equal(ended.NextShardIterator, undefined);
    assert.deepEqual(ended.ChildShards.map((child) => child.ShardId), [left, right]);
    assert.deepEqual(ended.ChildShards[0].ParentShards, ["shardId-000000000000"]);
    assert.equal(ended.ChildShards[1].HashKeyRange.StartingHashKey, String(2n ** 127n));
    const [merged] = (await readAll("shards", left)).ChildShards;
    assert.deepEqual(merged.ParentShards, [left, right]);
  },

  async a_subscription_gives_what_is_stored_and_what_comes() {
    await streamWith(1, "fanout");
    const consumer = await activeConsumer("fanout", "app");
    await call("PutRecord", { StreamName: "fanout", Data: Buffer.from("stored"), PartitionKey: "k" });
    const answer = await subscribe(consumer, "shardId-000000000000", { Type: "TRIM_HORIZON" });
    const put = (async () => {
      await sleep(500);
      await call("PutRecord", { StreamName: "fanout", Data: Buffer.from("pushed"), PartitionKey: "k" });
    })();
    const seen = [];
    const begun = Date.now();
    for await (const { SubscribeToShardEvent: event } of answer.EventStream) {
      assert.ok(event.ContinuationSequenceNumber);
      seen.push(...event.Records.map(text));
      if (seen.includes("pushed")) break;
    }
    await put;
    assert.deepEqual(seen, ["stored", "pushed"]);
    assert.ok(Date.now() - begun < 3000, "a record is pushed on arrival");
  },

  async a_second_subscription_within_five_seconds_is_refused() {
    await streamWith(1, "twice");
    const consumer = await activeConsumer("twice", "app");
    const position = { Type: "LATEST" };
    await subscribe(consumer, "shardId-000000000000", position);
    const input = { ConsumerARN: consumer, ShardId: "shardId-000000000000", StartingPosition: position };
    await refused(sdk.ResourceInUseException, "SubscribeToShard", input);
  },

  async a_subscription_ends_with_the_children_of_its_shard() {
    await streamWith(1, "ending");
    const consumer = await activeConsumer("ending", "app");
    await call("PutRecord", { StreamName: "ending", Data: Buffer.from("last"), PartitionKey: "k" });
    const answer = await subscribe(consumer, "shardId-000000000000", { Type: "TRIM_HORIZON" });
    const split = (async () => {
      await sleep(300);
      await call("SplitShard", {
        StreamName: "ending", ShardToSplit: "shardId-000000000000", NewStartingHashKey: String(2n ** 127n),
      });
    })();
    const events = [];
    for await (const { SubscribeToShardEvent: event } of answer.EventStream) events.push(event);
    await split;
    assert.deepEqual(events.flatMap((event) => event.Records.map(text)), ["last"]);
    const last = events.at(-1);
    assert.deepEqual(last.ChildShards.map((child) => child.ShardId), ["shardId-000000000001", "shardId-000000000002"]);
    assert.ok(!last.ContinuationSequenceNumber);
    assert.ok(events.slice(0, -1).every((event) => event.ContinuationSequenceNumber && !event.ChildShards));
  },

  async many_calls_share_one_connection() {
    await streamWith(4, "many");
    const puts = Array.from({ length: 200 }, (_, i) =>
      call("PutRecord", { StreamName: "many", Data: Buffer.from(`${i}`), PartitionKey: `key-${i}` }));
    const answers = await Promise.all(puts);
    assert.equal(new Set(answers.map((answer) => answer.SequenceNumber)).size, 200);
  },

  async tags_are_kept_by_stream_and_by_arn() {
    await streamWith(1, "tags");
    await call("AddTagsToStream", { StreamName: "tags", Tags: { a: "1", b: "2" } });
    await call("TagResource", { ResourceARN: arnOf("tags"), Tags: { c: "3" } });
    const { Tags, HasMoreTags } = await call("ListTagsForStream", { StreamName: "tags" });
    assert.deepEqual(Tags, [{ Key: "a", Value: "1" }, { Key: "b", Value: "2" }, { Key: "c", Value: "3" }]);
    assert.equal(HasMoreTags, false);
    await call("RemoveTagsFromStream", { StreamName: "tags", TagKeys: ["a"] });
    await call("UntagResource", { ResourceARN: arnOf("tags"), TagKeys: ["b"] });
    assert.deepEqual((await call("ListTagsForResource", { ResourceARN: arnOf("tags") })).Tags, [{ Key: "c", Value: "3" }]);
  },

  async errors_come_as_the_clients_own_classes_with_their_messages() {
    await streamWith(1, "errors");
    const missing = await refused(sdk.ResourceNotFoundException, "DescribeStreamSummary", { StreamName: "missing" });
    assert.equal(missing.message, "Stream missing under account 000000000000 not found.");
    const twice = await refused(sdk.ResourceInUseException, "CreateStream", { StreamName: "errors", ShardCount: 1 });
    assert.equal(twice.message, "Stream errors under account 000000000000 already exists.");
    const shard = { StreamName: "errors", ShardId: "shardId-000000000009", ShardIteratorType: "LATEST" };
    const noShard = await refused(sdk.ResourceNotFoundException, "GetShardIterator", shard);
    assert.match(noShard.message, /shardId-000000000009 in stream errors under account 000000000000/);
    await refused(sdk.InvalidArgumentException, "GetRecords", { ShardIterator: "nonsense" });
    const invalid = await refused(sdk.ValidationException, "CreateStream", { StreamName: "a b", ShardCount: 1 });
    assert.match(invalid.message, /^1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint/);
    await refused(sdk.AccessDeniedException, "DescribeStream", { StreamARN: arnOf("errors").replaceAll("0".repeat(12), "9".repeat(12)) });
    const large = { StreamName: "errors", Data: new Uint8Array((10 << 20) + 1), PartitionKey: "k" };
    const tooLarge = await refused(sdk.ValidationException, "PutRecord", large);
    assert.match(tooLarge.message, /at 'data' failed to satisfy constraint: Member must have length less than or equal to 10485760/);
  },

  async a_shard_takes_a_thousand_records_a_second_and_says_which_it_refused() {
    await streamWith(1, "throttled");
    const Records = Array.from({ length: 500 }, () => ({ Data: Buffer.from("x"), PartitionKey: "k" }));
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await call("PutRecords", { StreamName: "throttled", Records }));
    const refusals = answers.flatMap((answer) => answer.Records).filter((record) => record.ErrorCode);
    assert.equal(refusals.length, answers.reduce((sum, answer) => sum + answer.FailedRecordCount, 0));
    assert.ok(refusals.length > 0);
    assert.equal(refusals[0].ErrorCode, "ProvisionedThroughputExceededException");
    const half = { StreamName: "throttled", Data: new Uint8Array(600 << 10), PartitionKey: "k" };
    await sleep(1000);
    await call("PutRecord", half);
    const error = await refused(sdk.ProvisionedThroughputExceededException, "PutRecord", half);
    assert.match(error.message, /^Rate exceeded for shard shardId-000000000000 in stream throttled under account 000000000000/);
  },
});
