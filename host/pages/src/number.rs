//! Numbers for people.

/// A number in at most seven significant digits, without the zeros at its end.
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..9.0).contains(&magnitude) {
        return format!("{value:.4e}");
    }
    let decimals = (6 - magnitude as i32).clamp(0, 10) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number with its sign.
pub fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", short(value)) } else { short(value) }
}

/// A wall time.
pub fn millis(duration_ms: f64) -> String {
    match duration_ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        let cases = [
            (3_298.885_589_364, "3298.886"),
            (0.5, "0.5"),
            (0.0, "0"),
            (-0.001_234_567_89, "-0.001234568"),
            (1e12, "1.0000e12"),
            (42.0, "42"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!((signed(2.0).as_str(), signed(-2.0).as_str(), signed(0.0).as_str()), ("+2", "-2", "0"));
        assert_eq!((millis(1.26).as_str(), millis(126.0).as_str(), millis(1260.0).as_str()), ("1.3 ms", "126 ms", "1.3 s"));
    }
}
