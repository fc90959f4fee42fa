//! Patterns for paths, as they are written in grants: `*` and `?` stay within a name, `**` stands for any number of
//! directories, `[a-z]` for one of some characters (`[!a-z]` for any other), `{a,b}` for either, and
//! a character after `\` for itself.

/// Whether the whole path is what the pattern says. A bracket that is not closed stands for itself.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    alternatives(&pattern).iter().any(|pattern| {
        let mut failed = vec![false; (pattern.len() + 1) * (path.len() + 1)];
        fits(pattern, &path, 0, 0, &mut failed)
    })
}

/// More than this many ways to read `{a,b}{c,d}…` are not tried: a pattern comes from people.
const ALTERNATIVES_MAX: usize = 256;

/// The pattern with each choice made, in turn.
fn alternatives(pattern: &[char]) -> Vec<Vec<char>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_vec()];
    while let Some(next) = open.pop() {
        match first_choice(&next) {
            Some((start, end, parts)) if done.len() + open.len() + parts.len() <= ALTERNATIVES_MAX => {
                open.extend(parts.iter().map(|part| [&next[..start], part, &next[end + 1..]].concat()));
            }
            _ => done.push(next),
        }
    }
    done
}

/// Where the first `{…}` stands, and what it offers.
fn first_choice(pattern: &[char]) -> Option<(usize, usize, Vec<Vec<char>>)> {
    let escaped = |i: usize| i > 0 && pattern[i - 1] == '\\';
    let start = (0..pattern.len()).find(|&i| pattern[i] == '{' && !escaped(i))?;
    let (mut depth, mut parts, mut from) = (0usize, Vec::new(), start + 1);
    for (i, &c) in pattern.iter().enumerate().skip(start) {
        match c {
            _ if escaped(i) => {}
            '{' => depth += 1,
            ',' if depth == 1 => {
                parts.push(pattern[from..i].to_vec());
                from = i + 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    parts.push(pattern[from..i].to_vec());
                    return Some((start, i, parts));
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the rest of the path is what the rest of the pattern says. `failed` remembers the pairs of places from which it
/// is known that it is not, so that many stars cost no more than the product of both lengths.
fn fits(pattern: &[char], path: &[char], p: usize, s: usize, failed: &mut [bool]) -> bool {
    let place = p * (path.len() + 1) + s;
    if failed[place] {
        return false;
    }
    let fits = match pattern.get(p) {
        None => s == path.len(),
        Some('*') if is_double_star(pattern, p) => {
            let rest = p + 2;
            match pattern.get(rest) {
                // `**/x`: here, or after any directory.
                Some('/') => {
                    let after = (s..path.len()).filter(|&i| path[i] == '/').map(|i| i + 1);
                    std::iter::once(s).chain(after).any(|i| fits(pattern, path, rest + 1, i, failed))
                }
                _ => s < path.len(),
            }
        }
        Some('*') => {
            let name = path[s..].iter().position(|&c| c == '/').unwrap_or(path.len() - s);
            (s..=s + name).any(|i| fits(pattern, path, p + 1, i, failed))
        }
        Some('?') => path.get(s).is_some_and(|&c| c != '/') && fits(pattern, path, p + 1, s + 1, failed),
        Some('\\') if p + 1 < pattern.len() => {
            path.get(s) == pattern.get(p + 1) && fits(pattern, path, p + 2, s + 1, failed)
        }
        Some('[') => match class(pattern, p) {
            Some((end, accepts)) => {
                path.get(s).is_some_and(|&c| c != '/' && accepts(c)) && fits(pattern, path, end + 1, s + 1, failed)
            }
            None => path.get(s) == Some(&'[') && fits(pattern, path, p + 1, s + 1, failed),
        },
        Some(c) => path.get(s) == Some(c) && fits(pattern, path, p + 1, s + 1, failed),
    };
    failed[place] = !fits;
    fits
}

/// Whether `**` at this place is a directory's name of its own, and not two stars in one.
fn is_double_star(pattern: &[char], p: usize) -> bool {
    pattern.get(p + 1) == Some(&'*')
        && (p == 0 || pattern[p - 1] == '/')
        && matches!(pattern.get(p + 2), None | Some('/'))
}

/// The end of the class that begins here, and what it accepts.
fn class(pattern: &[char], p: usize) -> Option<(usize, impl Fn(char) -> bool)> {
    let negated = matches!(pattern.get(p + 1), Some('!' | '^'));
    let first = p + 1 + usize::from(negated);
    // A closing bracket that comes first is a member.
    let end = (first + 1..pattern.len()).find(|&i| pattern[i] == ']')?;
    let members = pattern[first..end].to_vec();
    let accepts = move |c: char| {
        let mut i = 0;
        let mut found = false;
        while i < members.len() {
            if i + 2 < members.len() && members[i + 1] == '-' {
                found |= (members[i]..=members[i + 2]).contains(&c);
                i += 3;
            } else {
                found |= members[i] == c;
                i += 1;
            }
        }
        found != negated
    };
    Some((end, accepts))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_a_name_and_double_stars_do_not() {
        let table = [
            ("*.rs", "lib.rs", true),
            ("*.rs", "src/lib.rs", false),
            ("src/*", "src/lib.rs", true),
            ("src/*", "src/a/b.rs", false),
            ("**", "a/b/c", true),
            ("**", "a", true),
            ("**/*.rs", "lib.rs", true),
            ("**/*.rs", "a/b/lib.rs", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/z", "ab/z", false),
            ("a/**", "a/b", true),
            ("a/**", "a/", false),
            ("a/**", "ab", false),
            ("a**b", "axxb", true),
            ("a**b", "ax/xb", false),
            ("", "", true),
            ("*", "", true),
            ("?", "/", false),
            ("?é", "xé", true),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn classes_and_choices() {
        let table = [
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[!a]", "/", false),
            ("[]]", "]", true),
            ("[-a]", "-", true),
            ("[a", "[a", true),
            ("{a,b}/*.{rs,toml}", "b/x.toml", true),
            ("{a,b}/*.{rs,toml}", "c/x.toml", false),
            ("{a,{b,c}}", "c", true),
            ("{a", "{a", true),
            ("x{,y}", "x", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("\\{a,b}", "{a,b}", true),
            ("a\\", "a\\", true),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        let path = "a".repeat(200);
        assert!(!matches(&format!("{}b", "*a".repeat(60)), &path));
        assert!(!matches(&format!("{}b", "{a,aa}".repeat(40)), &path));
    }
}
