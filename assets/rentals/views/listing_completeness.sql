-- A rental listing: how much of what people ask about it states
-- source: Where the post comes from
-- post_id: The source's own id of the post
-- day: Day of the post
-- deal_type: How it is offered; null if it does not say
-- completeness_share: Stated facts of those that this kind of offer has, 0 to 1
-- missing: Facts that it does not state, as attributes.rentals calls them
WITH facts AS (
  SELECT source, post_id, day, deal_type,
    -- Null where the offer has no such thing: no rent of a sale or a jeonse, no deposit and no maintenance of a sale.
    unnest([
      {'name': 'property_type', 'is_stated': property_type IS NOT NULL},
      {'name': 'deal_type', 'is_stated': deal_type IS NOT NULL},
      {'name': 'deposit', 'is_stated': CASE WHEN deal_type = 'sale' THEN NULL ELSE deposit IS NOT NULL END},
      {'name': 'monthly_rent',
       'is_stated': CASE WHEN deal_type IN ('sale', 'jeonse') THEN NULL ELSE monthly_rent IS NOT NULL END},
      {'name': 'maintenance', 'is_stated': CASE WHEN deal_type = 'sale' THEN NULL ELSE maintenance IS NOT NULL END},
      {'name': 'area_m2', 'is_stated': area_m2 IS NOT NULL},
      {'name': 'floor', 'is_stated': floor IS NOT NULL},
      {'name': 'rooms', 'is_stated': rooms IS NOT NULL},
      {'name': 'available', 'is_stated': available IS NOT NULL},
      {'name': 'near_station', 'is_stated': near_station IS NOT NULL}
    ]) AS fact
  FROM attributes.rentals__live
)
SELECT source, post_id, day, deal_type,
  avg(CASE WHEN fact.is_stated THEN 1 ELSE 0 END) AS completeness_share,
  coalesce(list(fact.name) FILTER (WHERE NOT fact.is_stated), []) AS missing
FROM facts
WHERE fact.is_stated IS NOT NULL
GROUP BY source, post_id, day, deal_type
