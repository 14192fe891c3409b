-- Going price of a phone model by condition and week, KRW: sale offers of one phone, reposts once, outliers out
-- product: Canonical name of the phone
-- condition: How worn it is, as attributes.goods has it
-- week: Monday of the week of the offers
-- offers: Offers that count
-- outliers: Offers that are left out, for a price too far from the model's in the half year up to that week
-- least_krw: Lowest price that counts, KRW
-- quarter_krw: A quarter of the offers ask at most this, KRW
-- median_krw: Half of the offers ask at most this, KRW
-- three_quarters_krw: Three quarters of the offers ask at most this, KRW
-- most_krw: Highest price that counts, KRW
WITH offers AS (
  -- Accessories have no product, and a lot of several phones has no price a phone.
  SELECT product, condition, CAST(date_trunc('week', day) AS DATE) AS week, price, ln(price) AS log_price
  FROM attributes.goods__live
  WHERE intent = 'sell' AND category = 'digital' AND product IS NOT NULL
    AND price >= 10000 AND price__currency = 'KRW' AND coalesce(quantity, 1) = 1
  QUALIFY row_number() OVER (PARTITION BY content_hash, week ORDER BY source, post_id) = 1
),
-- Against the same model's offers of the half year up to that week: later weeks never change what was said of one.
centred AS (
  SELECT *, abs(log_price - median(log_price) OVER past) AS deviation, count(*) OVER past AS known
  FROM offers
  WINDOW past AS (PARTITION BY product, condition = 'for_parts' ORDER BY week
                  RANGE BETWEEN INTERVAL 26 WEEKS PRECEDING AND CURRENT ROW)
),
-- Modified z-score above 3.5 (Iglewicz and Hoaglin 1993) in log price; a spread below 15% counts as 15%: conditions differ by that.
judged AS (
  SELECT *, known >= 5 AND deviation > 3.5 * greatest(1.4826 * median(deviation) OVER past, 0.15) AS is_outlier
  FROM centred
  WINDOW past AS (PARTITION BY product, condition = 'for_parts' ORDER BY week
                  RANGE BETWEEN INTERVAL 26 WEEKS PRECEDING AND CURRENT ROW)
)
SELECT product, condition, week, count(usual) AS offers, count(*) - count(usual) AS outliers,
  min(usual) AS least_krw, quantile_cont(usual, 0.25) AS quarter_krw, median(usual) AS median_krw,
  quantile_cont(usual, 0.75) AS three_quarters_krw, max(usual) AS most_krw
FROM (SELECT *, CASE WHEN NOT is_outlier THEN price END AS usual FROM judged)
GROUP BY product, condition, week
