-- A name of a place in a district and month: posts that name it, and those that tell what it was like; no directory needed
-- month: First day of the month of the posts
-- district: District of the posts that name it, as their source gives it; null if it gives none
-- place: The name, as most of them write it
-- reviews: Posts that tell an experience with it or an opinion of it
-- posts: Posts that name it, not only to say where something else is
-- last_day: Day of the latest of them
WITH current_posts AS (
  SELECT source, post_id, json_extract_string(extra, '$.district') AS district
  FROM raw.posts
  QUALIFY row_number() OVER (PARTITION BY source, post_id ORDER BY revision DESC) = 1
),
-- A text that was posted twice in a month is counted once.
named AS (
  SELECT m.content_hash, CAST(date_trunc('month', m.day) AS DATE) AS month, c.district,
    lower(replace(m.text, ' ', '')) AS folded, m.text, m.is_review, m.day
  FROM attributes.places__mentions__live m JOIN current_posts c USING (source, post_id)
  WHERE m.kept
  QUALIFY row_number() OVER (PARTITION BY m.content_hash, m.ordinal, month ORDER BY m.source, m.post_id) = 1
)
SELECT month, district, mode(text) AS place,
  count(DISTINCT CASE WHEN is_review THEN content_hash END) AS reviews,
  count(DISTINCT content_hash) AS posts, max(day) AS last_day
FROM named
GROUP BY month, district, folded
