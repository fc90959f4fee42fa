//! Faults as drawings on the text they are in. All text in them has gone through [`visible`]: neither a file nor its
//! name can do anything to a terminal.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents,
};

use super::code::Code;
use super::fault::{Fault, Label, Place, Sources};
use super::visible::{VisibleText, visible};

/// A file as faults are drawn on it.
#[derive(Debug)]
struct Sheet {
    name: String,
    text: VisibleText,
}

impl SourceCode for Sheet {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let piece = self.text.piece(span.offset(), span.len(), before, after);
        let span = SourceSpan::from((piece.start, piece.data.len()));
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            piece.data,
            span,
            piece.line,
            piece.column,
            piece.lines,
        )))
    }
}

/// One fault, ready to be drawn.
#[derive(Debug)]
pub(super) struct Drawing {
    code: Option<Code>,
    message: String,
    help: Option<String>,
    sheet: Option<Arc<Sheet>>,
    labels: Vec<LabeledSpan>,
    /// Its places in other files than its own.
    elsewhere: Vec<Drawing>,
}

impl Drawing {
    /// The drawings of all faults, in their order.
    pub(super) fn of_all(faults: &[Fault], sources: &Sources) -> Vec<Self> {
        let mut places: Vec<Vec<Range<usize>>> = vec![Vec::new(); sources.0.len()];
        for fault in faults {
            if let Place::Labels(labels) = &fault.place {
                for label in labels {
                    let (file, start) = sources.locate(label.span.start);
                    if let Some(places) = places.get_mut(file) {
                        places.push(start..start + label.span.len());
                    }
                }
            }
        }
        let sheet = |(source, places): (&super::fault::SourceFile, &Vec<Range<usize>>)| {
            let name = visible(&source.name).into_owned();
            Arc::new(Sheet { name, text: VisibleText::new(&source.text, places) })
        };
        let sheets: Vec<Arc<Sheet>> = sources.0.iter().zip(&places).map(sheet).collect();
        faults.iter().map(|fault| Self::new(fault, sources, &sheets)).collect()
    }

    fn new(fault: &Fault, sources: &Sources, sheets: &[Arc<Sheet>]) -> Self {
        let mut drawing = Self {
            code: Some(fault.code),
            message: visible(&fault.message).into_owned(),
            help: fault.help.as_deref().map(|help| visible(help).into_owned()),
            sheet: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        };
        let Place::Labels(labels) = &fault.place else { return drawing };
        let mut by_file: BTreeMap<usize, Vec<LabeledSpan>> = BTreeMap::new();
        let own = labels.first().map(|label| sources.locate(label.span.start).0);
        for (i, label) in labels.iter().enumerate() {
            let (file, span) = draw(label, i == 0, sources, sheets);
            by_file.entry(file).or_default().push(span);
        }
        for (file, labels) in by_file {
            let Some(sheet) = sheets.get(file).cloned() else { continue };
            if Some(file) == own {
                drawing.sheet = Some(sheet);
                drawing.labels = labels;
            } else {
                let message = format!("and in {}", sheet.name);
                let (code, help, elsewhere) = (None, None, Vec::new());
                drawing.elsewhere.push(Self { code, message, help, sheet: Some(sheet), labels, elsewhere });
            }
        }
        drawing
    }
}

/// A label on its file's sheet.
fn draw(label: &Label, primary: bool, sources: &Sources, sheets: &[Arc<Sheet>]) -> (usize, LabeledSpan) {
    let (file, start) = sources.locate(label.span.start);
    let span = sheets.get(file).map_or((0, 0), |sheet| sheet.text.range(&(start..start + label.span.len())));
    let text = Some(visible(&label.text).into_owned()).filter(|text| !text.is_empty());
    let span =
        if primary { LabeledSpan::new_primary_with_span(text, span) } else { LabeledSpan::new_with_span(text, span) };
    (file, span)
}

impl Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.code.is_some() { Severity::Error } else { Severity::Advice })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.sheet.as_deref().map(|sheet| sheet as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.elsewhere.iter().map(|drawing| drawing as &dyn Diagnostic)))
    }
}
