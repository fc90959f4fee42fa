//! GitLab's collapsible sections. The log's viewer takes `section_start:SECONDS:NAME[OPTIONS]`, a carriage return and
//! `ESC [0K` for the beginning of a section, whose title follows; `section_end:SECONDS:NAME` and the same ends it. A name has
//! letters, digits, `_`, `.` and `-`, and stands for one section in a job's log. The time between the two is shown.

/// How section markers begin.
pub(super) const SECTIONS: [&str; 2] = ["section_start:", "section_end:"];

/// The line that opens a section at this time, in seconds since 1970, folded. The title is one line and without markers.
pub fn section_start(seconds: i64, name: &str, title: &str) -> String {
    format!("\x1b[0Ksection_start:{seconds}:{}[collapsed=true]\r\x1b[0K{title}", safe(name))
}

/// The line that closes the section of this name.
pub fn section_end(seconds: i64, name: &str) -> String {
    format!("\x1b[0Ksection_end:{seconds}:{}\r\x1b[0K", safe(name))
}

/// The name with everything replaced that no name may have.
fn safe(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h67_a_section_has_a_name_that_cannot_end_it() {
        assert_eq!(
            section_start(1_700_000_000, "a[b]:c\r\n+é", "test:1.80"),
            "\x1b[0Ksection_start:1700000000:a_b__c____[collapsed=true]\r\x1b[0Ktest:1.80"
        );
        assert_eq!(section_end(7, "x:y"), "\x1b[0Ksection_end:7:x_y\r\x1b[0K");
    }
}
