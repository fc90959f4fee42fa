//! Moments of the calendar, in UTC, as ISO 8601 has them.

/// A moment by its milliseconds since 1970, such as `2026-03-01T12:30:45.123Z`.
pub(super) fn utc(unix_ms: i64) -> String {
    let (date, time) = parts(unix_ms);
    format!("{date}T{time}Z")
}

/// The same without fraction and zone, as `JUnit` has it.
pub(super) fn utc_seconds(unix_ms: i64) -> String {
    let (date, time) = parts(unix_ms);
    format!("{date}T{}", &time[..8])
}

fn parts(unix_ms: i64) -> (String, String) {
    let (days, ms) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    // Years are counted from March, so that the leap day is the last: then all months before it have fixed lengths. See
    // "chrono-compatible low-level date algorithms" by H. Hinnant, civil_from_days.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_date_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(utc(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(utc(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(utc_seconds(4_107_542_399_000), "2100-02-28T23:59:59");
        assert_eq!(utc_seconds(4_107_542_400_000), "2100-03-01T00:00:00");
        assert_eq!(utc_seconds(-1), "1969-12-31T23:59:59");
    }
}
