//! Which stages there will be: every declared stage once, or once for each combination of its matrix.
//!
//! Combinations are counted before any is built, so that no file can ask for more than there is memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use toml::Spanned;

use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::schema::{Document, Stage};
use crate::config::value::scalar::{Pairs, Scalar};
use crate::config::value::words::Matrix;
use crate::config::visible::visible_line;
use crate::ids::{STAGE_NAME_MAX, StageName, StageNameError};

/// How many cells all matrices may have together.
pub(super) const CELLS_MAX: usize = 10_000;

/// One stage to be.
pub(super) struct Cell {
    pub(super) name: StageName,
    /// The values of its axes and of what `include` adds.
    pub(super) values: BTreeMap<String, String>,
}

/// A stage of the file with the stages it becomes.
pub(super) struct Declared<'d> {
    /// Its name, if it is one.
    pub(super) name: Option<StageName>,
    pub(super) key: &'d Spanned<String>,
    pub(super) stage: &'d Stage,
    /// The variables that `${matrix.…}` can name.
    pub(super) variables: Vec<&'d str>,
    pub(super) cells: Vec<Cell>,
    /// The number of its first cell.
    pub(super) first: usize,
}

/// All stages to be, numbered in order.
pub(super) struct Layout<'d> {
    pub(super) declared: Vec<Declared<'d>>,
    /// Which numbers a name stands for: one, or all cells of a stage.
    pub(super) names: HashMap<String, Range<usize>>,
    /// Names that would be known but for faults of their own; what refers to them is not blamed.
    pub(super) excused: HashSet<String>,
    pub(super) total: usize,
    /// Whether there may be more stages, which could not be made: no name is blamed.
    pub(super) is_open: bool,
}

/// Expands all matrices and gives every stage its number.
pub(super) fn lay_out<'d>(document: &'d Document, faults: &mut FaultList, warnings: &mut Vec<String>) -> Layout<'d> {
    let stages = &document.stages.0;
    let mut layout = Layout {
        declared: Vec::with_capacity(stages.len()),
        names: HashMap::with_capacity(stages.len()),
        excused: HashSet::new(),
        total: 0,
        is_open: false,
    };
    let mut cells_left = CELLS_MAX;
    let mut spans: HashMap<String, Range<usize>> = HashMap::new();
    for (key, stage) in stages {
        let name = StageName::new(key.get_ref()).map_err(|error| faults.push(bad_name(key, &error))).ok();
        let mut expansion = Expansion { key, spoilt: stage.spoilt, faults, warnings, left: &mut cells_left };
        let cells = match (&name, &stage.matrix) {
            (Some(name), None) => vec![Cell { name: name.clone(), values: BTreeMap::new() }],
            (Some(_), Some(matrix)) => expansion.cells(matrix).unwrap_or_default(),
            (None, _) => Vec::new(),
        };
        let variables = stage.matrix.as_ref().map_or(Vec::new(), |matrix| variables(matrix.get_ref()));
        let first = layout.total;
        layout.total += cells.len();
        if cells.is_empty() {
            layout.excused.insert(key.get_ref().clone());
        }
        let own = key.get_ref().clone();
        let names = cells.iter().enumerate().map(|(i, cell)| (cell.name.as_str().to_owned(), first + i..first + i + 1));
        let whole = stage.matrix.is_some().then_some((own, first..layout.total)).filter(|_| !cells.is_empty());
        for (name, range) in names.chain(whole) {
            if let Some(other) = spans.get(&name).cloned() {
                let text = format!("two stages have the name `{name}`");
                let fault = Fault::new(Code::NameClash, text, key.span(), "a cell of this one, or it itself");
                faults.push(fault.and(other, "and of this one").help("rename one of them"));
            } else {
                spans.insert(name.clone(), key.span());
                layout.names.insert(name, range);
            }
        }
        layout.declared.push(Declared { name, key, stage, variables, cells, first });
    }
    layout
}

fn bad_name(key: &Spanned<String>, error: &StageNameError) -> Fault {
    let name = visible_line(key.get_ref());
    let fault =
        Fault::new(Code::BadStageName, format!("`{name}` cannot be a stage's name: {error}"), key.span(), "here");
    fault.help("for example: fmt, test-unit, lint:web")
}

fn variables(matrix: &Matrix) -> Vec<&str> {
    let added = matrix.include.iter().flat_map(|row| row.get_ref().0.iter().map(|(key, _)| key.get_ref().as_str()));
    let mut names: Vec<&str> = matrix.axes.iter().map(|(key, _)| key.get_ref().as_str()).chain(added).collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

/// The variable that carries an axis's value: `MATRIX_` and the name, in capitals.
pub(super) fn variable(axis: &str) -> String {
    let name = axis.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    "MATRIX_".chars().chain(name).collect()
}

/// The expansion of one stage's matrix.
struct Expansion<'a> {
    key: &'a Spanned<String>,
    /// Whether some of the stage was taken out because it could not be read: then nothing that lacks is a fault.
    spoilt: bool,
    faults: &'a mut FaultList,
    warnings: &'a mut Vec<String>,
    left: &'a mut usize,
}

