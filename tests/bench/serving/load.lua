-- What wrk sends, and one line of what it found: requests, microseconds, p50 and p99 in microseconds, answers that were no 2xx, broken connections.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = os.getenv("SPRAG_BENCH_BODY")

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
