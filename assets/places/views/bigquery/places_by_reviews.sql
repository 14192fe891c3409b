SELECT DATE_TRUNC(day, MONTH) AS month, place_id, place_name,
  -- A text that was posted twice is counted once.
  COUNT(DISTINCT IF(is_review, content_hash, NULL)) AS reviews,
  COUNT(DISTINCT content_hash) AS posts, MAX(day) AS last_day
FROM links.places__mentions__live
WHERE kept AND place_id IS NOT NULL
GROUP BY month, place_id, place_name
