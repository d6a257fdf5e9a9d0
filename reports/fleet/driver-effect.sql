-- What did a new driver do? TPOT of a unit with it over that with its driver before, less what happened meanwhile to the
-- units of the class that kept theirs (difference in differences, by month).
WITH months AS (
  SELECT machine_class, model, openvino, unit_id, month, MIN(gpu_driver) AS first_driver, MAX(gpu_driver) AS last_driver,
    LN(CAST(SUM(decode_ns) AS DOUBLE) / SUM(decode_steps)) AS tpot_ln
  FROM runs
  WHERE plan = 'bench' AND validity = 'valid' AND decode_ns IS NOT NULL AND unit_id IS NOT NULL AND gpu_driver IS NOT NULL
  GROUP BY machine_class, model, openvino, unit_id, month
),
numbered AS (
  SELECT machine_class, model, openvino, unit_id, last_driver AS gpu_driver, tpot_ln,
    CAST(SUBSTR(month, 1, 4) AS INT) * 12 + CAST(SUBSTR(month, 6, 2) AS INT) AS number
  FROM months
  WHERE first_driver = last_driver -- a month in which it changed is of neither
),
changes AS (
  SELECT b.machine_class, b.model, b.openvino, b.unit_id, b.number AS from_month, a.number AS to_month,
    b.gpu_driver AS before, a.gpu_driver AS after, a.tpot_ln - b.tpot_ln AS change_ln
  FROM numbered b
  JOIN numbered a ON a.machine_class = b.machine_class AND a.model = b.model AND a.openvino = b.openvino
    AND a.unit_id = b.unit_id AND a.number BETWEEN b.number + 1 AND b.number + 2
),
kept AS (
  SELECT machine_class, model, openvino, from_month, to_month, AVG(change_ln) AS change_ln
  FROM changes
  WHERE before = after
  GROUP BY machine_class, model, openvino, from_month, to_month
)
SELECT c.machine_class, c.model, c.openvino, c.before, c.after, COUNT(DISTINCT c.unit_id) AS units,
  ROUND(EXP(AVG(c.change_ln - k.change_ln)), 4) AS tpot_ratio
FROM changes c
JOIN kept k ON k.machine_class = c.machine_class AND k.model = c.model AND k.openvino = c.openvino
  AND k.from_month = c.from_month AND k.to_month = c.to_month
WHERE c.before <> c.after
GROUP BY c.machine_class, c.model, c.openvino, c.before, c.after
ORDER BY c.machine_class, c.model, c.openvino, c.before, c.after;
