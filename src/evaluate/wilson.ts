/**
 * Wilson's score interval of a share, two-sided: statsmodels' `proportion_confint(method="wilson")`. It stays within
 * 0…1 and is of use for few samples too.
 * Reference: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
 */

const normal975 = 1.959963984540054; // two-sided 95 %

/**
 * @param count samples that have the property, of `total`
 * @param z the normal quantile of the level; 95 % by default
 * @throws RangeError where there is no sample or the counts do not fit
 */
export function wilsonInterval(count: number, total: number, z = normal975): [low: number, high: number] {
  if (!(total > 0 && count >= 0 && count <= total)) throw new RangeError(`${count} of ${total} is no share`);
  const z2 = z * z;
  const centre = (count + z2 / 2) / (total + z2);
  const reach = (z / (total + z2)) * Math.sqrt((count * (total - count)) / total + z2 / 4);
  // at the ends the exact limits are 0 and 1; rounding must not leave them
  return [count === 0 ? 0 : centre - reach, count === total ? 1 : centre + reach];
}
