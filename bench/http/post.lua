wrk.method = 'POST'
wrk.headers['content-type'] = 'application/json'
wrk.body = '{"name":"A lamp","price":19.5,"tags":["light","home"]}'
