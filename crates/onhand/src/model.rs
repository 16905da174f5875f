//! Models as files.

use crate::failure::Failure;
use onhand_models::Artefact;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Reads a model, and gives the bytes that it was read from.
pub(crate) fn read(path: &Path) -> Result<(Artefact, Vec<u8>), Failure> {
    let say = |error: String| Failure::say(format!("{}: {error}", path.display()));
    let bytes = fs::read(path).map_err(|error| say(error.to_string()))?;
    let model = Artefact::from_bytes(&bytes).map_err(|error| say(error.to_string()))?;
    Ok((model, bytes))
}

/// Writes a model, and beside it its card (.md). Both, or nothing is said to be written.
pub(crate) fn write(path: &Path, model: &Artefact) -> Result<usize, Failure> {
    let bytes = model.to_bytes().map_err(Failure::say)?;
    write_bytes(path, &bytes)?;
    let card = onhand_train::card::markdown(model);
    write_bytes(&path.with_extension("md"), card.as_bytes())?;
    Ok(bytes.len())
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let say = |error| Failure::say(format!("cannot write {}: {error}", path.display()));
    replace(path, bytes).map_err(say)
}

/// Puts a file in the place of the one before, which stays until the new one is on disk: it may be the model that is
/// served, or the one that this was made from.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Refuses a place for a model before anything is asked, rather than after the fit.
pub(crate) fn expect_writable(out: &Path) -> Result<(), Failure> {
    if out.extension().is_some_and(|extension| extension == "md") {
        return Err(Failure::say(format!(
            "{}: .md is the card's name, which is written beside the model",
            out.display()
        )));
    }
    if out.exists() && !out.is_file() {
        return Err(Failure::say(format!(
            "cannot write {}: it is there, and no file",
            out.display()
        )));
    }
    let folder = folder(out);
    match folder.is_dir() {
        true => Ok(()),
        false => Err(Failure::say(format!(
            "cannot write {}: there is no folder {}",
            out.display(),
            folder.display()
        ))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_the_place_of_the_one_before_and_does_not_write_into_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, before) = (folder.path().join("m.onhand"), folder.path().join("before"));
        replace(&path, b"before").unwrap();
        fs::hard_link(&path, &before).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&before).unwrap(), b"before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(expect_writable(folder.path()).is_err());
    }
}
