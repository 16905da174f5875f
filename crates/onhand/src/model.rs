//! Models as files.

use crate::failure::Failure;
use onhand_models::Artefact;
use std::fs;
use std::path::Path;

/// Reads a model.
pub(crate) fn read(path: &Path) -> Result<Artefact, Failure> {
    read_with_bytes(path).map(|(model, _)| model)
}

/// Reads a model, and gives the bytes that it was read from.
pub(crate) fn read_with_bytes(path: &Path) -> Result<(Artefact, Vec<u8>), Failure> {
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
    fs::write(path, bytes).map_err(say)
}

/// Refuses a place for a model before anything is asked, rather than after the fit.
pub(crate) fn expect_writable(out: &Path) -> Result<(), Failure> {
    if out.extension().is_some_and(|extension| extension == "md") {
        return Err(Failure::say(format!(
            "{}: .md is the card's name, which is written beside the model",
            out.display()
        )));
    }
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match folder.is_dir() {
        true => Ok(()),
        false => Err(Failure::say(format!(
            "cannot write {}: there is no folder {}",
            out.display(),
            folder.display()
        ))),
    }
}
