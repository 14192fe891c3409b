WITH offers AS (
  -- Accessories have no product, and a lot of several phones has no price a phone.
  SELECT product, `condition`, CAST(DATE_TRUNC(day, WEEK(MONDAY)) AS DATE) AS week, price, LN(price) AS log_price,
    COALESCE(CAST(`condition` = 'for_parts' AS STRING), '') AS parts
  FROM attributes.goods__live
  WHERE intent = 'sell' AND category = 'digital' AND product IS NOT NULL
    AND price >= 10000 AND price__currency = 'KRW' AND COALESCE(quantity, 1) = 1
  QUALIFY ROW_NUMBER() OVER (PARTITION BY content_hash, DATE_TRUNC(day, WEEK(MONDAY)) ORDER BY source, post_id) = 1
),
-- Against the same model's offers of the half year up to that week. BigQuery has no median over a moving window, so
-- the offers of the window are gathered a week at a time.
weeks AS (
  SELECT DISTINCT product, parts, week FROM offers
),
past AS (
  SELECT w.product, w.parts, w.week, COUNT(*) AS known,
    ARRAY_AGG(o.log_price ORDER BY o.log_price) AS log_prices
  FROM weeks AS w JOIN offers AS o
    ON o.product = w.product AND o.parts = w.parts
    AND o.week BETWEEN DATE_SUB(w.week, INTERVAL 26 WEEK) AND w.week
  GROUP BY w.product, w.parts, w.week
),
centres AS (
  SELECT *, (log_prices[OFFSET(DIV(known - 1, 2))] + log_prices[OFFSET(DIV(known, 2))]) / 2 AS centre FROM past
),
centred AS (
  SELECT o.*, c.known, ABS(o.log_price - c.centre) AS deviation
  FROM offers AS o JOIN centres AS c USING (product, parts, week)
),
spreads AS (
  SELECT w.product, w.parts, w.week, COUNT(*) AS known,
    ARRAY_AGG(c.deviation ORDER BY c.deviation) AS deviations
  FROM weeks AS w JOIN centred AS c
    ON c.product = w.product AND c.parts = w.parts
    AND c.week BETWEEN DATE_SUB(w.week, INTERVAL 26 WEEK) AND w.week
  GROUP BY w.product, w.parts, w.week
),
-- Modified z-score above 3.5 (Iglewicz and Hoaglin 1993) in log price; a spread below 15% counts as 15%: conditions differ by that.
judged AS (
  SELECT c.*, c.known >= 5 AND c.deviation > 3.5 * GREATEST(1.4826 * (
    s.deviations[OFFSET(DIV(s.known - 1, 2))] + s.deviations[OFFSET(DIV(s.known, 2))]) / 2, 0.15) AS is_outlier
  FROM centred AS c JOIN spreads AS s USING (product, parts, week)
),
usual AS (
  SELECT product, `condition`, week, COUNT(*) AS everything,
    ARRAY_AGG(IF(is_outlier, NULL, price) IGNORE NULLS ORDER BY price) AS prices
  FROM judged
  GROUP BY product, `condition`, week
),
counted AS (
  SELECT *, COALESCE(ARRAY_LENGTH(prices), 0) AS n FROM usual
)
SELECT product, `condition`, week, n AS offers, everything - n AS outliers,
  prices[SAFE_OFFSET(0)] AS least_krw,
  (SELECT PERCENTILE_CONT(price, 0.25) OVER () FROM UNNEST(prices) AS price LIMIT 1) AS quarter_krw,
  (SELECT PERCENTILE_CONT(price, 0.5) OVER () FROM UNNEST(prices) AS price LIMIT 1) AS median_krw,
  (SELECT PERCENTILE_CONT(price, 0.75) OVER () FROM UNNEST(prices) AS price LIMIT 1) AS three_quarters_krw,
  prices[SAFE_OFFSET(n - 1)] AS most_krw
FROM counted
