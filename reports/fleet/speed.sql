-- How fast is each class of machines? TPOT of the valid runs of the last 30 days, with half of its 95 % interval.
-- A unit counts once, however often it measured, for runs of one unit are alike. 1.96 is of the normal distribution: with
-- fewer than 30 units the interval is too narrow.
WITH newest AS (
  SELECT MAX(when_utc_s) AS at_s FROM runs
),
units AS (
  SELECT r.machine_class, r.model, r.device, r.openvino, COALESCE(r.unit_id, 'unnamed') AS unit,
    COUNT(*) AS runs, SUM(r.decode_steps) AS decode_steps, SUM(r.decode_ns) AS decode_ns
  FROM runs r CROSS JOIN newest
  WHERE r.plan = 'bench' AND r.validity = 'valid' AND r.decode_ns IS NOT NULL
    AND r.when_utc_s >= newest.at_s - 30 * 86400
  GROUP BY r.machine_class, r.model, r.device, r.openvino, COALESCE(r.unit_id, 'unnamed')
)
SELECT machine_class, model, device, openvino,
  COUNT(*) AS units, SUM(runs) AS runs, SUM(decode_steps) AS decode_steps, SUM(decode_ns) AS decode_ns,
  ROUND(AVG(CAST(decode_ns AS DOUBLE) / decode_steps / 1e6), 3) AS tpot_ms,
  ROUND(1.96 * STDDEV_SAMP(CAST(decode_ns AS DOUBLE) / decode_steps / 1e6) / SQRT(COUNT(*)), 3) AS half_interval_ms
FROM units
GROUP BY machine_class, model, device, openvino
ORDER BY machine_class, model, device, openvino;
