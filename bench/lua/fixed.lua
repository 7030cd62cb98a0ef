-- The same request over and over: METHOD AUTHORIZATION BODY; the last two may be empty.
dofile("bench/lua/summary.lua")

function init(args)
  wrk.method = args[1]
  wrk.headers["Content-Type"] = "application/json"
  if args[2] ~= "" then wrk.headers["Authorization"] = args[2] end
  if args[3] ~= "" then wrk.body = args[3] end
end
