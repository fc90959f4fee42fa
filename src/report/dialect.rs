//! Which CI service reads along: how a group opens and closes in its log, how what stages print is kept inert there, and how
//! an annotation is said. A dialect changes markers and nothing else of a transcript; see `docs/events.md`, "Dialects".

use crate::env::{self, Env};
use crate::text::terminal::Markers;
use crate::text::{azure, gitlab, teamcity, workflow};

/// Which CI's markers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// None reads along: groups are marked for whoever parses the transcript.
    #[default]
    Plain,
    /// GitHub's runner acts on what it reads, so what stages print is fenced off.
    GitHub,
    /// GitLab's log folds sections and says how long they took.
    GitLab,
    /// Buildkite's log folds what stands below a heading, up to the next.
    Buildkite,
    /// Azure Pipelines' agent acts on what it reads.
    Azure,
    /// TeamCity's server acts on service messages.
    TeamCity,
}

/// A group that opens or closes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    /// What stands on it: one line.
    pub(super) title: &'a str,
    /// What it is called where it needs a name of its own in the whole log.
    pub(super) name: &'a str,
    /// When it opens or closes, in milliseconds since 1970.
    pub(super) unix_ms: i64,
}

/// How a line stands out that says what came of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// What stands below it can be folded away.
    Light,
    /// What stands below it is to be seen.
    Heavy,
}

impl Dialect {
    /// All there are.
    pub const ALL: [Self; 6] = [Self::Plain, Self::GitHub, Self::GitLab, Self::Buildkite, Self::Azure, Self::TeamCity];

    /// The word for it, as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Buildkite => "buildkite",
            Self::Azure => "azure",
            Self::TeamCity => "teamcity",
        }
    }

    /// The dialect that this word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.word() == word)
    }

    /// The dialect of the CI that we run in, by the variables that each service documents.
    pub fn of(env: &Env) -> Self {
        [
            (env::GITHUB_ACTIONS, Self::GitHub),
            (env::GITLAB_CI, Self::GitLab),
            (env::BUILDKITE, Self::Buildkite),
            (env::TF_BUILD, Self::Azure),
        ]
        .into_iter()
        .find(|(name, _)| env.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true")))
        .map(|(_, dialect)| dialect)
        // Its version is all that it says of itself.
        .or_else(|| env.text(env::TEAMCITY_VERSION).map(|_| Self::TeamCity))
        .unwrap_or_default()
    }

    /// The place that the log belongs to, as a person calls it; none where no service reads along.
    pub fn place(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::GitHub => Some("a step of GitHub Actions"),
            Self::GitLab => Some("a job of GitLab CI"),
            Self::Buildkite => Some("a job of Buildkite"),
            Self::Azure => Some("a step of Azure Pipelines"),
            Self::TeamCity => Some("a build step of TeamCity"),
        }
    }

    /// The variable that names the directory which paths in annotations are relative to.
    pub fn workspace(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some(env::GITHUB_WORKSPACE),
            Self::Azure => Some(env::BUILD_SOURCESDIRECTORY),
            Self::Plain | Self::GitLab | Self::Buildkite | Self::TeamCity => None,
        }
    }

    /// What is done about lines that the service would act on. GitHub's are for what stands in a fence.
    pub(super) fn markers(self) -> Markers {
        match self {
            Self::Plain => Markers::Guard,
            Self::GitHub => Markers::Fenced,
            Self::GitLab => Markers::GitLab,
            Self::Buildkite => Markers::Buildkite,
            Self::Azure => Markers::Azure,
            Self::TeamCity => Markers::TeamCity,
        }
    }

    /// The line that opens a group.
    pub(super) fn open(self, section: &Section<'_>) -> String {
        let title = self.markers().broken(section.title);
        match self {
            Self::Plain | Self::GitHub => workflow::group(&title),
            Self::GitLab => gitlab::section_start(section.unix_ms / 1000, section.name, &title),
            Self::Buildkite => format!("--- {title}"),
            Self::Azure => azure::group(&title),
            Self::TeamCity => teamcity::message("blockOpened", &[("name", section.title)]),
        }
    }

    /// The line that closes it; none where the next heading does.
    pub(super) fn close(self, section: &Section<'_>) -> Option<String> {
        match self {
            Self::Plain | Self::GitHub => Some(workflow::END_GROUP.to_owned()),
            Self::GitLab => Some(gitlab::section_end(section.unix_ms / 1000, section.name)),
            Self::Buildkite => None,
            Self::Azure => Some(azure::END_GROUP.to_owned()),
            Self::TeamCity => Some(teamcity::message("blockClosed", &[("name", section.title)])),
        }
    }

    /// What a line begins with that is not to be folded away with the group before it.
    pub(super) fn heading(self, weight: Weight) -> &'static str {
        match (self, weight) {
            (Self::Buildkite, Weight::Light) => "~~~ ",
            (Self::Buildkite, Weight::Heavy) => "+++ ",
            (Self::Plain | Self::GitHub | Self::GitLab | Self::Azure | Self::TeamCity, _) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_is_known_by_what_it_sets() {
        let of = |pairs: &[(&str, &str)]| Dialect::of(&Env::from_pairs(pairs.iter().copied()));
        assert_eq!(of(&[("GITHUB_ACTIONS", "true")]), Dialect::GitHub);
        assert_eq!(of(&[("GITHUB_ACTIONS", "false")]), Dialect::Plain);
        assert_eq!(of(&[("GITLAB_CI", "true")]), Dialect::GitLab);
        assert_eq!(of(&[("BUILDKITE", "true")]), Dialect::Buildkite);
        assert_eq!(of(&[("TF_BUILD", "True")]), Dialect::Azure);
        assert_eq!(of(&[("TEAMCITY_VERSION", "2025.07")]), Dialect::TeamCity);
        assert_eq!(of(&[("TEAMCITY_VERSION", ""), ("CI", "true")]), Dialect::Plain);
        assert_eq!(of(&[]), Dialect::Plain);
    }

    #[test]
    fn a_word_stands_for_one_dialect() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_word(dialect.word()), Some(dialect));
        }
        assert_eq!(Dialect::from_word("GitHub"), None);
    }

    /// H67: whatever a title is, it opens one group and nothing else.
    #[test]
    fn h67_a_title_is_inert() {
        fn opened(dialect: Dialect, title: &str) -> String {
            dialect.open(&Section { title, name: "n", unix_ms: 1000 })
        }
        let title = "a ##[error]b ##vso[x] ##teamcity[y] section_end:1:z 100%";
        for dialect in [Dialect::Plain, Dialect::GitHub] {
            let shown = "::group::a ## [error]b ##vso[x] ##teamcity[y] section_end:1:z 100%25%0A::error::c";
            assert_eq!(opened(dialect, &format!("{title}\n::error::c")), shown);
        }
        assert_eq!(
            opened(Dialect::GitLab, title),
            "\x1b[0Ksection_start:1:n[collapsed=true]\r\x1b[0Ka ##[error]b ##vso[x] ##teamcity[y] section_end :1:z 100%"
        );
        assert_eq!(
            opened(Dialect::Azure, title),
            "##[group]a ## [error]b ##vso [x] ##teamcity[y] section_end:1:z 100%"
        );
        assert_eq!(
            opened(Dialect::TeamCity, title),
            "##teamcity[blockOpened name='a ##|[error|]b ##vso|[x|] ##teamcity|[y|] section_end:1:z 100%']"
        );
        assert_eq!(opened(Dialect::Buildkite, title), format!("--- {title}"));
    }
}
