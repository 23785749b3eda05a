-- Sends `requests` POST requests to `routes` routes in turn, then ends the process, because wrk itself would wait for `-d`.
local routes, requests, sent, received

function init(args)
  routes, requests, sent, received = tonumber(args[1]), tonumber(args[2]), 0, 0
end

function request()
  local index = sent % routes
  sent = sent + 1
  local body = string.format('{"name":"A lamp","price":19.5,"tags":["light","home"],"field%d":%d}', index, sent)
  return wrk.format('POST', string.format('/resource%d/%d', index, sent), { ['content-type'] = 'application/json' }, body)
end

function response(status)
  if status ~= 200 then
    io.stderr:write('status ' .. status .. '\n')
    os.exit(1)
  end
  received = received + 1
  if received == requests then os.exit(0) end
end
