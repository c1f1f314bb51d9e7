/**
 * The scripts of the claim index. Keys of one call share the hash tag of their partition, so they lie in one slot.
 *
 * KEYS[1] is the partition's hash {epoch, gen, seq, server}: it is missing after a flush. `server` is the replication id of the
 * server that it was opened on: a promoted replica and a server that was started again have another one, and may lack claims
 * that were made before, so the index counts as lost then. `seq` counts the calls of a generation: data that was set back under
 * a running server shows a lower one than this node has seen.
 * A claim reads "messageId bodyHash claimedAt logEnd offset", offset "-" while unconfirmed.
 */

const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n";
const SERVER = "local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''\n";

/** ARGV: epoch, gen and seq seen last, keepMillis, then messageId, bodyHash, logEnd of each key. */
export const CLAIM = `${NOW}${SERVER}
local m = redis.call('HMGET', KEYS[1], 'epoch', 'gen', 'seq', 'server')
if m[1] ~= ARGV[1] then return {} end
if m[4] ~= server or (m[2] == ARGV[2] and tonumber(m[3]) < tonumber(ARGV[3])) then redis.call('DEL', KEYS[1]) return {} end
local out = {now, m[2], redis.call('HINCRBY', KEYS[1], 'seq', 1)}
for i = 2, #KEYS do
  local v = redis.call('GET', KEYS[i])
  if v then out[#out + 1] = v else
    local a = 5 + (i - 2) * 3
    redis.call('SET', KEYS[i], ARGV[a] .. ' ' .. ARGV[a + 1] .. ' ' .. string.format('%.0f', now) .. ' ' .. ARGV[a + 2] .. ' -', 'PX', ARGV[4])
    out[#out + 1] = ''
  end
end
return out`;

/** ARGV: epoch. */
export const READ = `${NOW}${SERVER}
local m = redis.call('HMGET', KEYS[1], 'epoch', 'server')
if m[1] ~= ARGV[1] or m[2] ~= server then return {} end
local out = {now}
for i = 2, #KEYS do out[#out + 1] = redis.call('GET', KEYS[i]) or '' end
return out`;

/** ARGV: keepMillis, then messageId, whole claim, claimedAt of each key. KEYS[1] is not looked at: what is in the log is true. */
export const CONFIRM = `${NOW}
for i = 2, #KEYS do
  local a = 2 + (i - 2) * 3
  local v = redis.call('GET', KEYS[i])
  local left = tonumber(ARGV[a + 2]) + tonumber(ARGV[1]) - now
  if left > 0 and (not v or string.sub(v, 1, #ARGV[a] + 1) == ARGV[a] .. ' ') then redis.call('SET', KEYS[i], ARGV[a + 1], 'PX', string.format('%.0f', left)) end
end
return 1`;

/** ARGV: messageId, claimedAt of each key. */
export const RELEASE = `
for i = 2, #KEYS do
  local a = 1 + (i - 2) * 2
  local v = redis.call('GET', KEYS[i])
  if v then
    local id, body, at, from, offset = string.match(v, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    if id == ARGV[a] and at == ARGV[a + 1] and offset == '-' then redis.call('DEL', KEYS[i]) end
  end
end
return 1`;

/** KEYS[2]: the turn {owner, lostAt, until, server}; of another server it is none. ARGV: epoch, owner, lease. */
export const BEGIN = `${NOW}${SERVER}
local m = redis.call('HMGET', KEYS[1], 'epoch', 'server')
if m[1] == ARGV[1] and m[2] == server then return {'ready'} end
local r = redis.call('HMGET', KEYS[2], 'owner', 'lostAt', 'until', 'server')
if r[4] ~= server then r = {} end
if r[1] and r[1] ~= ARGV[2] and tonumber(r[3]) > now then return {'busy'} end
local lostAt = r[2] or string.format('%.0f', now)
redis.call('HSET', KEYS[2], 'owner', ARGV[2], 'lostAt', lostAt, 'until', string.format('%.0f', now + ARGV[3]), 'server', server)
redis.call('PEXPIRE', KEYS[2], 3600000)
return {'mine', lostAt, now}`;

/** KEYS[2]: the turn, then claims. ARGV: owner, lease, keepMillis, then whole claim, claimedAt of each key. */
export const FILL = `${NOW}${SERVER}
local r = redis.call('HMGET', KEYS[2], 'owner', 'server')
if r[1] ~= ARGV[1] or r[2] ~= server then return 0 end
redis.call('HSET', KEYS[2], 'until', string.format('%.0f', now + ARGV[2]))
for i = 3, #KEYS do
  local a = 4 + (i - 3) * 2
  local left = tonumber(ARGV[a + 1]) + tonumber(ARGV[3]) - now
  if left > 0 then redis.call('SET', KEYS[i], ARGV[a], 'PX', string.format('%.0f', left), 'NX') end
end
return 1`;

/** ARGV: epoch, owner; the owner names the new generation. */
export const FINISH = `${SERVER}
local r = redis.call('HMGET', KEYS[2], 'owner', 'server')
if r[1] ~= ARGV[2] or r[2] ~= server then return 0 end
redis.call('DEL', KEYS[2])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'gen', ARGV[2], 'seq', '0', 'server', server)
return 1`;
