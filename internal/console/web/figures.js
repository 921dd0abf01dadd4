// The figures of the last five minutes: what the server counts, once a second, made into rates by the differences.

const SPAN = 300_000; // milliseconds kept
const LEAST_SPAN = 60_000; // shown at least
const GAP = 3_500; // longer than this without an answer is a gap in the lines
const LAG_OVER = 5_000; // loop lag is of so many milliseconds: a second has few ticks

/** Samples, oldest first: {t, raw, rates, p50, p99, begins}. `begins` says that what was before is of another run, or too long ago. */
export const samples = [];
export const latest = () => samples.at(-1);

/** Milliseconds to show: whole minutes, until there are five. */
export function span() {
  const age = samples.length ? latest().t - samples[0].t : 0;
  return Math.max(LEAST_SPAN, Math.min(SPAN, Math.ceil(age / 60_000) * 60_000));
}

const TOTALS = ["accepted", "deliveries", "messages_in", "messages_out", "bytes_in", "bytes_out", "sends"];

export function add(raw, t = Date.now()) {
  const before = latest();
  const restarted = before && (raw.node !== before.raw.node || raw.at_ms < before.raw.at_ms || t < before.t); // or our own clock was set back
  if (restarted) samples.length = 0;
  const sample = { t, raw, begins: !before || restarted || t - before.t > GAP, rates: {}, cpu: undefined, p50: undefined, p99: undefined };
  if (before && !restarted && raw.at_ms > before.raw.at_ms) {
    const over = (raw.at_ms - before.raw.at_ms) / 1000;
    for (const name of TOTALS) sample.rates[name] = (raw[`${name}_total`] - before.raw[`${name}_total`]) / over;
    sample.cpu = (raw.cpu_seconds_total - before.raw.cpu_seconds_total) / over;
  }
  samples.push(sample);
  while (samples[0].t < t - SPAN - 2_000) samples.shift();
  const since = samples.find((s) => s.t >= t - LAG_OVER);
  if (since !== sample) {
    const counts = raw.lag_counts_total.map((n, i) => n - since.raw.lag_counts_total[i]);
    sample.p50 = quantile(raw.lag_bounds, counts, 0.5);
    sample.p99 = quantile(raw.lag_bounds, counts, 0.99);
  }
  return sample;
}

/** The quantile of a histogram, evenly spread within a bucket; above the last bound it is that bound. undefined: nothing was counted. */
export function quantile(bounds, counts, q) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return undefined;
  let rank = q * total;
  for (let i = 0; i < bounds.length; i++) {
    if (rank <= counts[i] && counts[i] > 0) {
      const low = i === 0 ? 0 : bounds[i - 1];
      return low + (bounds[i] - low) * (rank / counts[i]);
    }
    rank -= counts[i];
  }
  return bounds.at(-1);
}

/** How much a group of reasons has grown since the oldest sample: [reason, in all, lately], the most first. */
export function reasons(group) {
  const now = latest()?.raw[group] ?? {}, then = samples[0]?.raw[group] ?? {};
  return Object.entries(now).map(([reason, n]) => [reason, n, n - (then[reason] ?? 0)]).filter(([, n]) => n > 0).sort((a, b) => b[2] - a[2] || b[1] - a[1]);
}
