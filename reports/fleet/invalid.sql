-- Which guards invalidate runs, and of how many? A run in which two guards tripped counts for both.
WITH totals AS (
  SELECT machine_class, COUNT(*) AS runs FROM runs GROUP BY machine_class
)
SELECT r.machine_class, g.guard, COUNT(*) AS tripped, MAX(t.runs) AS runs,
  ROUND(100.0 * COUNT(*) / MAX(t.runs), 2) AS percent
FROM guards g
JOIN runs r ON r.record_sha256 = g.record_sha256 AND r.arm = g.arm
JOIN totals t ON t.machine_class = r.machine_class
WHERE g.status IN ('tripped', 'vanished')
GROUP BY r.machine_class, g.guard
ORDER BY r.machine_class, tripped DESC, g.guard;
