-- POST of e-mail and password to a sign-in route, for users u1 to u$BENCH_USERS in turn.
local threads = 0
local users = tonumber(os.getenv("BENCH_USERS"))
local password = os.getenv("BENCH_PASSWORD")
local at = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init()
  at = thread_number * math.floor(users / 2)
end

function request()
  at = at % users + 1
  local origin = wrk.scheme .. "://" .. wrk.host .. ":" .. wrk.port
  local headers = {["Content-Type"] = "application/json", ["Origin"] = origin}
  local body = string.format('{"email":"u%d@example.org","password":"%s"}', at, password)
  return wrk.format("POST", nil, headers, body)
end
