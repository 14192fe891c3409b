SELECT source, post_id, day, deal_type,
  AVG(IF(fact.is_stated, 1, 0)) AS completeness_share,
  COALESCE(ARRAY_AGG(IF(fact.is_stated, NULL, fact.name) IGNORE NULLS), []) AS missing
FROM attributes.rentals__live AS listing,
  UNNEST([
    STRUCT('property_type' AS name, property_type IS NOT NULL AS is_stated),
    STRUCT('deal_type' AS name, deal_type IS NOT NULL AS is_stated),
    STRUCT('deposit' AS name, IF(deal_type = 'sale', NULL, deposit IS NOT NULL) AS is_stated),
    STRUCT('monthly_rent' AS name, IF(deal_type IN ('sale', 'jeonse'), NULL, monthly_rent IS NOT NULL) AS is_stated),
    STRUCT('maintenance' AS name, IF(deal_type = 'sale', NULL, maintenance IS NOT NULL) AS is_stated),
    STRUCT('area_m2' AS name, area_m2 IS NOT NULL AS is_stated),
    STRUCT('floor' AS name, floor IS NOT NULL AS is_stated),
    STRUCT('rooms' AS name, rooms IS NOT NULL AS is_stated),
    STRUCT('available' AS name, available IS NOT NULL AS is_stated),
    STRUCT('near_station' AS name, near_station IS NOT NULL AS is_stated)
  ]) AS fact
WHERE fact.is_stated IS NOT NULL
GROUP BY source, post_id, day, deal_type
