//! The Java virtual machine: Maven's life cycle, Gradle's `check`, by the wrapper that the project brings.

use std::path::PathBuf;

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;

/// Maven's project.
pub(super) const POM: &str = "pom.xml";
/// Gradle's builds.
pub(super) const BUILDS: [&str; 4] = ["build.gradle.kts", "build.gradle", "settings.gradle.kts", "settings.gradle"];
/// The files at the root of a Gradle build.
const SETTINGS: [&str; 2] = ["settings.gradle.kts", "settings.gradle"];

/// The stage of a directory with a `pom.xml`: one, since each phase of Maven's does all those before it again.
pub(super) fn maven(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    if !dir.is_marked(POM, seen) {
        return Vec::new();
    }
    let program = if dir.has("mvnw") { "./mvnw" } else { "mvn" };
    let run = Run::words(&format!("{program} --batch-mode --no-transfer-progress verify"));
    vec![Draft::new(Kind::Maven, "verify", "It compiles, and all tests and checks pass", run)]
}

/// The stage of a directory with a Gradle build.
pub(super) fn gradle(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(build) = dir.first(&BUILDS) else { return Vec::new() };
    if !dir.is_marked(build, seen) {
        return Vec::new();
    }
    let program = if dir.has("gradlew") { "./gradlew" } else { "gradle" };
    // The daemon would outlive the stage, and be ended with it.
    let run = Run::words(&format!("{program} --no-daemon --console=plain check"));
    vec![Draft::new(Kind::Gradle, "check", "All tests and checks pass", run)]
}

/// The build that a Gradle project belongs to: the nearest directory above it with settings, unless it has its own.
pub(super) fn gradle_root(dir: &Directory<'_>) -> Option<PathBuf> {
    if dir.first(&SETTINGS).is_some() {
        return None;
    }
    let has_settings = |above: &&PathBuf| SETTINGS.iter().any(|name| above.join(name).is_file());
    dir.above.iter().find(has_settings).cloned()
}
