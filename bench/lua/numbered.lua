-- A request with another {number} in its body each time: METHOD AUTHORIZATION BODY BEGIN.
dofile("bench/lua/summary.lua")

local method, body, number

function init(args)
  method, body, number = args[1], args[3], tonumber(args[4])
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = args[2]
end

function request()
  number = number + 1
  return wrk.format(method, nil, nil, (body:gsub("{number}", tostring(number))))
end
