-- GET with the bearer tokens of the file $BENCH_TOKENS in turn; requests are built beforehand.
-- $BENCH_DELAY_MS makes each connection wait that long before its next request.
local threads = 0
local requests = {}
local at = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init()
  for token in io.lines(os.getenv("BENCH_TOKENS")) do
    requests[#requests + 1] = wrk.format("GET", nil, {["Authorization"] = "Bearer " .. token})
  end
  at = thread_number * math.floor(#requests / 2)
  local pause_ms = tonumber(os.getenv("BENCH_DELAY_MS") or "0")
  if pause_ms > 0 then
    delay = function() return pause_ms end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
