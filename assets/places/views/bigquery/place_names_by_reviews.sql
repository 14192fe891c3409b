WITH current_posts AS (
  SELECT source, post_id, JSON_VALUE(extra, '$.district') AS district
  FROM raw.posts
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY source, post_id ORDER BY revision DESC) = 1
),
-- A text that was posted twice in a month is counted once.
named AS (
  SELECT m.content_hash, DATE_TRUNC(m.day, MONTH) AS month, c.district,
    LOWER(REPLACE(m.text, ' ', '')) AS folded, m.text, m.is_review, m.day
  FROM attributes.places__mentions__live AS m JOIN current_posts AS c USING (source, post_id)
  WHERE m.kept
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY m.content_hash, m.ordinal, DATE_TRUNC(m.day, MONTH) ORDER BY m.source, m.post_id) = 1
),
counted AS (
  SELECT *, COUNT(*) OVER (PARTITION BY month, district, folded, text) AS copies FROM named
)
SELECT month, district, ARRAY_AGG(text ORDER BY copies DESC, text LIMIT 1)[OFFSET(0)] AS place,
  COUNT(DISTINCT IF(is_review, content_hash, NULL)) AS reviews,
  COUNT(DISTINCT content_hash) AS posts, MAX(day) AS last_day
FROM counted
GROUP BY month, district, folded
