const DAY_SECONDS: u64 = 24 * 60 * 60;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [(&str, u64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// The last second of the year 9999: what comes later does not fit.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Appends a date as `Date` and `Expires` have it (RFC 9110, section 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// `unix_seconds` are those since 1970, up to the end of the year 9999.
pub fn append_date(unix_seconds: u64, out: &mut Vec<u8>) {
    let unix_seconds = unix_seconds.min(SECONDS_MAX);
    let days = unix_seconds / DAY_SECONDS;
    let second = unix_seconds % DAY_SECONDS;
    let weekday = WEEKDAYS[(days % 7) as usize];
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let date =
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
    out.extend_from_slice(date.as_bytes());
}

/// The year, month and day that begin so many days after 1970 did.
fn civil(days: u64) -> (u64, &'static str, u64) {
    // Counted from 1600, where one of the calendar's cycles of 400 years begins.
    const DAYS_1600_TO_1970: u64 = 135_140;
    let days = days + DAYS_1600_TO_1970;
    let mut year = 1600 + 400 * (days / 146_097);
    let mut day = days % 146_097;
    while day >= year_days(year) {
        day -= year_days(year);
        year += 1;
    }
    let mut month = 0;
    while day >= month_days(year, month) {
        day -= month_days(year, month);
        month += 1;
    }
    (year, MONTHS[month].0, day + 1)
}

fn month_days(year: u64, month: usize) -> u64 {
    let leap_day = u64::from(month == 1 && year_days(year) == 366);
    MONTHS[month].1 + leap_day
}

fn year_days(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    365 + u64::from(is_leap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(unix_seconds: u64) -> String {
        let mut out = Vec::new();
        append_date(unix_seconds, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_equal_known_ones() {
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(951_782_399), "Mon, 28 Feb 2000 23:59:59 GMT");
        assert_eq!(date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(date(1_709_251_199), "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(date(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert_eq!(date(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
