//! Figures in documents: a command writes its table between two marks, and the rest of the page stays.

use crate::failure::Failure;
use std::fmt::Write;
use std::path::Path;

/// A number with commas.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Puts text between `<!-- name -->` and `<!-- /name -->` in a file.
pub(crate) fn write_between(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let file = std::fs::read_to_string(path)
        .map_err(|error| Failure::say(format!("cannot read {}: {error}", path.display())))?;
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let parts = file
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = parts else {
        let what = format!("{} has no {begin} … {end} to write between", path.display());
        return Err(Failure::say(what));
    };
    let text = format!("{before}{begin}\n{}\n{end}{after}", text.trim_end());
    std::fs::write(path, text)
        .map_err(|error| Failure::say(format!("cannot write {}: {error}", path.display())))
}

/// A table: its title, its columns, and its rows. The first column is text, the others are numbers.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// For a terminal: a row with one number is a line, one with more a line for each.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for row in &self.rows {
            if let [name, only] = row.as_slice() {
                let _ = writeln!(text, "  {name:<66} {only:>14}");
                continue;
            }
            let _ = writeln!(text, "  {}", row[0]);
            for (column, cell) in self.columns.iter().zip(row).skip(1) {
                let _ = writeln!(text, "    {column:<36} {cell:>20}");
            }
        }
        text
    }

    /// For a page, under its title.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let numbers = "---:|".repeat(self.columns.len() - 1);
        let mut text = format!(
            "### {}\n\n{}|---|{numbers}\n",
            self.title,
            line(&self.columns)
        );
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        text
    }
}
