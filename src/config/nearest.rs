//! The known word that a wrong one was probably meant to be.

/// The nearest of these words, if any is near: at most a third of it differs, case and `_` for `-` not counted.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A text this long was not mistyped, and to compare it takes time.
    const LONG: usize = 100;
    if word.len() > LONG {
        return None;
    }
    let word = plain(word);
    let length = word.chars().count();
    let allowed = (length / 3).max(1);
    let near = known.into_iter().filter(|other| other.len() <= LONG).filter_map(|other| {
        let candidate = plain(other);
        if candidate.chars().count().abs_diff(length) > allowed {
            return None;
        }
        let distance = strsim::osa_distance(&word, &candidate);
        (distance <= allowed).then_some((distance, other))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

fn plain(word: &str) -> String {
    word.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H122: a typo finds its word, and something else finds none.
    #[test]
    fn h122_typos_find_their_word() {
        let known = ["run", "needs", "timeout", "retry-delay", "env", "env-file"];
        for (typo, word) in [
            ("rnu", Some("run")),
            ("need", Some("needs")),
            ("time_out", Some("timeout")),
            ("RETRY_DELAY", Some("retry-delay")),
            ("envfile", Some("env-file")),
            ("command", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typo, known), word, "{typo}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
    }
}
