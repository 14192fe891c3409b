-- A topic in a neighbourhood: posts that look for people, a text posted twice counted once
-- district: District, as the posts' source gives it; null if it gives none
-- dong: Neighbourhood in it, likewise
-- topic: What the groups do; a group of two topics counts in both, one of none under `unstated`
-- groups: Posts that look for people
-- open_to_all: Those of them that ask for no gender and no age
-- recurring: Those of them that meet regularly
-- last_day: Day of the latest of them
WITH current_posts AS (
  SELECT source, post_id, json_extract_string(extra, '$.district') AS district,
    json_extract_string(extra, '$.dong') AS dong
  FROM raw.posts
  QUALIFY row_number() OVER (PARTITION BY source, post_id ORDER BY revision DESC) = 1
),
recruiting AS (
  SELECT c.district, c.dong, g.topics, g.is_open_to_all, g.recurring, g.day
  FROM attributes.groups__live g JOIN current_posts c USING (source, post_id)
  WHERE g.is_recruiting
  QUALIFY row_number() OVER (PARTITION BY g.content_hash, c.district, c.dong ORDER BY g.day DESC, g.post_id) = 1
)
SELECT district, dong, topic, count(*) AS groups, count(CASE WHEN is_open_to_all THEN 1 END) AS open_to_all,
  count(CASE WHEN recurring THEN 1 END) AS recurring, max(day) AS last_day
FROM (
  SELECT *, unnest(CASE WHEN len(topics) = 0 THEN ['unstated'] ELSE topics END) AS topic FROM recruiting
)
GROUP BY district, dong, topic
