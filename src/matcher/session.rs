//! All matchers of one attempt.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::built_in;
use super::form::Form;
use super::member::{Finds, Member};
use super::place::Place;
use crate::event::{ANNOTATIONS_MAX, Annotation};
use crate::pipeline::matcher::{Annotate, Part};

/// Reads what one attempt prints, with all of its matchers.
pub struct Session {
    place: Place,
    members: Vec<(String, Box<dyn Member>)>,
    /// The hashes of what was found: tools say things twice, and matchers overlap.
    known: HashSet<u64>,
}

impl Session {
    /// With the matchers of a stage; parsers of plugins among them are not ours. The error is the rest of a sentence about a
    /// matcher of the config that cannot be used: one that was checked can.
    pub fn new(annotate: &[Annotate], place: Place) -> Result<Self, String> {
        let mut members: Vec<(String, Box<dyn Member>)> = Vec::new();
        for one in annotate {
            match one {
                Annotate::BuiltIn(built_in) => {
                    let source = built_in.name();
                    members.extend(built_in::members(*built_in).into_iter().map(|member| (source.to_owned(), member)));
                }
                Annotate::Own(matcher) => {
                    for part in &matcher.parts {
                        match part {
                            Part::Form(form) => {
                                let form = Form::new(form)
                                    .map_err(|error| format!("matcher {} cannot be used: {error}", matcher.name))?;
                                members.push((matcher.name.clone(), Box::new(form)));
                            }
                            Part::BuiltIn(built_in) => members.extend(
                                built_in::members(*built_in).into_iter().map(|member| (matcher.name.clone(), member)),
                            ),
                        }
                    }
                }
                Annotate::Parser(_) => {}
            }
        }
        Ok(Self { place, members, known: HashSet::new() })
    }

    /// Whether there is nobody to read anything.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The next line, without its end and without escapes of terminals.
    pub fn line(&mut self, text: &str, out: &mut Vec<Annotation>) {
        for (source, member) in &mut self.members {
            let known = &mut self.known;
            let out = &mut |annotation| keep(known, annotation, out);
            member.line(text, &mut Finds { place: &self.place, source, out });
        }
    }

    /// The attempt has ended, with this; none where a signal ended it.
    pub fn finish(&mut self, exit: Option<i32>, out: &mut Vec<Annotation>) {
        for (source, member) in &mut self.members {
            let known = &mut self.known;
            let out = &mut |annotation| keep(known, annotation, out);
            member.finish(exit, &mut Finds { place: &self.place, source, out });
        }
    }
}

/// What was found is kept once, whoever found it.
fn keep(known: &mut HashSet<u64>, annotation: Annotation, out: &mut Vec<Annotation>) {
    let mut hasher = DefaultHasher::new();
    let at = annotation.at.as_ref();
    (annotation.severity.word(), &annotation.message, &annotation.code).hash(&mut hasher);
    at.map(|at| (&at.path, at.line, at.column)).hash(&mut hasher);
    // More are only counted, by who gathers them.
    if known.len() > 2 * ANNOTATIONS_MAX || known.insert(hasher.finish()) {
        out.push(annotation);
    }
}
