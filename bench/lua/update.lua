-- Another incident each time: METHOD PATH BODY ROWS BEGIN WORD WORD, with {id} and {status} in path and body.
-- The n-th request since the server was filled has the n-th id of a walk that scatters over all rows, and each
-- time round the other word, so that every update changes something.
dofile("bench/lua/summary.lua")

local STRIDE = 7919
local method, path, body, rows, number, words

function init(args)
  method, path, body = args[1], args[2], args[3]
  rows, number = tonumber(args[4]), tonumber(args[5])
  words = { args[6], args[7] }
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local id = tostring(number * STRIDE % rows + 1)
  local word = words[math.floor(number / rows) % 2 + 1]
  number = number + 1
  return wrk.format(method, path:gsub("{id}", id), nil, (body:gsub("{id}", id):gsub("{status}", word)))
end
