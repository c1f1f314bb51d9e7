/** The scripts of the outbox in Redis. Places are positions without their epoch: 15 characters that compare as they are. */

// Since when the partition is whole stands behind the first 16 digits of the server's replication id: a server that was started again, or that took
// over from another one, may lack what came last, and what it has follows on within itself all the same. So it counts as lost. What is found there:
// server (16), life (14: microseconds at which it began), place since which it is whole (15), milliseconds since when that place is said.
// A conversation's newest place belongs to one life, 44 characters (as many as Redis keeps in one piece): life, newest place, place since which it is whole.
const KNOWN = `
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)'):sub(1, 16)
local whole = redis.call('GET', KEYS[1])
if whole and whole:sub(1, 16) ~= server then whole = false end
local life, since = whole and whole:sub(17, 30), whole and whole:sub(31, 45)
local function known(key)
  local found = redis.call('GET', key)
  if found and found:sub(1, 14) == life then return found:sub(15, 29), found:sub(30, 44) end
  return false
end
`;

/** A script that took nothing answers this, and the server's time in milliseconds: it has to be told where messages.v1 ends. */
export const REFUSED = '?!';

// Keys: the partition, then pairs (newest place, stream). Arguments: how long entries live, how many there are, how long the newest place lives; where
// messages.v1 ends and when that was asked for, or ''; then fours (place, its id in the stream, prev, frame). '' as prev: nothing before; '?': not known.
// An end that was asked for long ago may be older than what another process appended, and lost, meanwhile. Newest places expire, and what is forgotten looks
// new when it goes on: so the place since which the partition is whole moves up at least as often.
// Marks: '+' place: follows on that one. '!' prev: the first that is known of its conversation, and what its record says came before. Of dead letters that
// may be late '?' for the first one, '~' for others. Answers '=' and the mark for a repeat, the mark for a new one, 'L' for a late one.
export const APPEND = `${KNOWN}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not whole or now >= tonumber(whole:sub(46)) + ARGV[3] / 2 then
  local ends = ARGV[4]
  if ends == '' or now >= ARGV[5] + 5000 then return { '${REFUSED}' .. string.format('%.0f', now) } end
  if not whole then life = string.format('%014x', time[1] * 1000000 + time[2]) end
  if not whole or ends > since then since = ends end
  redis.call('SET', KEYS[1], server .. life .. since .. string.format('%.0f', now), 'PX', ARGV[3] * 2)
end
local answers = {}
for i = 1, (#KEYS - 1) / 2 do
  local at, place, id, prev, frame = i * 2, ARGV[i * 4 + 2], ARGV[i * 4 + 3], ARGV[i * 4 + 4], ARGV[i * 4 + 5]
  local last, from = known(KEYS[at])
  -- The record names an earlier reply that is newer than all that is known: this was flushed, and then got an older outcome again.
  if last and place > last and prev ~= '' and prev ~= '?' and prev:sub(10) > last then last = false end
  if last and place <= last then
    local found = redis.call('XRANGE', KEYS[at + 1], id, id)
    if #found == 1 then
      answers[i] = '=' .. found[1][2][2]
    else
      redis.call('UNLINK', KEYS[at + 1])
      answers[i] = 'L'
    end
  else
    if not last then from = since end
    local late, mark = prev == '?' and place <= from
    if last then mark = late and '~' or '+' .. last else mark = late and '?' or '!' .. prev end
    -- A stream that outlived the newest place may know higher ids than it should: it is a leftover.
    if not last then redis.call('UNLINK', KEYS[at + 1]) end
    redis.call('XADD', KEYS[at + 1], 'MAXLEN', '~', ARGV[2], id, 'p', mark, 'f', frame)
    redis.call('PEXPIRE', KEYS[at + 1], ARGV[1])
    redis.call('SET', KEYS[at], life .. place .. from, 'PX', ARGV[3])
    answers[i] = mark
  end
end
return answers`;

// Keys: the partition, newest place, stream. Arguments: the id in the stream and the place to read after, '' for all, and how many.
export const READ = `${KNOWN}
if not whole then return {} end
local last, from = known(KEYS[2])
if not last then return { life .. since } end
if ARGV[1] ~= '' and last <= ARGV[2] then return { life .. from, last } end
return { life .. from, last, redis.call('XRANGE', KEYS[3], ARGV[1] == '' and '-' or '(' .. ARGV[1], '+', 'COUNT', ARGV[3]) }`;
