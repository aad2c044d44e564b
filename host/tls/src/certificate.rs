//! How long an X.509 certificate is valid: the one thing of it that is read here (RFC 5280, section 4.1).

use chrono::{DateTime, NaiveDate, Utc};

/// The tags of DER that stand on the way to the dates.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

impl Validity {
    /// Reads the dates of a certificate in DER; none where it is damaged.
    pub(crate) fn of(der: &[u8]) -> Option<Self> {
        let (certificate, _) = enter(der, SEQUENCE)?;
        let (mut rest, _) = enter(certificate, SEQUENCE)?;
        if rest.first() == Some(&VERSION) {
            rest = skip(rest)?;
        }
        // Serial number, algorithm and issuer stand before the dates.
        for _ in 0..3 {
            rest = skip(rest)?;
        }
        let (dates, _) = enter(rest, SEQUENCE)?;
        let (from, dates) = time(dates)?;
        let (until, _) = time(dates)?;
        Some(Self { from, until })
    }
}

/// The tag, the content and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn enter(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

fn skip(der: &[u8]) -> Option<&[u8]> {
    element(der).map(|(_, _, rest)| rest)
}

fn time(der: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (tag, content, rest) = element(der)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    let part = |place: usize| text.get(2 * place..2 * place + 2)?.parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(year, part(0)?, part(1)?)?;
    Some((date.and_hms_opt(part(2)?, part(3)?, part(4)?)?.and_utc(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dates_are_those_that_the_certificate_was_made_with() {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 2, 29);
        params.not_after = rcgen::date_time_ymd(2055, 12, 31);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let validity = Validity::of(certificate.der()).unwrap();
        assert_eq!(validity.from.to_rfc3339(), "2020-02-29T00:00:00+00:00");
        assert_eq!(validity.until.to_rfc3339(), "2055-12-31T00:00:00+00:00");
        for end in 0..certificate.der().len().min(200) {
            let _none_or_dates = Validity::of(&certificate.der()[..end]);
        }
    }
}
