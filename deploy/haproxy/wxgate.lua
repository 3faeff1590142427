-- HAProxy asks wxgate whether a request may pass. Tested with HAProxy 2.6 (Lua 5.3); no other library is needed.
-- `wxgate snippet haproxy` prints this file and haproxy.cfg for your own configuration. Copy both to /etc/haproxy/.
-- wxgate must believe this HAProxy. In config.toml, [server]: trusted_proxies = ["127.0.0.1"]
--
-- haproxy.cfg has taken out the visitor's identity and forwarding headers before, and lets nothing pass unless this
-- file has set txn.wxgate to "yes": whatever fails in here is a no.

local CHECK = "http://127.0.0.1:8480/_wxgate/auth/nginx"
local SCHEME = "https"

-- HAProxy 2.6 tries three times again after a failure, so the longest wait for a silent wxgate is four times this.
local TIMEOUT_MS = 1500

local IDENTITY = {
    "remote-user",
    "remote-name",
    "remote-groups",
    "remote-email",
    "x-wechat-openid",
    "x-wechat-unionid",
    "x-wechat-avatar",
    "x-wechat-sex",
    "x-wechat-city",
    "x-wechat-province",
    "x-wechat-country",
}

-- What holds for the visitor's connection or body only. The check has no body.
local NOT_ASKED_WITH = {
    ["connection"] = true,
    ["content-length"] = true,
    ["expect"] = true,
    ["keep-alive"] = true,
    ["proxy-connection"] = true,
    ["te"] = true,
    ["transfer-encoding"] = true,
}

local PAGE = [[<!doctype html><meta name="viewport" content="width=device-width"><title>%s</title>
<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:32em;margin:15vh auto;padding:0 1em}small{opacity:.6}</style>
<h1>%s</h1>
%s
<p><small>请求编号 / Request id: %s</small></p>
]]

-- The value of a header that the answer has exactly once, else nil. HAProxy counts from 0.
local function only(answer, name)
    local values = (answer.headers or {})[name]
    if values and values[0] and not values[1] then
        return values[0]
    end
end

local function finish(txn, status, reason, headers, body)
    headers["cache-control"] = { "no-store" }
    txn:done(txn:reply{ status = status, reason = reason, headers = headers, body = body })
end

local REFUSED = [[<p>如果你觉得应该可以打开，请联系管理员，并告知请求编号。<br>
If you think you should be let in, contact the administrator and quote the request number.</p>
<p><a href="/">首页 / Home</a> <a href="/_wxgate/logout">退出登录 / Sign out</a></p>]]
local AWAY = "<p>请稍后再试。 / Please try again in a while.</p>"

local function page(txn, status, reason, title, text, request_id)
    local headers = { ["content-type"] = { "text/html; charset=utf-8" } }
    finish(txn, status, reason, headers, PAGE:format(status, title, text, request_id))
end

-- The application is told what wxgate says, and nothing else.
local function admit(txn, answer)
    local told = {}
    for _, name in ipairs(IDENTITY) do
        told[name] = only(answer, name)
        if not told[name] then
            return false            -- not wxgate's answer, or to other header names
        end
    end
    told["cookie"] = ""             -- the visitor's own, without wxgate's
    if answer.headers["cookie"] then
        told["cookie"] = only(answer, "cookie")
        if not told["cookie"] then
            return false
        end
    end
    for name, value in pairs(told) do
        txn.http:req_del_header(name)
        if value ~= "" then
            txn.http:req_add_header(name, value)
        end
    end
    local request = txn.http:req_get_headers()
    for name, value in pairs(told) do   -- a header that finds no room in the buffer is left out silently
        local values = request[name] or { [0] = "" }
        if values[0] ~= value or values[1] then
            return false
        end
    end
    return true
end

core.register_action("wxgate_check", { "http-req" }, function(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not NOT_ASKED_WITH[name] then
            local list = {}
            for index = 0, #values do
                list[index + 1] = values[index]
            end
            headers[name] = list
        end
    end
    local request_id = headers["x-request-id"][1]
    headers["x-original-url"] = { SCHEME .. "://" .. txn:get_var("txn.host") .. txn.f:pathq() }
    headers["x-original-method"] = { txn.f:method() }

    local answer = core.httpclient():get{ url = CHECK, headers = headers, timeout = TIMEOUT_MS }

    local renewal = only(answer, "set-cookie")
    if renewal then
        txn:set_var("txn.set_cookie", renewal)   -- haproxy.cfg adds it to whatever answer
    end
    local login = only(answer, "x-wxgate-redirect")
    local content_type = only(answer, "content-type") or ""
    if answer.status == 200 then
        if admit(txn, answer) then
            txn:set_var("txn.wxgate", "yes")
            return
        end
    elseif answer.status == 401 and login and content_type:find("^text/html") then
        return finish(txn, 302, "Found", { ["location"] = { login } }, "")      -- a person
    elseif answer.status == 401 and login then
        return finish(txn, 401, "Unauthorized", { ["content-type"] = { content_type } }, answer.body)   -- a program
    elseif answer.status == 400 or answer.status == 431 then    -- more than wxgate reads of any request
        return page(txn, answer.status, "Bad Request", "请求过大 / Request too large", request_id)
    elseif answer.status == 403 then
        request_id = only(answer, "x-request-id") or request_id
        return page(txn, 403, "Forbidden", "无权访问 / Not allowed", REFUSED, request_id)
    end
    page(txn, 503, "Service Unavailable", "登录服务暂时不可用 / Sign-in is out of order", AWAY, request_id)
end, 0)
