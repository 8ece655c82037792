-- POST of $BENCH_BODY with the first $BENCH_USERS bearer tokens of the file $BENCH_TOKENS in turn;
-- each request has an idempotency key of its own.
local threads = 0
local tokens = {}
local at = 0
local made = 0
local body = os.getenv("BENCH_BODY")
local run = ""

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init()
  local users = tonumber(os.getenv("BENCH_USERS"))
  for token in io.lines(os.getenv("BENCH_TOKENS")) do
    if #tokens < users then tokens[#tokens + 1] = token end
  end
  at = thread_number * math.floor(#tokens / 2)
  -- Unlike those of any other run, or nothing would be debited.
  local random = io.open("/dev/urandom", "rb")
  run = random:read(12):gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
  random:close()
end

function request()
  at = at % #tokens + 1
  made = made + 1
  return wrk.format("POST", nil, {
    ["Authorization"] = "Bearer " .. tokens[at],
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = run .. "-" .. made,
  }, body)
end
