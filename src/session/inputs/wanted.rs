//! Which files the stages want: their globs, each compiled once however many stages have it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::ids::StageId;
use crate::walk::start;

/// The globs that match a file, as numbers.
pub(super) type Matches = Vec<usize>;

/// The globs of all stages.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    globs: GlobSet,
    /// By glob, the lists it adds files to.
    adds: Vec<Vec<usize>>,
    /// By glob, the lists it takes files out of.
    takes_out: Vec<Vec<usize>>,
    lists: Vec<List>,
    /// Files that are named in full, by their paths in the project.
    pub(super) named: Vec<PathBuf>,
    /// Directories of the project in which all else lies that is wanted; the empty path is the project's own.
    pub(super) below: Vec<PathBuf>,
}

/// A list of globs as it stands in the config, and the stages that have it.
#[derive(Debug)]
struct List {
    adds: Vec<usize>,
    stages: Vec<StageId>,
}

impl Wanted {
    /// The globs of these stages. A list with one that is no glob, or leads out of the project, wants nothing.
    pub(super) fn of<'a>(stages: impl Iterator<Item = (StageId, &'a [String])>) -> Self {
        let mut by_list: BTreeMap<&[String], Vec<StageId>> = BTreeMap::new();
        for (id, inputs) in stages.filter(|(_, inputs)| !inputs.is_empty()) {
            by_list.entry(inputs).or_default().push(id);
        }
        let mut wanted = Self::default();
        let mut globs = GlobSetBuilder::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for (list, stages) in by_list {
            let Some(patterns) = list.iter().map(|text| Pattern::new(text)).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let mut adds = Vec::new();
            for pattern in patterns {
                let number = *numbers.entry(pattern.text).or_insert_with(|| {
                    globs.add(pattern.glob);
                    wanted.adds.push(Vec::new());
                    wanted.takes_out.push(Vec::new());
                    wanted.adds.len() - 1
                });
                if pattern.takes_out {
                    wanted.takes_out[number].push(wanted.lists.len());
                    continue;
                }
                wanted.adds[number].push(wanted.lists.len());
                adds.push(number);
                let (named, place) = start(pattern.text);
                if named { &mut wanted.named } else { &mut wanted.below }.push(place);
            }
            wanted.lists.push(List { adds, stages });
        }
        for paths in [&mut wanted.named, &mut wanted.below] {
            paths.sort_unstable();
            paths.dedup();
        }
        match globs.build() {
            Ok(globs) => Self { globs, ..wanted },
            Err(_) => Self::default(),
        }
    }

    /// The globs that match a file, by its path in the project. Empty where none of them adds it to anything.
    pub(super) fn matches(&self, path: &Path) -> Matches {
        let matches = self.globs.matches(path);
        if matches.iter().any(|glob| !self.adds[*glob].is_empty()) { matches } else { Matches::new() }
    }

    /// Stages with the files they want, in order, of these. A list of which a glob adds nothing, or all is taken out, is
    /// not among them.
    pub(super) fn choose<'f>(&self, found: &'f BTreeMap<PathBuf, Matches>) -> Vec<(&[StageId], Vec<&'f Path>)> {
        let mut matched = vec![false; self.adds.len()];
        let mut files: Vec<Vec<&Path>> = vec![Vec::new(); self.lists.len()];
        for (path, globs) in found {
            let out: Vec<usize> = globs.iter().flat_map(|glob| &self.takes_out[*glob]).copied().collect();
            for glob in globs {
                matched[*glob] = true;
                for list in &self.adds[*glob] {
                    // Another glob of the list may have added it.
                    if !out.contains(list) && files[*list].last() != Some(&path.as_path()) {
                        files[*list].push(path);
                    }
                }
            }
        }
        let complete =
            |(list, files): &(&List, Vec<&Path>)| !files.is_empty() && list.adds.iter().all(|glob| matched[*glob]);
        let lists = self.lists.iter().zip(files).filter(complete);
        lists.map(|(list, files)| (list.stages.as_slice(), files)).collect()
    }
}

/// One glob of a list.
struct Pattern<'a> {
    takes_out: bool,
    text: &'a str,
    glob: globset::Glob,
}

impl<'a> Pattern<'a> {
    /// As the config checks it; none where it is no glob or leads out of the project.
    fn new(text: &'a str) -> Option<Self> {
        let (takes_out, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = text.strip_prefix("./").unwrap_or(text);
        let stays = Path::new(text).components().all(|part| matches!(part, Component::Normal(_)));
        let glob = GlobBuilder::new(text).literal_separator(true).build().ok()?;
        stays.then_some(Self { takes_out, text, glob })
    }
}
