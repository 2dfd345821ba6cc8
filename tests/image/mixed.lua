-- For wrk: the front page, an item (from the cache, mostly), a list (from the database), and now and then a new item
-- (names are unique, so one thread only).
local number = 0
local json = { ["Content-Type"] = "application/json" }

request = function()
  number = number + 1
  local turn = number % 50
  if turn == 0 then
    return wrk.format("POST", "/v1/items", json, string.format('{"name": "load %d"}', number))
  elseif turn % 10 == 5 then
    return wrk.format("GET", "/v1/items?limit=5")
  elseif turn % 2 == 1 then
    return wrk.format("GET", "/v1/items/1")
  end
  return wrk.format("GET", "/")
end

done = function(summary)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "connect": %d, "errors": %d, "other": %d}\n', summary.requests, errors.connect,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
