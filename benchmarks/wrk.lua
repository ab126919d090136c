-- Sends the requests in a file in turn, and prints the result as one line of JSON.
-- Each line of the file has a method, a path, the bytes of the body in hexadecimal digits, and the names and
-- values of headers, all with tabs between them.

local requests = {}
local at = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local fields = {}
    for field in (line .. "\t"):gmatch("([^\t]*)\t") do
      fields[#fields + 1] = field
    end
    local headers = {["Host"] = wrk.headers["Host"]}
    for place = 4, #fields - 1, 2 do
      headers[fields[place]] = fields[place + 1]
    end
    local body = fields[3]:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
    if body == "" then
      requests[#requests + 1] = wrk.format(fields[1], fields[2], headers)
    else
      requests[#requests + 1] = wrk.format(fields[1], fields[2], headers, body)
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'result: {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
