-- Which units are more than 5 % slower than the median unit of their class, with one model, OpenVINO and driver?
WITH units AS (
  SELECT machine_class, model, device, openvino, COALESCE(gpu_driver, '-') AS gpu_driver, unit_id,
    COUNT(*) AS runs, SUM(decode_steps) AS decode_steps, SUM(decode_ns) AS decode_ns,
    CAST(SUM(decode_ns) AS DOUBLE) / SUM(decode_steps) / 1e6 AS tpot_ms
  FROM runs
  WHERE plan = 'bench' AND validity = 'valid' AND decode_ns IS NOT NULL AND unit_id IS NOT NULL
  GROUP BY machine_class, model, device, openvino, COALESCE(gpu_driver, '-'), unit_id
),
classes AS (
  SELECT machine_class, model, device, openvino, gpu_driver, COUNT(*) AS units, MEDIAN(tpot_ms) AS median_ms
  FROM units
  GROUP BY machine_class, model, device, openvino, gpu_driver
)
SELECT u.machine_class, u.model, u.openvino, u.gpu_driver, u.unit_id, u.runs, u.decode_steps, u.decode_ns, c.units,
  ROUND(u.tpot_ms, 3) AS tpot_ms, ROUND(u.tpot_ms / c.median_ms, 3) AS over_median
FROM units u
JOIN classes c ON c.machine_class = u.machine_class AND c.model = u.model AND c.device = u.device
  AND c.openvino = u.openvino AND c.gpu_driver = u.gpu_driver
WHERE u.tpot_ms > 1.05 * c.median_ms
ORDER BY over_median DESC, u.unit_id;
