-- Which units become slower? The slope of TPOT over the last 90 days of each unit with one driver and one OpenVINO, percent
-- in 90 days, with half of its 95 % interval: 2.3 is Student's t of the 10 runs that a line has at least. A change of driver
-- or OpenVINO is no creep and begins another line. Slopes below 2 % in 90 days are left out.
WITH newest AS (
  SELECT MAX(when_utc_s) AS at_s FROM runs
),
points AS (
  SELECT r.machine_class, r.model, r.openvino, COALESCE(r.gpu_driver, '-') AS gpu_driver, r.unit_id,
    CAST(r.when_utc_s - newest.at_s AS DOUBLE) / 86400 AS day,
    LN(CAST(r.decode_ns AS DOUBLE) / r.decode_steps) AS tpot_ln
  FROM runs r CROSS JOIN newest
  WHERE r.plan = 'bench' AND r.validity = 'valid' AND r.decode_ns IS NOT NULL AND r.unit_id IS NOT NULL
    AND r.when_utc_s >= newest.at_s - 90 * 86400
),
sums AS (
  SELECT machine_class, model, openvino, gpu_driver, unit_id, COUNT(*) AS runs,
    SUM(day * day) - SUM(day) * SUM(day) / COUNT(*) AS day_day,
    SUM(day * tpot_ln) - SUM(day) * SUM(tpot_ln) / COUNT(*) AS day_tpot,
    SUM(tpot_ln * tpot_ln) - SUM(tpot_ln) * SUM(tpot_ln) / COUNT(*) AS tpot_tpot
  FROM points
  GROUP BY machine_class, model, openvino, gpu_driver, unit_id
),
slopes AS (
  SELECT *, day_tpot / day_day AS slope,
    SQRT(GREATEST(tpot_tpot - day_tpot * day_tpot / day_day, 0) / (runs - 2) / day_day) AS standard_error
  FROM sums
  WHERE runs >= 10 AND day_day > 0
)
SELECT machine_class, model, openvino, gpu_driver, unit_id, runs,
  ROUND(100 * (EXP(90 * slope) - 1), 2) AS percent_in_90_days,
  ROUND(100 * 90 * 2.3 * standard_error, 2) AS half_interval_percent
FROM slopes
WHERE slope > 2.3 * standard_error AND EXP(90 * slope) > 1.02
ORDER BY percent_in_90_days DESC, unit_id;
