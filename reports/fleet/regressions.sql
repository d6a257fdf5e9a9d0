-- What became of the A/Bs of each OpenVINO and driver?
SELECT model, device, head_openvino, COALESCE(gpu_driver, '-') AS gpu_driver, COUNT(*) AS experiments,
  SUM(CASE WHEN verdict = 'regressed' THEN 1 ELSE 0 END) AS regressed,
  SUM(CASE WHEN verdict = 'improved' THEN 1 ELSE 0 END) AS improved,
  SUM(CASE WHEN verdict = 'wrong-output' THEN 1 ELSE 0 END) AS wrong_output,
  SUM(CASE WHEN verdict IN ('inconclusive', 'invalid-environment') THEN 1 ELSE 0 END) AS undecided
FROM verdicts
WHERE is_of_bisect = 0
GROUP BY model, device, head_openvino, COALESCE(gpu_driver, '-')
ORDER BY model, device, head_openvino, gpu_driver;
