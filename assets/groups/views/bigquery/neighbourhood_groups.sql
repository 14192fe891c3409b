WITH current_posts AS (
  SELECT source, post_id, JSON_VALUE(extra, '$.district') AS district, JSON_VALUE(extra, '$.dong') AS dong
  FROM raw.posts
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY source, post_id ORDER BY revision DESC) = 1
),
recruiting AS (
  SELECT c.district, c.dong, g.topics, g.is_open_to_all, g.recurring, g.day
  FROM attributes.groups__live AS g JOIN current_posts AS c USING (source, post_id)
  WHERE g.is_recruiting
  QUALIFY ROW_NUMBER() OVER (PARTITION BY g.content_hash, c.district, c.dong ORDER BY g.day DESC, g.post_id) = 1
)
SELECT district, dong, topic, COUNT(*) AS `groups`, COUNTIF(is_open_to_all) AS open_to_all,
  COUNTIF(recurring) AS recurring, MAX(day) AS last_day
FROM recruiting, UNNEST(IF(ARRAY_LENGTH(topics) = 0, ['unstated'], topics)) AS topic
GROUP BY district, dong, topic
