//! Numbers for people.

/// A number with at most `digits` significant digits, without trailing zeros.
///
/// ```
/// assert_eq!(sprag_gate::figure(3_298.885_589, 6), "3298.89");
/// assert_eq!(sprag_gate::figure(0.000_120_04, 2), "0.00012");
/// ```
pub fn figure(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.abs().to_string();
    }
    let scientific = format!("{value:.*e}", digits.max(1) - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-6..15).contains(&exponent) {
        let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
        return format!("{mantissa}e{exponent}");
    }
    // The rounded value, not the original, so that 9.996 with three digits is 10 and not 10.0.
    let rounded: f64 = scientific.parse().unwrap_or(value);
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    let plain = format!("{rounded:.decimals$}");
    if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.').to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn significant_digits() {
        let cases = [
            (3_298.885_589, 6, "3298.89"),
            (3.174, 3, "3.17"),
            (9.996, 3, "10"),
            (-0.05, 2, "-0.05"),
            (123_456.0, 3, "123000"),
            (1.5e-9, 3, "1.5e-9"),
            (2e20, 4, "2e20"),
            (0.0, 3, "0"),
            (-0.0, 3, "0"),
            (100.0, 6, "100"),
        ];
        for (value, digits, expected) in cases {
            assert_eq!(figure(value, digits), expected, "{value} with {digits} digits");
        }
    }
}
