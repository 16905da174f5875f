//! The page that a measurement is written into: looked at before it, since a measurement takes minutes.

use crate::failure::Failure;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// Whether there is a page with the marks of `name` that can be written; it stays as it is.
///
/// # Errors
/// There is none, it has not both marks in their order, or it may not be written.
pub(super) fn check(page: &Path, name: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(page).map_err(|error| cannot("read", page, error))?;
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let after = text.split_once(&begin).map(|(_, after)| after);
    match after.is_some_and(|after| after.contains(&end)) {
        true => check_writable(page),
        false => Err(Failure::say(format!(
            "{} has no {begin} … {end} to write between; nothing was measured",
            page.display()
        ))),
    }
}

/// Whether a file that is there may be written, or one that is not can be made; nothing is left of the trial.
///
/// # Errors
/// It cannot.
pub(super) fn check_writable(file: &Path) -> Result<(), Failure> {
    let is_new = !file.exists();
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).open(file).map(drop);
    let left = opened.and_then(|()| match is_new {
        true => fs::remove_file(file),
        false => Ok(()),
    });
    left.map_err(|error| cannot("write", file, error))
}

fn cannot(what: &str, file: &Path, error: io::Error) -> Failure {
    let file = file.display();
    Failure::say(format!(
        "cannot {what} {file}: {error}; nothing was measured"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test says what it met and fails where it stands"
    )]

    use super::*;
    use crate::bench::scratch::Scratch;

    /// What is said of a page with this text, which must stay as it was.
    fn said(text: &str) -> Result<(), String> {
        let folder = Scratch::new(None);
        fs::create_dir_all(&folder.path).unwrap();
        let page = folder.path.join("page.md");
        fs::write(&page, text).unwrap();
        let said = check(&page, "cost").map_err(|failure| failure.to_string());
        assert_eq!(fs::read_to_string(&page).unwrap(), text);
        said
    }

    #[test]
    fn a_page_has_both_marks_in_their_order() {
        assert_eq!(said("a\n<!-- cost -->\nold\n<!-- /cost -->\n"), Ok(()));
        for text in [
            "",
            "<!-- cost -->",
            "<!-- /cost --><!-- cost -->",
            "<!-- tradeoffs --><!-- /tradeoffs -->",
        ] {
            assert!(said(text).unwrap_err().contains("has no <!-- cost -->"));
        }
    }

    #[test]
    fn what_cannot_be_read_or_made_is_told() {
        let folder = Scratch::new(None);
        let file = folder.path.join("new.svg");
        let told = |result: Result<(), Failure>| result.unwrap_err().to_string();
        assert!(told(check(&file, "cost")).starts_with("cannot read"));
        assert!(told(check_writable(&file)).starts_with("cannot write"));
        fs::create_dir_all(&folder.path).unwrap();
        check_writable(&file).unwrap();
        assert!(!file.exists());
        assert!(told(check_writable(&folder.path)).starts_with("cannot write"));
    }
}
