-- The same kind of request over and over: METHOD PATH HEADER VALUE BODY; {n} in the body is a new name each time.
dofile("bench/lua/summary.lua")

local method, path, body, run
local number = 0

function init(args)
  method, path, body = args[1], args[2], args[5]
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers[args[3]] = args[4]
  run = os.time()
end

function request()
  number = number + 1
  return wrk.format(method, path, nil, (body:gsub("{n}", run .. "-" .. number)))
end
