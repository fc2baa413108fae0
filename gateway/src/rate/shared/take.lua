-- Charges every bucket of one request, or none. See gcra.rs for the arithmetic.
-- KEYS: the buckets, all of one caller. ARGV: interval and capacity of each, in microseconds.
-- Answers 1 or 0, and then how full each bucket is, in microseconds.

-- The clock of the store: those of the processes need not agree.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local passed, debts = 1, {}

for place, key in ipairs(KEYS) do
  local interval, capacity = tonumber(ARGV[2 * place - 1]), tonumber(ARGV[2 * place])
  local empty_at = tonumber(redis.call('GET', key) or now) or now
  local debt = math.min(math.max(empty_at - now, 0), capacity)
  if debt + interval > capacity then
    passed = 0
  end
  debts[place] = debt
end

if passed == 1 then
  for place, key in ipairs(KEYS) do
    debts[place] = debts[place] + tonumber(ARGV[2 * place - 1])
    -- Sixteen digits: Lua's own printing would round them. A bucket that is empty is as good as none.
    local empty_at = string.format('%.0f', now + debts[place])
    redis.call('SET', key, empty_at, 'PX', math.ceil(debts[place] / 1000))
  end
end

table.insert(debts, 1, passed)
return debts