/// Axis by axis, the number of the value taken.
type Choice = Vec<usize>;

impl Expansion<'_> {
    /// The cells, or nothing if the matrix has faults.
    fn cells(&mut self, matrix: &Spanned<Matrix>) -> Option<Vec<Cell>> {
        let before = self.faults.count();
        let span = matrix.span();
        let matrix = matrix.get_ref();
        let axes = self.axes(matrix, &span);
        self.check_names(matrix);
        self.check_values(matrix);
        if axes.is_empty() && !self.spoilt && self.faults.count() == before {
            self.bad(
                &span,
                "the matrix has no axes",
                "here",
                "for example: matrix = { rust = [\"1.80\", \"stable\"] }",
            );
        }
        self.count(matrix, &axes, &span);
        if self.faults.count() > before {
            return None;
        }
        let cells = self.expand(matrix, &axes, &span);
        (self.faults.count() == before).then_some(cells)
    }

    /// The names of the axes: those of the table or, without any, those of the first `include`.
    fn axes<'m>(&mut self, matrix: &'m Matrix, span: &Range<usize>) -> Vec<&'m str> {
        if matrix.axes.is_empty() {
            let first = matrix.include.first().map_or(&[][..], |row| row.get_ref().0.as_slice());
            return first.iter().map(|(key, _)| key.get_ref().as_str()).collect();
        }
        for (key, values) in &matrix.axes {
            if values.is_empty() && !self.spoilt {
                let text = format!("the axis `{}` has no values", visible_line(key.get_ref()));
                self.bad(span, &text, "so the stage would not run at all", "give it at least one value");
            }
            let mut seen: HashMap<&str, Range<usize>> = HashMap::new();
            for value in values {
                if let Some(first) = seen.insert(value.get_ref().0.as_str(), value.span()) {
                    let text = format!("`{}` stands twice in its axis", visible_line(&value.get_ref().0));
                    let fault = Fault::new(Code::BadMatrix, text, value.span(), "again here");
                    self.faults.push(fault.and(first, "first here").help("keep one of them"));
                }
            }
        }
        matrix.axes.iter().map(|(key, _)| key.get_ref().as_str()).collect()
    }

    fn bad(&mut self, span: &Range<usize>, text: &str, label: &str, help: &str) {
        self.faults.push(Fault::new(Code::BadMatrix, text, span.clone(), label).help(help));
    }

    /// Every name has to make a variable, and no two the same.
    fn check_names(&mut self, matrix: &Matrix) {
        let rows = matrix.include.iter().flat_map(|row| row.get_ref().0.iter().map(|(key, _)| key));
        let mut variables: HashMap<String, &str> = HashMap::new();
        for key in matrix.axes.iter().map(|(key, _)| key).chain(rows) {
            let name = key.get_ref().as_str();
            let shown = visible_line(name);
            let mut bytes = name.bytes();
            let begins = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            if !(begins && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))) {
                let text = format!("`{shown}` cannot be an axis");
                self.bad(&key.span(), &text, "here", "an axis is named with letters, digits, `_` and `-`");
            } else if let Some(other) = variables.insert(variable(name), name).filter(|other| *other != name) {
                let text = format!("`{shown}` and `{other}` would both be {}", variable(name));
                self.bad(&key.span(), &text, "here", "rename one of them");
            }
        }
        for row in &matrix.exclude {
            for (key, _) in &row.get_ref().0 {
                let axes = || matrix.axes.iter().map(|(key, _)| key.get_ref().as_str());
                if axes().all(|axis| axis != key.get_ref()) {
                    let text = format!("`{}` is not an axis of this matrix", visible_line(key.get_ref()));
                    let known = axes().collect::<Vec<_>>().join(", ");
                    let help = match nearest(key.get_ref(), axes()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its axes are: {known}"),
                    };
                    self.bad(&key.span(), &text, "unknown axis", &help);
                }
            }
        }
    }

    /// Values of axes become part of names.
    fn check_values(&mut self, matrix: &Matrix) {
        let axes: Vec<&str> = matrix.axes.iter().map(|(key, _)| key.get_ref().as_str()).collect();
        let of_axes = matrix.axes.iter().flat_map(|(_, values)| values.iter().map(|v| (&v.get_ref().0, v.span())));
        let mut values: Vec<(&String, Range<usize>)> = of_axes.collect();
        for row in &matrix.include {
            for (key, Scalar(value)) in &row.get_ref().0 {
                if axes.is_empty() || axes.contains(&key.get_ref().as_str()) {
                    values.push((value, key.span()));
                }
            }
        }
        for (value, span) in values {
            // Behind a colon, a value may begin with any character of a name.
            let fits = !value.is_empty() && StageName::new(&format!("_{value}")).is_ok();
            if !fits {
                let text = format!("`{}` cannot be part of a stage's name", visible_line(value));
                self.bad(&span, &text, "here", "values of axes have letters, digits and _ . : + - only");
            }
        }
    }

    /// Refuses what is too large, before it is built.
    fn count(&mut self, matrix: &Matrix, axes: &[&str], span: &Range<usize>) {
        let product = if matrix.axes.is_empty() {
            0
        } else {
            matrix.axes.iter().fold(1_u128, |product, (_, values)| product.saturating_mul(values.len() as u128))
        };
        let more = matrix.include.len() as u128;
        let cells = product.saturating_add(if axes.is_empty() { 0 } else { more });
        if cells <= *self.left as u128 {
            *self.left -= usize::try_from(cells).unwrap_or(0);
            return;
        }
        let count = if cells == u128::MAX { "more than 10^38".to_owned() } else { grouped(cells) };
        let text = format!("the matrix of `{}` has {count} cells", visible_line(self.key.get_ref()));
        let (most, left) = (grouped(CELLS_MAX as u128), grouped(*self.left as u128));
        let label = format!("all matrices together may have {most}, of which {left} are left");
        let fault = Fault::new(Code::TooManyCells, text, span.clone(), label);
        self.faults.push(fault.help("take values or axes away, or split the pipeline"));
    }

    fn expand(&mut self, matrix: &Matrix, axes: &[&str], span: &Range<usize>) -> Vec<Cell> {
        let mut cells: Vec<BTreeMap<String, String>> = Vec::new();
        for choice in combinations(matrix) {
            let value = |i: usize| matrix.axes[i].1[choice[i]].get_ref().0.clone();
            cells.push((0..axes.len()).map(|i| (axes[i].to_owned(), value(i))).collect());
        }
        let fits = |cell: &BTreeMap<String, String>, row: &Pairs<Scalar>, axes: &[&str]| {
            let on_axis = |key: &str| axes.contains(&key);
            row.0.iter().all(|(key, Scalar(value))| !on_axis(key.get_ref()) || cell.get(key.get_ref()) == Some(value))
        };
        for row in &matrix.exclude {
            let before = cells.len();
            cells.retain(|cell| row.get_ref().0.is_empty() || !fits(cell, row.get_ref(), axes));
            if cells.len() == before {
                let name = visible_line(self.key.get_ref());
                self.warnings.push(format!("an `exclude` of stage `{name}` matches no combination of its matrix"));
            }
        }
        // What `include` adds is compared with the combinations of the axes, not with what it added itself.
        let of_axes = cells.len();
        for row in &matrix.include {
            let mut found = false;
            if !matrix.axes.is_empty() {
                for cell in cells[..of_axes].iter_mut().filter(|cell| fits(cell, row.get_ref(), axes)) {
                    cell.extend(row.get_ref().0.iter().map(|(key, value)| (key.get_ref().clone(), value.0.clone())));
                    found = true;
                }
            }
            if !found {
                cells.extend(self.new_cell(row, axes));
            }
        }
        if cells.is_empty() && !self.spoilt {
            self.bad(span, "`exclude` leaves nothing of the matrix", "here", "take one of its entries away");
        }
        cells.into_iter().filter_map(|values| self.name(axes, values, span)).collect()
    }

    fn new_cell(&mut self, row: &Spanned<Pairs<Scalar>>, axes: &[&str]) -> Option<BTreeMap<String, String>> {
        let values: BTreeMap<String, String> =
            row.get_ref().0.iter().map(|(key, value)| (key.get_ref().clone(), value.0.clone())).collect();
        let missing: Vec<&str> = axes.iter().copied().filter(|axis| !values.contains_key(*axis)).collect();
        if missing.is_empty() {
            return Some(values);
        }
        if self.spoilt {
            return None;
        }
        let text = "this `include` matches no combination, and is not a whole one itself";
        self.bad(&row.span(), text, &format!("without {}", missing.join(", ")), "give a value for every axis");
        None
    }

    fn name(&mut self, axes: &[&str], values: BTreeMap<String, String>, span: &Range<usize>) -> Option<Cell> {
        let mut name = self.key.get_ref().clone();
        for axis in axes {
            name.push(':');
            name.push_str(values.get(*axis).map_or("", String::as_str));
        }
        if let Ok(name) = StageName::new(&name) {
            Some(Cell { name, values })
        } else {
            let text = format!("the cell's name is {} bytes long: {}", name.len(), visible_line(&name));
            let label = format!("a name has at most {STAGE_NAME_MAX}");
            self.bad(span, &text, &label, "shorten the stage's name or the values");
            None
        }
    }
}

/// All combinations of the axes' values, the last axis changing fastest.
fn combinations(matrix: &Matrix) -> Vec<Choice> {
    let mut all: Vec<Choice> = if matrix.axes.is_empty() { Vec::new() } else { vec![Vec::new()] };
    for (_, values) in &matrix.axes {
        all = all
            .iter()
            .flat_map(|choice| (0..values.len()).map(|value| choice.iter().copied().chain([value]).collect()))
            .collect();
    }
    all
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
