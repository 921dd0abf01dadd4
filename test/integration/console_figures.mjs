// What the console makes of the server's counters: rates, quantiles, gaps, restarts, scales. Without a browser.
import assert from "node:assert/strict";
import { ceiling } from "../../internal/console/web/chart.js";
import { add, latest, quantile, reasons, samples, span } from "../../internal/console/web/figures.js";
import { losses } from "../../internal/console/web/problems.js";
import { brief, bytes, compact, seconds } from "../../internal/console/web/page.js";

const raw = (at_ms, n, lag = [0, 0, 0], drops = {}) => ({
  at_ms, accepted_total: n, deliveries_total: n, messages_in_total: n, messages_out_total: n, bytes_in_total: n, bytes_out_total: n, sends_total: n,
  cpu_seconds_total: n / 1000, lag_bounds: [0.001, 0.01], lag_counts_total: lag, drops_total: drops,
});

const first = add(raw(1_000, 0), 1_000_000);
assert.deepEqual([first.begins, first.rates, first.p99], [true, {}, undefined]);
const second = add(raw(3_000, 500, [98, 2, 0], { slow: 3 }), 1_002_000);
assert.deepEqual([second.begins, second.rates.deliveries, second.cpu], [false, 250, 0.25]); // over the server's two seconds
assert.ok(second.p50 < 0.001 && second.p99 > 0.001 && second.p99 <= 0.01);
assert.deepEqual(reasons("drops_total"), [["slow", 3, 3]]);
assert.equal(add(raw(60_000, 500, [98, 2, 0], { slow: 3, stale: 1 }), 1_060_000).begins, true); // nobody looked in between
assert.deepEqual(reasons("drops_total"), [["slow", 3, 3], ["stale", 1, 1]]);
assert.equal(span(), 60_000);
add(raw(400_000, 500, [98, 2, 0], { slow: 3, stale: 1 }), 1_400_000);
assert.equal(samples.length, 1); // the others are older than five minutes
assert.deepEqual(reasons("drops_total"), [["slow", 3, 0], ["stale", 1, 0]]);
add(raw(500, 7), 1_401_000); // another process: nothing negative
assert.deepEqual([samples.length, latest().begins, latest().rates], [1, true, {}]);
add({ ...raw(900_000, 3), node: "other" }, 1_402_000); // another one as well: it has run for longer than the one before had when it was seen last
assert.deepEqual([samples.length, latest().begins, latest().rates], [1, true, {}]);
for (let i = 1; i < 4; i++) add({ ...raw(900_000 + 1_000 * i, 3), node: "other" }, 1_402_000 + 1_000 * i);
add({ ...raw(904_000, 3), node: "other" }, 1_000_000); // the clock was set back: nothing is kept until it is there again
assert.deepEqual([samples.length, latest().begins, span()], [1, true, 60_000]);

const calm = { conflated: 0, suspended: 0, slow: 0 }, since = (drops, others) => ({ ...raw(1_000, 0, [0, 0, 0], drops), node: "lossy", others_total: others });
add(since(calm, { panics: 0, aborts: 0 }), 2_000_000);
add({ ...since({ conflated: 50, suspended: 40, slow: 2 }, { panics: 1, aborts: 30 }), at_ms: 2_000 }, 2_001_000);
assert.equal(losses(), 3); // what only the latest counts of, and what the history fills in, nobody has lost

assert.equal(quantile([1, 2], [0, 0, 0], 0.5), undefined);
assert.equal(quantile([1, 2], [10, 0, 0], 0.5), 0.5);
assert.equal(quantile([1, 2], [0, 10, 0], 0.5), 1.5);
assert.equal(quantile([1, 2], [0, 0, 10], 0.5), 2); // above the last bound nobody knows
for (const [n, want] of [[1, 1], [1.04, 2], [10, 10], [2080, 3000], [41_000, 60_000], [0.001, 0.001]]) assert.equal(Number(ceiling(n, 10).toPrecision(6)), want);
for (const [n, want] of [[1024, 1024], [1025, 2048], [5e6, 2 ** 23]]) assert.equal(ceiling(n, 1024), want);
for (const [n, want] of [[0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [1536, "1.5 KiB"], [2 ** 20 * 100, "100 MiB"], [2 ** 30 - 1, "1.0 GiB"]]) assert.equal(bytes(n), want);
for (const [n, want] of [[0, "0 ms"], [0.0002, "200 µs"], [0.005, "5.0 ms"], [0.25, "250 ms"], [5, "5 s"], [60, "1 min"], [61, "1 min 1 s"], [3600, "1 h"], [90_061, "1 d 1 h"]]) assert.equal(seconds(n), want);
assert.deepEqual([compact(0), compact(0.5), compact(99_999), compact(1_234_567), brief(3_534)], ["0", "0.5", "99,999", "1.2M", "3.5K"]);
console.log("ok");
