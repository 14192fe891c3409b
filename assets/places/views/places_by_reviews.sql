-- A place of the directory in a month: how many posts tell what it was like, and how many name it
-- month: First day of the month of the posts
-- place_id: The place, by the directory's own id
-- place_name: As the directory writes it
-- reviews: Posts that tell an experience with it or an opinion of it
-- posts: Posts that name it, not only to say where something else is
-- last_day: Day of the latest of them
SELECT CAST(date_trunc('month', day) AS DATE) AS month, place_id, place_name,
  -- A text that was posted twice is counted once.
  count(DISTINCT CASE WHEN is_review THEN content_hash END) AS reviews,
  count(DISTINCT content_hash) AS posts, max(day) AS last_day
FROM links.places__mentions__live
WHERE kept AND place_id IS NOT NULL
GROUP BY ALL
